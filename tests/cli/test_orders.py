"""``tfserver orders``, ``audit``, ``backfill``, ``token list`` and ``token revoke``."""

from __future__ import annotations

from unittest import mock

from tests.cli.stub import Answer, StubCase, order, problem
from tfserver.cli import backfill

SN = "ZXDM26010042"


class OrdersTests(StubCase):
    """What waits, and what became of it."""

    def test_list(self) -> None:
        """A serial number alone lists its orders; nothing is said as such."""
        where = f"GET /terminals/{SN}/commands"
        self.stub.on(
            where, {"commands": [order("refused", error={"message": "no"}), order("queued")], "next": None}
        )
        for words in (("orders", SN), ("orders", "list", SN), ("orders", "--limit", "50", SN)):
            done = self.ask(*words)
            self.assertEqual((done.status, done.err), (0, ""), words)
            _, refused, queued = done.out.splitlines()
            self.assertEqual(refused.split()[1:3], ["opendoor", "refused"])
            self.assertTrue(refused.endswith("  no"))
            self.assertEqual(queued.split()[2], "queued")
            self.assertEqual(self.stub.asked[-1].query, {"limit": "50"})
        self.assertEqual(len(self.ask("orders", SN, "--json").json), 2)
        self.stub.on(where, {"commands": [], "next": None})
        self.assertEqual(self.ask("orders", SN).out, f"no orders for {SN}\n")

    def test_show(self) -> None:
        """One order in full."""
        self.stub.on("GET /commands/abc", order("done", reply={"doornum": 1}))
        self.assertRegex(self.ask("orders", "show", "abc").out, r"(?m)^reply\.doornum +1$")
        self.assertEqual(self.ask("orders", "show", "abc", "--json").json[0]["state"], "done")

    def test_cancel(self) -> None:
        """An order is taken back, whether the server shows it or says nothing."""
        self.stub.on("DELETE /commands/abc", order("cancelled"))
        self.assertEqual(self.ask("orders", "cancel", "abc").out, "abc: cancelled\n")
        self.stub.on("DELETE /commands/abc", Answer(204, ""))
        self.assertEqual(self.ask("orders", "cancel", "abc", "--json").json["state"], "cancelled")

    def test_too_late(self) -> None:
        """An order that was sent can't be taken back: status 1, with the server's words."""
        self.stub.on("DELETE /commands/abc", problem(409, "it was sent already"))
        done = self.ask("orders", "cancel", "abc")
        self.assertEqual((done.status, done.out), (1, ""))
        self.assertIn("it was sent already", done.err)

    def test_usage(self) -> None:
        """Which terminal, and which order, has to be said."""
        for words in (("orders",), ("orders", "show"), ("orders", "cancel"), ("orders", SN, "--limit", "0")):
            self.assertEqual(self.ask(*words).status, 2, words)
        self.assertEqual(self.stub.asked, [])


class AuditTests(StubCase):
    """``tfserver audit``."""

    def test_audit(self) -> None:
        """Who did what, a line each."""
        entry = {
            "id": "1-0", "at": "2026-04-02T07:00:00.000Z", "actor": "token ab12", "what": "terminal.approve",
            "sn": SN, "outcome": "done", "detail": {"admission": "approved"},
        }  # fmt: skip
        self.stub.on("GET /audit", {"audit": [entry], "next": None})
        done = self.ask("audit", "--limit", "7", "--sn", SN, "--actor", "ab12")
        self.assertRegex(done.out, f"token ab12 +terminal.approve +{SN} +done")
        self.assertEqual(self.only().query, {"limit": "7", "sn": SN, "actor": "ab12"})
        self.assertEqual(self.ask("audit", "--json").json, [entry])
        self.stub.on("GET /audit", {"audit": [], "next": None})
        self.assertEqual(self.ask("audit").out, "nothing was changed\n")

    def test_pages(self) -> None:
        """Short pages are put together until there are enough, or no more."""
        entry = {"at": "x", "actor": "a", "what": "b", "sn": "", "outcome": "done", "detail": {}}
        pages = [{"audit": [entry] * n, "next": after} for n, after in ((2, "8-0"), (0, "7-0"), (2, "6-0"))]
        self.stub.on("GET /audit", *pages)
        self.assertEqual(len(self.ask("audit", "--limit", "3", "--json").json), 3)
        self.assertEqual([asked.query.get("cursor") for asked in self.stub.asked], [None, "8-0", "7-0"])


