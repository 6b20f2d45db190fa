"""``/completeness``: the earliest moment of those that count, days, gaps."""

from __future__ import annotations

from datetime import date
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.web.in_memory import ADMIN, BOUND, OPERATOR, PagesCase
from tfserver.errors import StoreUnavailable
from tfserver.model import Admission, Completeness, Gap, Terminal
from tfserver.web.api import completeness
from tfserver.web.api.completeness import judged

PATH = "/api/v1/completeness"
EARLY, LATE = "2026-04-01T08:00:00.000Z", "2026-04-03T08:00:00.000Z"
WHY = "its logs were read"


def gap(begin: str, end: str) -> Gap:
    """A gap of that time."""
    return Gap(begin, end, LATE, "its log memory was full")


def terminal(sn: str, until: str | None = LATE, site: str = "north", **more: Any) -> Terminal:
    """An approved terminal of which everything up to a moment is here."""
    known = {name: more.pop(name) for name in ("since", "gaps") if name in more}
    told: dict[str, Any] = {"admission": Admission.APPROVED, "timezone": "UTC", **more}
    return Terminal(sn, site=site, completeness=Completeness(until, WHY, **known), **told)


class MinimumTests(PagesCase):
    """All terminals together."""

    def asked(self, query: str = "", *terminals: Terminal, **more: Any) -> Any:
        """The answer for these terminals."""
        if terminals:
            self.with_terminals(*terminals)
        answer = self.get(f"{PATH}{query}", **more)
        self.assertEqual(answer.status, 200, answer.raw)
        return answer.body

    def test_earliest(self) -> None:
        """The earliest of all, and whose it is."""
        found = self.asked("", terminal("T1"), terminal("T2", EARLY), terminal("T3"))
        self.assertEqual((found["until"], found["why"]), (EARLY, f"T2: {WHY}"))
        self.assertEqual([row["until"] for row in found["terminals"]], [LATE, EARLY, LATE])
        self.assertEqual((found["complete"], found["gaps"], found["next"]), (None, [], None))

    def test_not_known(self) -> None:
        """One without a moment leaves none for all, wherever it stands."""
        for row in (("T0", "T1", "T2"), ("T1", "T0", "T2"), ("T1", "T2", "T0")):
            told = [terminal(f"{n}{sn}", None if sn == "T0" else LATE) for n, sn in enumerate(row)]
            found = self.asked("", *told)
            self.assertIsNone(found["until"])
            self.assertIn("T0: ", found["why"])

    def test_fields(self) -> None:
        """A terminal tells all that is known of it."""
        [found] = self.asked("", terminal("T1", since="2026-03-26"))["terminals"]
        expected = {"sn": "T1", "site": "north", "until": LATE, "why": WHY, "since": "2026-03-26"}
        self.assertEqual(found, {**expected, "gaps": [], "complete": None})

    def test_who_counts(self) -> None:
        """Who waits or is denied does not count, and nor does who is excepted."""
        waits, denied = (
            terminal(sn, None, admission=admission)
            for sn, admission in (("T1", Admission.PENDING), ("T2", Admission.DENIED))
        )
        all_of_them = (waits, denied, terminal("T3", EARLY), terminal("T4"), terminal("T5", None))
        found = self.asked("?except=t5,t3,NOSUCH", *all_of_them)
        self.assertEqual([row["sn"] for row in found["terminals"]], ["T4"])
        self.assertEqual(found["until"], LATE)

    def test_nobody(self) -> None:
        """Of nobody nothing is complete: a site that is misspelt must not close a day."""
        found = self.asked("?day=2026-04-01&site=nrth", terminal("T1"))
        self.assertEqual((found["until"], found["complete"], found["terminals"]), (None, False, []))
        self.assertIn("no approved terminal", found["why"])

    def test_site(self) -> None:
        """Those of one site."""
        found = self.asked("?site=south", terminal("T1", EARLY), terminal("T2", site="south"))
        self.assertEqual((found["until"], [row["sn"] for row in found["terminals"]]), (LATE, ["T2"]))

    def test_reach(self) -> None:
        """A token that is bound to sites learns of theirs only."""
        told = (terminal("T1", EARLY, "south"), terminal("T2"), terminal("T3", None, ""))
        found = self.asked("", *told, token=BOUND)
        self.assertEqual((found["until"], [row["sn"] for row in found["terminals"]]), (LATE, ["T2"]))
        self.assertEqual(self.asked("?sn=T1", token=BOUND)["terminals"], [])

    def test_one(self) -> None:
        """Of one terminal it is told also when it does not count otherwise."""
        waits = terminal("T1", None, admission=Admission.PENDING)
        found = self.asked("?sn=t1", waits, terminal("T2"))
        self.assertEqual(([row["sn"] for row in found["terminals"]], found["until"]), (["T1"], None))
        self.assertEqual(self.asked("?sn=T1&site=south")["terminals"], [])

    def test_pages(self) -> None:
        """A page has some of them; the moment is that of all, on each page, however they are read."""
        self.set_bound(completeness, "_PAGE", 2)
        self.with_terminals(*(terminal(f"T{n}", EARLY if n == 4 else LATE) for n in range(6)))
        seen, cursor = [], ""
        while cursor is not None:
            found = self.asked(f"?limit=2&cursor={cursor}")
            self.assertEqual(found["until"], EARLY)
            seen.append([row["sn"] for row in found["terminals"]])
            cursor = found["next"]
        self.assertEqual(seen, [["T0", "T1"], ["T2", "T3"], ["T4", "T5"]])

    def test_gaps(self) -> None:
        """Gaps of all are listed with whose they are; there is a bound, which no terminal's own have."""
        self.set_bound(completeness, "MOST_GAPS", 3)
        two = (gap(EARLY, EARLY), gap(EARLY, LATE))
        found = self.asked("", terminal("T1", gaps=two), terminal("T2", gaps=two))
        self.assertEqual([one["sn"] for one in found["gaps"]], ["T1", "T1", "T2"])
        self.assertEqual(set(found["gaps"][0]), {"sn", "from", "to", "found", "why"})
        self.assertEqual([len(row["gaps"]) for row in found["terminals"]], [2, 2])

    def test_day(self) -> None:
        """A day is complete when it is at each; else the first where it is not is named."""
        found = self.asked("?day=2026-04-02", terminal("T1"), terminal("T2"))
        self.assertEqual((found["complete"], found["until"]), (True, LATE))
        found = self.asked(
            "?day=2026-04-02", terminal("T1"), terminal("T2", since="2026-04-03"), terminal("T3", EARLY)
        )
        self.assertEqual([row["complete"] for row in found["terminals"]], [True, False, False])
        self.assertEqual((found["complete"], found["until"]), (False, EARLY))
        self.assertIn("T2: its records are known from 2026-04-03 on", found["why"])

    def test_day_in_another_order(self) -> None:
        """One that is complete does not make up for one that is not."""
        found = self.asked("?day=2026-04-02", terminal("T1", EARLY), terminal("T2"))
        self.assertEqual((found["complete"], found["why"]), (False, f"T1: {WHY}"))

    def test_first_without(self) -> None:
        """Of several without a moment the first is told."""
        found = self.asked("", terminal("T1"), terminal("T2", None), terminal("T3", None))
        self.assertEqual(found["why"], f"T2: {WHY}")

    def test_wrong(self) -> None:
        """Wrong input names its field."""
        for query in ("day=yesterday", "day=2026-02-30", "day=20260402", "day=9999-12-31", "day=2026-04-02x"):
            self.assert_problem(self.get(f"{PATH}?{query}"), 422, "day")
        for query in ("except=a%20b", f"except={','.join(['T'] * 101)}", "except=,"):
            self.assert_problem(self.get(f"{PATH}?{query}"), 422, "except")


