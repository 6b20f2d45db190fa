"""``/backfills``: days that are fetched again."""

from __future__ import annotations

from datetime import date
from typing import Any

from tests.web.in_memory import BOUND, OPERATOR, PagesCase
from tests.web.samples import BODIES, SN, a_backfill
from tfserver import commander
from tfserver.model import Terminal

PATH = "/api/v1/backfills"
WANTED = BODIES["NewBackfill"]


class BackfillTests(PagesCase):
    """Over a commander that agrees to everything."""

    def setUp(self) -> None:
        """One backfill."""
        super().setUp()
        self.commander.given.update(backfill=a_backfill(), backfills=([a_backfill()], "3"))

    def test_begun(self) -> None:
        """A backfill is begun for whole days, both included, in the name of who asks."""
        answer = self.post(PATH, WANTED, Idempotency_Key="k1")
        self.assertEqual(answer.status, 202, answer.raw)
        self.assertEqual((answer.body["from"], answer.body["to"]), ("2026-04-01", "2026-04-02"))
        expected = (SN, date(2026, 4, 1), date(2026, 4, 2), "token o", "o:k1")
        self.assertEqual(self.commander.asked("backfill"), [expected])
        self.assertEqual(self.noted(), [("token o", "backfill", SN, "done")])

    def test_fields(self) -> None:
        """A backfill tells how far it is."""
        [found] = self.get(PATH).body["backfills"]
        wanted = "id sn from to actor created days done records new state orders"
        self.assertEqual(set(found), set(wanted.split()))

    def test_wrong(self) -> None:
        """Wrong input names its field."""
        for change, field in (
            ({"from": "2026-04-03"}, "to"),
            ({"to": "2027-04-02"}, "to"),
            ({"from": "2026-02-30"}, "from"),
            ({"from": "yesterday"}, "from"),
            ({"to": 5}, "to"),
            ({"sn": ""}, "sn"),
            ({"sn": "a b"}, "sn"),
            ({"until": "2026-04-02"}, "until"),
        ):
            self.assert_problem(self.post(PATH, {**WANTED, **change}), 422, field)
        self.assert_problem(self.post(PATH, {"sn": SN, "from": "2026-04-01"}), 422, "to")
        self.assertEqual(self.commander.calls, [])

    def test_longest(self) -> None:
        """A year is not too much."""
        answer = self.post(PATH, {**WANTED, "from": "2026-01-01", "to": "2026-12-31"})
        self.assertEqual(answer.status, 202)

    def test_refused(self) -> None:
        """What the commander refuses is told as for orders."""
        for failure, status in (
            (commander.UnknownTerminal("?"), 404),
            (commander.NotNow("pending"), 409),
            (commander.KeyReused("other days"), 422),
            (commander.QueueFull("full"), 429),
        ):
            self.commander.given["backfill"] = failure
            self.assert_problem(self.post(PATH, WANTED), status)

    def test_listed(self) -> None:
        """Backfills of all terminals or of one come in pages."""
        self.assertEqual(self.get(f"{PATH}?sn={SN}&limit=5&cursor=9").body["next"], "3")
        self.get(PATH)
        self.assertEqual(self.commander.asked("backfills"), [(SN, 5, "9"), ("", 100, "")])

    def test_rows_of_sites(self) -> None:
        """A token that is bound to sites sees theirs only."""
        self.with_terminals(Terminal("T1", site="north"), Terminal("T2", site="south"), Terminal("T3"))
        rows: list[Any] = [a_backfill(id=sn, sn=sn) for sn in ("T1", "T2", "T3", "GONE")]
        self.commander.given["backfills"] = (rows, None)
        found = self.get(PATH, BOUND).body["backfills"]
        self.assertEqual([row["id"] for row in found], ["T1"])
        self.assertEqual(len(self.get(PATH, OPERATOR).body["backfills"]), 4)