def backfilled(done: int, state: str = "open", name: str = "b1") -> dict[str, object]:
    """A backfill as the API tells of it."""
    days = {"from": "2026-04-01", "to": "2026-04-03", "days": 3}
    counts = {"records": 40 * done, "new": done}
    return {"id": name, "sn": SN, **days, **counts, "done": done, "state": state, "orders": ["o"]}


class BackfillTests(StubCase):
    """``tfserver backfill``."""

    def test_asked_for(self) -> None:
        """The days are posted, and what was begun is shown."""
        self.stub.on("POST /backfills", Answer(202, backfilled(0)))
        done = self.ask("backfill", SN, "--from", "2026-04-01", "--to", "2026-04-03")
        self.assertEqual((done.status, done.err), (0, ""))
        self.assertIn("0 of 3", done.out)
        self.assertEqual(self.only().body, {"sn": SN, "from": "2026-04-01", "to": "2026-04-03"})

    def test_followed(self) -> None:
        """With ``--follow`` it ends when the backfill does; others of the terminal don't count."""
        self.stub.on("POST /backfills", Answer(202, backfilled(0)))
        pages = [{"backfills": [backfilled(3, "done", "b0"), backfilled(n)]} for n in (1, 2)]
        self.stub.on("GET /backfills", *pages, {"backfills": [backfilled(3, "done")]})
        with mock.patch.object(backfill, "LOOK_SECONDS", 0):
            done = self.ask(
                "backfill", SN, "--from", "2026-04-01", "--to", "2026-04-03", "--follow", "--json"
            )
        self.assertEqual((done.status, done.json[0]["done"]), (0, 3))
        self.assertEqual([asked.query for asked in self.stub.asked[1:]], [{"sn": SN}] * 3)

    def test_went_wrong(self) -> None:
        """One of which some day was not read to its end is status 1."""
        self.stub.on("GET /backfills", {"backfills": [backfilled(3, "incomplete"), backfilled(3, "done")]})
        done = self.ask("backfill", SN)
        self.assertEqual(done.status, 1)
        self.assertRegex(done.out, "3 of 3 +incomplete +120 +3")

    def test_listed(self) -> None:
        """Without days it tells how far earlier ones are."""
        self.stub.on("GET /backfills", {"backfills": []})
        self.assertEqual(self.ask("backfill", SN).out, f"no backfills of {SN}\n")

    def test_wrong_days(self) -> None:
        """Days that are none, or stand the wrong way round, are status 2."""
        for words in (
            ("--from", "2026-04-01"),
            ("--to", "2026-04-01"),
            ("--from", "yesterday", "--to", "2026-04-01"),
            ("--from", "2026-04-31", "--to", "2026-05-01"),
            ("--from", "2026-04-03", "--to", "2026-04-01"),
        ):
            self.assertEqual(self.ask("backfill", SN, *words).status, 2, words)
        self.assertEqual(self.stub.asked, [])


class TokenTests(StubCase):
    """``tfserver token list`` and ``revoke``."""

    def test_list(self) -> None:
        """Tokens by their ids, with what they reach."""
        rows = [
            {"id": "ab12", "role": "admin", "name": "", "sites": [], "created": "2026-04-02T07:00:00.000Z"},
            {"id": "cd34", "role": "reader", "name": "HR", "sites": ["Lisbon", "Porto"], "created": "x"},
        ]
        self.stub.on("GET /tokens", {"tokens": rows})
        _, first, second = self.ask("token", "list").out.splitlines()
        self.assertRegex(first, r"^ab12 +admin +all ")
        self.assertRegex(second, r"^cd34 +reader +HR +Lisbon, Porto ")
        self.assertEqual(self.ask("token", "list", "--json").json, rows)

    def test_revoke(self) -> None:
        """Each token is taken back; the first refusal ends it."""
        self.stub.on("DELETE /tokens/ab12", Answer(204, ""))
        self.stub.on("DELETE /tokens/zz", problem(404, "no token has the id 'zz'"))
        done = self.ask("token", "revoke", "ab12", "zz")
        self.assertEqual((done.status, done.out), (1, "ab12: revoked\n"))
        self.assertIn("no token has the id 'zz'", done.err)