class DayTests(SynchronousTestCase):
    """One terminal, one day of its own."""

    def complete(self, found: Terminal, day: str = "2026-04-02", zone: str = "UTC") -> bool:
        """Whether the day is complete."""
        row = judged(found, date.fromisoformat(day), zone)
        assert row.complete is not None
        self.assertTrue(row.why)
        return row.complete

    def test_end_of_the_day(self) -> None:
        """It is complete when all of it is here, to the last millisecond."""
        for until, is_complete in (
            (None, False),
            ("2026-04-02T23:59:59.999Z", False),
            ("2026-04-03T00:00:00.000Z", True),
        ):
            self.assertIs(self.complete(terminal("T1", until)), is_complete, until)

    def test_zone(self) -> None:
        """The day is that of the terminal's zone, else of the one that holds for all."""
        until = "2026-04-02T15:00:00.000Z"
        self.assertTrue(self.complete(terminal("T1", until, timezone="Asia/Tokyo")))
        self.assertFalse(self.complete(terminal("T1", until, timezone="Asia/Shanghai")))
        self.assertTrue(self.complete(terminal("T1", until, timezone=None), zone="Asia/Tokyo"))
        self.assertFalse(self.complete(terminal("T1", until, timezone=None), zone="America/Lima"))

    def test_midnight_that_came_twice(self) -> None:
        """Of a midnight that came twice the later one ends the day."""
        found = terminal("T1", "2026-11-01T04:30:00.000Z", timezone="America/Havana")
        self.assertFalse(self.complete(found, "2026-10-31"))
        found = terminal("T1", "2026-11-01T05:00:00.000Z", timezone="America/Havana")
        self.assertTrue(self.complete(found, "2026-10-31"))

    def test_zone_of_this_machine(self) -> None:
        """An empty zone is this machine's."""
        self.assertTrue(self.complete(terminal("T1", "2026-04-04T15:00:00.000Z", timezone=None), zone=""))

    def test_since(self) -> None:
        """Days before the first that was read are not known."""
        for since, is_complete in (("2026-04-03", False), ("2026-04-02", True), (None, True)):
            self.assertIs(self.complete(terminal("T1", since=since)), is_complete, since)

    def test_gaps(self) -> None:
        """A gap that reaches into the day leaves it incomplete; others don't."""
        for begin, end, is_complete in (
            ("2026-04-01T00:00:00.000Z", "2026-04-02T00:00:00.000Z", True),
            ("2026-04-01T00:00:00.000Z", "2026-04-02T00:00:00.001Z", False),
            ("2026-04-02T08:00:00.000Z", "2026-04-02T09:00:00.000Z", False),
            ("2026-04-02T23:59:59.999Z", "2026-04-05T00:00:00.000Z", False),
            ("2026-04-03T00:00:00.000Z", "2026-04-05T00:00:00.000Z", True),
        ):
            self.assertIs(self.complete(terminal("T1", gaps=(gap(begin, end),))), is_complete, (begin, end))


