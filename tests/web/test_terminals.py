"""``/terminals``: lists, pages, single ones, and what people change."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from tests.web.in_memory import ADMIN, BOUND, OPERATOR, READER, PagesCase
from tfserver import secretpath
from tfserver.model import Admission, Identity, Terminal
from tfserver.store.refusals import Undecided
from tfserver.store.terminal_rows import Claimant

SN = "ZXDM26010042"


def terminal(sn: str, **more: Any) -> Terminal:
    """An approved terminal."""
    return Terminal(sn, **{"admission": Admission.APPROVED, **more})


def claimant(sn: str) -> Claimant:
    """Another device under this serial number."""
    return Claimant(sn, "CPU2", "AA:BB", "192.0.2.9", 5, {"modelname": "X", "usersize": 100, "useduser": 3})


class ListTests(PagesCase):
    """Which terminals come."""

    def setUp(self) -> None:
        """One terminal of each state."""
        super().setUp()
        self.with_terminals(
            terminal("A-ON", online=True, site="north"),
            terminal("B-OFF", site="south"),
            terminal("C-NEW", admission=Admission.PENDING),
            terminal("D-NO", admission=Admission.DENIED, online=True),
        )

    def found(self, query: str = "") -> list[str]:
        """The serial numbers on a page that is the only one."""
        answer = self.get(f"/api/v1/terminals{query}")
        self.assertEqual(answer.status, 200, answer.raw)
        self.assertIsNone(answer.body["next"])
        return [found["sn"] for found in answer.body["terminals"]]

    def test_all(self) -> None:
        """Without a filter everybody comes, in the order of the serial numbers."""
        self.assertEqual(self.found(), ["A-ON", "B-OFF", "C-NEW", "D-NO"])

    def test_states(self) -> None:
        """A state or several; who is not approved is neither online nor offline."""
        self.assertEqual(self.found("?state=online"), ["A-ON"])
        self.assertEqual(self.found("?state=offline"), ["B-OFF"])
        self.assertEqual(self.found("?state=pending,denied"), ["C-NEW", "D-NO"])

    def test_site(self) -> None:
        """Filters hold together."""
        self.assertEqual(self.found("?site=south"), ["B-OFF"])
        self.assertEqual(self.found("?site=south&state=online"), [])

    def test_fields(self) -> None:
        """A terminal has all the fields of the contract (design §2.2)."""
        [found] = self.get("/api/v1/terminals?state=online").body["terminals"]
        wanted = (
            "sn name site timezone admission online owner connected_at last_frame last_punch clock_offset_ms "
            "clock devinfo capacity completeness model_profile tags direction twins has_path"
        )
        self.assertEqual(set(found), set(wanted.split()))

    def test_quarantined(self) -> None:
        """Devices that claim a pinned serial number come when they are asked for, marked as such."""
        self.terminals.given["claimants"] = [claimant("A-ON")]
        [found] = self.get("/api/v1/terminals?state=quarantined").body["terminals"]
        self.assertEqual((found["sn"], found["admission"], found["online"]), ("A-ON", "quarantined", False))
        self.assertEqual(found["devinfo"]["cpusn"], "CPU2")
        self.assertEqual(found["capacity"]["user"], {"size": 100, "used": 3, "free": 97})
        self.assertEqual(self.found("?state=online"), ["A-ON"])

    def test_bound_to_sites(self) -> None:
        """A token that is bound to sites gets theirs only, and no device in quarantine: that has no site."""
        self.terminals.given["claimants"] = [claimant("A-ON")]
        for query in ("", "?state=online,offline,pending,denied,quarantined", "?site=south"):
            answer = self.get(f"/api/v1/terminals{query}", BOUND)
            expected = [] if "south" in query else ["A-ON"]
            self.assertEqual([found["sn"] for found in answer.body["terminals"]], expected, query)
            self.assertNotIn("quarantined", str(answer.body))

    def test_wrong_parameters(self) -> None:
        """What is not expected is 422 with the name of the parameter."""
        for wrong in ("onlin", ",", "online,", "online,,offline", "online;offline"):
            self.assert_problem(self.get(f"/api/v1/terminals?state={wrong}"), 422, "state")
        self.assert_problem(self.get("/api/v1/terminals?state=online&state=offline"), 422, "state")
        self.assert_problem(self.get("/api/v1/terminals?stat=online"), 422, "stat")
        self.assert_problem(self.get("/api/v1/terminals?limit=0"), 422, "limit")


class PagingTests(PagesCase):
    """Page after page."""

    def walk(self, query: str, limit: int) -> list[str]:
        """All serial numbers, page after page."""
        found: list[str] = []
        cursor: str | None = ""
        pages = 0
        while cursor is not None:
            pages += 1
            self.assertLess(pages, 1000, "the pages never end")
            answer = self.get(f"/api/v1/terminals?limit={limit}{query}{cursor}")
            self.assertEqual(answer.status, 200, answer.raw)
            self.assertLessEqual(len(answer.body["terminals"]), limit)
            found += [one["sn"] for one in answer.body["terminals"]]
            following = answer.body["next"]
            cursor = None if following is None else f"&cursor={quote(following)}"
        return found

    def test_everybody_once(self) -> None:
        """Every terminal comes once and in order, whatever the limit."""
        names = [f"T{number:04}" for number in range(450)]
        self.with_terminals(*(terminal(name) for name in names))
        for limit in (7, 100, 449, 450, 451, 1000):
            self.assertEqual(self.walk("", limit), names, limit)

    def test_filtered(self) -> None:
        """Pages of a filtered list are whole, and also end."""
        names = [f"T{number:04}" for number in range(450)]
        self.with_terminals(*(terminal(name, online=name.endswith("7")) for name in names))
        self.assertEqual(self.walk("&state=online", 10), [name for name in names if name.endswith("7")])

    def test_small_letters(self) -> None:
        """Serial numbers in small letters do not turn the walk around."""
        self.with_terminals(*(terminal(name) for name in ("a1", "B2", "c3", "D4")))
        self.assertEqual(self.walk("", 1), ["a1", "B2", "c3", "D4"])
        names = [f"t{number:04}" for number in range(450)]
        self.with_terminals(*(terminal(name) for name in names))
        self.assertEqual(self.walk("", 1000), names)

    def test_quarantined(self) -> None:
        """The pages of devices in quarantine end, and hold each of them once."""
        self.with_terminals(*(terminal(f"T{number}") for number in range(5)))
        self.terminals.given["claimants"] = [claimant(f"T{number}") for number in range(3)]
        for limit in (1, 2, 3, 4):
            self.assertEqual(self.walk("&state=quarantined", limit), ["T0", "T1", "T2"], limit)

    def test_quarantined_and_site(self) -> None:
        """A device in quarantine has no site, so it does not come when one is asked for."""
        self.terminals.given["claimants"] = [claimant("T0")]
        self.assertEqual(self.walk("&state=quarantined&site=north", 10), [])


class OneTests(PagesCase):
    """A single terminal."""

    def test_found(self) -> None:
        """A terminal is found by its serial number."""
        self.with_terminals(terminal(SN, name="Gate 4"))
        answer = self.get(f"/api/v1/terminals/{SN}")
        self.assertEqual((answer.status, answer.body["name"]), (200, "Gate 4"))

    def test_not_found(self) -> None:
        """One that never came is 404."""
        for path in ("/api/v1/terminals/NOSUCH", "/api/v1/terminals/%E4%B8%AD", "/api/v1/terminals/%20"):
            self.assert_problem(self.get(path), 404)
        self.assert_problem(self.patch("/api/v1/terminals/NOSUCH", {"name": "x"}), 404)


class ChangeTests(PagesCase):
    """PATCH."""

    def setUp(self) -> None:
        """One terminal."""
        super().setUp()
        self.with_terminals(terminal(SN))
        self.path = f"/api/v1/terminals/{SN}"

    def changed(self, body: Any) -> dict[str, str]:
        """What a valid change set in the store."""
        self.terminals.calls.clear()
        answer = self.patch(self.path, body)
        self.assertEqual(answer.status, 200, answer.raw)
        self.assertEqual(answer.body["sn"], SN)
        found: list[dict[str, str]] = [fields for _, fields in self.terminals.asked("change")]
        return found[0] if found else {}

    def test_fields(self) -> None:
        """Each field can be changed alone; what is left out stays."""
        for name, value in (
            ("name", "Gate 4"),
            ("site", "north"),
            ("timezone", "Europe/Lisbon"),
            ("model_profile", "x"),
        ):
            self.assertEqual(self.changed({name: value}), {name: value})
        self.assertEqual(json.loads(self.changed({"tags": ["a", "b"]})["tags"]), ["a", "b"])
        self.assertEqual(self.terminals.asked("decide"), [])

    def test_cleared(self) -> None:
        """A field is cleared by an empty text, a zone and a profile also by null."""
        self.assertEqual(self.changed({"name": "", "site": ""}), {"name": "", "site": ""})
        self.assertEqual(
            self.changed({"timezone": None, "model_profile": None}), {"timezone": "", "model_profile": ""}
        )
        self.assertEqual(json.loads(self.changed({"tags": []})["tags"]), [])

    def test_admission(self) -> None:
        """Approving and denying are decisions, not fields."""
        for word in ("approved", "denied"):
            self.assertEqual(self.changed({"admission": word}), {})
            self.assertEqual(self.terminals.asked("decide"), [(SN, Admission(word), None)])

    def test_device(self) -> None:
        """Of several devices one is named; what is not clear is a 409, and nothing is changed."""
        device = {"cpusn": "c2", "mac": "m"}
        self.assertEqual(self.changed({"admission": "approved", "device": device}), {})
        meant = (SN, Admission.APPROVED, Identity("c2", "m"))
        self.assertEqual(self.terminals.asked("decide"), [meant])
        self.assert_problem(self.patch(self.path, {"admission": "denied", "device": device}), 422, "device")
        self.assert_problem(self.patch(self.path, {"device": device}), 422, "device")

        def unclear(*_: Any) -> bool:
            raise Undecided(SN, True)

        self.terminals.given["decide"] = unclear
        before = self.terminals.asked("change")
        problem = self.patch(self.path, {"admission": "approved", "name": "x"})
        self.assert_problem(problem, 409)
        self.assertIn("several devices claim it", problem.body["detail"])
        self.assertEqual(self.terminals.asked("change"), before)

    def test_site_out_of_reach(self) -> None:
        """Nobody moves a terminal to where its token does not reach, and nothing of such a change is done."""
        self.with_terminals(terminal(SN, site="north"))
        for site in ("south", ""):
            self.assert_problem(self.patch(self.path, {"name": "x", "site": site}, BOUND), 403, "site")
        self.assertEqual(self.terminals.asked("change"), [])
        self.assertEqual(self.patch(self.path, {"site": "east"}, BOUND).status, 200)

    def test_forgotten(self) -> None:
        """A terminal is forgotten; one that is not there is not."""
        answer = self.ask("DELETE", self.path, b"", ADMIN)
        self.assertEqual((answer.status, answer.body), (204, ""))
        self.assertEqual([sn for sn, _ in self.commander.asked("forget")], [SN])
        self.commander.given["forget"] = False
        self.assert_problem(self.ask("DELETE", self.path, b"", ADMIN), 404)

    def test_nothing(self) -> None:
        """A change of nothing changes nothing and shows the terminal."""
        self.assertEqual(self.changed({}), {})
        self.assertEqual([name for name, _ in self.terminals.calls if name != "get"], [])

    def test_wrong_values(self) -> None:
        """A wrong value names its field, and nothing of the change is done."""
        wrong: tuple[tuple[str, Any], ...] = (
            *(("admission", value) for value in ("pending", "quarantined", "yes", 1, None)),
            *(("name", value) for value in (1, None, "x" * 201)),
            *(("site", value) for value in ([], "x" * 201)),
            *(("timezone", value) for value in ("Nowhere/Land", "../../etc/passwd", "Europe", "x\0y", 2)),
            *(("tags", value) for value in ("a", {}, ["x"] * 51)),
        )
        for field, value in wrong:
            self.assert_problem(self.patch(self.path, {"site": "north", field: value}), 422, field)
        self.assertEqual(self.terminals.asked("change") + self.terminals.asked("decide"), [])

    def test_wrong_places(self) -> None:
        """A wrong value within a list names its place."""
        answer = self.patch(self.path, {"tags": ["a", 1]})
        self.assertEqual(answer.status, 422)
        self.assertTrue(answer.body["errors"][0]["field"].startswith("tags"))

    def test_unknown_fields(self) -> None:
        """A field that can't be changed is refused by its name."""
        for field in ("sn", "online", "nmae"):
            answer = self.patch(self.path, {field: "x"})
            self.assertEqual(answer.status, 422)
            self.assertIn(field, json.dumps(answer.body))
        self.assertEqual(self.terminals.asked("change"), [])

    def test_no_json(self) -> None:
        """A body that is no JSON object is the asker's mistake."""
        for body in (b"", b"{", b"name=x", b"\xff\xfe", b'{"name":"\xff"}', b"[" * 60_000, b'{"a":' * 9000):
            self.assertIn(self.patch(self.path, body).status, (400, 422), body[:20])
        for body in (b"[]", b"1", b"null", b'"x"'):
            self.assert_problem(self.patch(self.path, body), 422, "body")
        self.assertEqual(self.flushLoggedErrors(), [])