class AcknowledgeTests(PagesCase):
    """Gaps that somebody knows of."""

    GAPS = f"{PATH}/T1/gaps"

    def setUp(self) -> None:
        """One terminal."""
        super().setUp()
        self.with_terminals(terminal("T1", site="south"))

    def test_acknowledged(self) -> None:
        """They are forgotten up to the moment that is named, the audit is told, and the rest is shown."""
        answer = self.delete(f"{self.GAPS}?until=2026-04-02T08:00:00%2B01:00", OPERATOR)
        self.assertEqual((answer.status, answer.body["sn"], answer.body["until"]), (200, "T1", LATE))
        self.assertEqual(self.marks.asked("forget_gaps"), [("T1", 1_775_113_200_000)])
        self.assertEqual(self.noted(), [("token o", "acknowledge_gaps", "T1", "done")])
        [noted] = self.audit.asked("write")
        self.assertEqual(noted[4], {"until": "2026-04-02T07:00:00+00:00", "gaps": 1})

    def test_until(self) -> None:
        """Nobody acknowledges what they don't name."""
        self.assert_problem(self.delete(self.GAPS), 422, "until")
        self.assert_problem(self.delete(f"{self.GAPS}?until=now"), 422, "until")
        self.assertEqual(self.marks.calls, [])

    def test_not_found(self) -> None:
        """A terminal that is not known, or at another site, has none."""
        for path, token in ((f"{PATH}/NOSUCH/gaps", ADMIN), (self.GAPS, BOUND)):
            self.assert_problem(self.delete(f"{path}?until={LATE}", token), 404)
        self.assertEqual(self.marks.calls, [])

    def test_store_away(self) -> None:
        """When the store is away nobody knows whether it was done."""
        self.marks.given["forget_gaps"] = StoreUnavailable("away")
        self.assert_problem(self.delete(f"{self.GAPS}?until={LATE}"), 503)