class PathTests(PagesCase):
    """Secret paths."""

    def setUp(self) -> None:
        """One terminal."""
        super().setUp()
        self.with_terminals(terminal(SN, site="north"))
        self.path = f"/api/v1/terminals/{SN}/path"

    def test_shown_once(self) -> None:
        """The path comes with the answer; the store gets its hash and the audit nothing of it."""
        answer = self.post(self.path, b"")
        self.assertEqual((answer.status, answer.body["sn"]), (201, SN))
        secret = answer.body["path"].removeprefix("/")
        [(sn, kept)] = self.terminals.asked("set_path")
        self.assertEqual((sn, kept), (SN, secretpath.hash_of(secret)))
        [noted] = self.audit.asked("write")
        self.assertEqual(noted[1:4], ("issue_path", SN, "done"))
        self.assertNotIn(secret, str(noted))
        self.assertNotIn(kept, str(noted))

    def test_another_each_time(self) -> None:
        """Asked again it is another one, which takes the place of the first."""
        first, second = (self.post(self.path, b"").body["path"] for _ in range(2))
        self.assertNotEqual(first, second)

    def test_taken_away(self) -> None:
        """Without one any path does."""
        self.assertEqual(self.ask("DELETE", self.path, b"", OPERATOR).status, 204)
        self.assertEqual(self.terminals.asked("set_path"), [(SN, "")])

    def test_who_may(self) -> None:
        """It takes an operator, and the terminal has to be there and at a site of the token."""
        for method in ("POST", "DELETE"):
            self.assert_problem(self.ask(method, self.path, b"", READER), 403)
            self.assert_problem(self.ask(method, "/api/v1/terminals/NO/path", b"", OPERATOR), 404)
        self.with_terminals(terminal(SN, site="south"))
        self.assert_problem(self.post(self.path, b"", BOUND), 404)
        self.assertEqual(self.terminals.asked("set_path"), [])
