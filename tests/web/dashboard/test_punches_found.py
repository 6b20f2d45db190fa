"""Punches searched for, of a person, of a day, with wrong clocks and in quarantine, as people read them."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

from tests.web.dashboard.looking import LookingCase
from tests.web.dashboard.test_fleet import a_terminal
from tests.web.dashboard.test_system import methods, said
from tests.web.in_memory import BOUND, OPERATOR, READER
from tests.web.samples import SN, a_row
from tfserver.errors import ArchiveUnavailable
from tfserver.model import Clock, Completeness, Gap
from tfserver.store.archive.latest import Latest
from tfserver.store.terminal_rows import Claimant

HOSTILE = """<script>alert(1)</script>"'><img src=x onerror=alert(1)>"""
RECEIVED = "1969-12-31T10:00:00.000Z"


def a_punch(number: int, **more: Any) -> dict[str, Any]:
    """A punch of 1969-12-31, at this hour of the terminal."""
    time = f"1969-12-31T{number:02}:30:00+01:00"
    told = {"uid": f"u{number}", "time": time, "utc": f"1969-12-31T{(number - 1) % 24:02}:30:00.000Z"}
    return a_row(**{"device_time": time[:19].replace("T", " "), **told, **more})


class SearchTests(LookingCase):
    """The newest that fit."""

    def rows(self, query: str = "", token: str = READER) -> list[str]:
        """What stands in the rows."""
        page = self.look(f"/punches/search{query}", token)
        self.assertEqual(page.all("img"), [])
        return [each.text for each in page.elements if each.given.get("id", "").startswith("p-")]

    def test_filters(self) -> None:
        """By person, terminal, site, kind, days, clock and double taps, together."""
        self.feed.rows[:] = [
            a_punch(8, enrollid=7),
            a_punch(9, enrollid=8, sn="T2", site="south", clock="suspect"),
            a_punch(10, kind="door", event=5, enrollid=0, repeat_of="u9"),
        ]
        self.assertEqual(len(self.rows()), 3)
        for query, words in (
            ("?person=7", "08:30:00"),
            ("?sn=t2", "09:30:00"),
            ("?site=south&kind=punch", "09:30:00"),
            ("?kind=door", "door forced open"),
            ("?clock=suspect,unknown", "suspect clock"),
            ("?repeats=true", "double tap"),
            ("?person=8&since=1969-12-31&until=1969-12-31", "09:30:00"),
        ):
            (row,) = self.rows(query)
            self.assertIn(words, row)
        self.assertEqual(self.rows("?since=1970-01-02"), [])
        self.assertEqual(len(self.rows("", BOUND)), 2)
        for query in ("?person=x", "?since=1.1.1970", "?kind=nosuch", "?clock=ok"):
            self.look(f"/punches/search{query}", READER, 422)

    def test_names(self) -> None:
        """People have their names for those who may see the directory."""
        self.feed.rows[:] = [a_punch(8, enrollid=7)]
        self.assertIn("Ines M", self.rows()[0])
        self.assertNotIn("Ines M", self.rows("", BOUND)[0])

    def test_pages(self) -> None:
        """Older ones are a page further, with the same filters; what is found comes from the archive too."""
        entry = ("900-0", json.dumps(a_punch(9, uid="old")))
        self.archive.given["latest"] = Latest([entry], "800-0", False, "0-0")
        page = self.look("/punches/search?kind=punch&site=")
        (older,) = page.all("a", rel="next")
        self.assertEqual(older.given["href"], "/punches/search?kind=punch&before=800-0")
        self.look(older.given["href"])
        self.assertEqual(self.archive.asked("latest")[-1][0], "800-0")

    def test_file(self) -> None:
        """All that fits comes as a file, with the same filters."""
        self.feed.rows[:] = [a_punch(8, enrollid=7), a_punch(9, enrollid=8)]
        (link,) = [
            each for each in self.look("/punches/search?person=8").all("a") if "download" in each.given
        ]
        self.assertEqual(link.given["href"], "/punches/punches.csv?person=8")

    def test_archive_away(self) -> None:
        """While the archive is away the page says that it does not look everywhere."""
        self.archive.given["latest"] = ArchiveUnavailable("away")
        told = self.look("/punches/search").texts("p")
        self.assertIn("The archive is away: only the newest punches are looked through.", told)


class PersonTests(LookingCase):
    """The days of one person."""

    def test_month(self) -> None:
        """Day by day in order, with the first and the last; what has no time stands apart."""
        self.feed.rows[:] = [
            a_punch(17, enrollid=7, direction="out"),
            a_punch(8, enrollid=7, direction="in", repeat_of="x"),
            a_punch(9, enrollid=8),
            a_punch(
                10, enrollid=7, time=None, utc=None, received="1969-12-31T10:00:00.000Z", device_time=HOSTILE
            ),
        ]
        page = self.look("/punches/people/7?month=1969-12")
        told = said(page)
        for one in ("Ines M", "1969-12-31", "2 punches · first 08:30:00, last 17:30:00", "double tap"):
            self.assertIn(one, told)
        self.assertIn("Without a time that can be", page.texts("h2"))
        self.assertEqual(page.all("img"), [])
        self.assertEqual(page.all("a", rel="prev")[0].given["href"], "/punches/people/7?month=1969-11")
        self.assertEqual(page.all("a", rel="next")[0].given["href"], "/punches/people/7?month=1970-01")
        self.assertEqual(self.look("/punches/people/7").all("a", rel="next"), [])
        self.assertNotIn("Ines M", said(self.look("/punches/people/7?month=1969-12", BOUND)))

    def test_nothing(self) -> None:
        """A month without punches says so."""
        self.assertIn("No punch in this month.", self.look("/punches/people/7").texts("p"))


class DayTests(LookingCase):
    """A day of a site."""

    def setUp(self) -> None:
        """The present is ten years later than the day that is looked at."""
        super().setUp()
        self.clock.advance(3650 * 86_400)

    def look_at(self, token: str = READER, query: str = "") -> Any:
        """The page of a day."""
        return self.look(f"/punches/day?day=1979-06-05{query}", token)

    def test_complete(self) -> None:
        """One sentence says that all is here."""
        whole = Completeness("1979-06-08T00:00:00.000Z")
        self.with_terminals(a_terminal("A1", completeness=whole), a_terminal("A2", completeness=whole))
        self.assertIn("Everything of this day is here, of all 2 terminals.", self.look_at().texts("p"))

    def test_not_complete(self) -> None:
        """Else which terminals are not, until when, and why; gaps can be acknowledged by who may."""
        gap = Gap("1979-06-05T02:00:00.000Z", "1979-06-05T03:00:00.000Z", "1979-06-06T03:00:00.000Z", "full")
        late = Completeness("1979-06-05T04:00:00.000Z", "it is not connected")
        self.with_terminals(
            a_terminal("A1", completeness=Completeness("1979-06-09T00:00:00.000Z")),
            a_terminal("A2", completeness=late),
            a_terminal("A3", completeness=Completeness("1979-06-09T00:00:00.000Z", gaps=(gap,))),
            a_terminal("A4", completeness=Completeness("1979-06-09T00:00:00.000Z", since="1979-06-06")),
            a_terminal("B1", site="south"),
        )
        page = self.look_at(OPERATOR, "&site=north")
        told = "Not everything of this day is proven to be here: 3 of 4 terminals are not complete."
        self.assertIn(told, page.texts("p"))
        first, second, third = (each.text for each in page.all("tr")[1:4])
        self.assertIn("it is not connected", first)
        self.assertIn("full", second)
        self.assertIn("known from 1979-06-06 on", third)
        ((method, path),) = methods(page)
        self.assertEqual(method, "DELETE")
        self.assertEqual(path, "/api/v1/completeness/A3/gaps?until=1979-06-05T03%3A00%3A00.000Z")
        self.assertEqual(methods(self.look_at(READER, "&site=north")), set())

    def test_today(self) -> None:
        """A day that is not over is not judged."""
        self.with_terminals(a_terminal("A1"))
        told = "This day is not over: nobody can say yet whether all of it is here."
        self.assertIn(told, self.look("/punches/day").texts("p"))
        self.assertEqual(self.look("/punches/day").all("a", rel="next"), [])

    def test_days_of_this_machine(self) -> None:
        """Where nobody chose a zone, days are those of the machine, as everywhere else."""
        self.with_terminals(a_terminal("A1"))
        # half past ten in the evening in São Paulo is tomorrow by UTC
        self.addCleanup(time.tzset)
        with mock.patch.dict(os.environ, TZ="America/Sao_Paulo"):
            time.tzset()
            self.clock.advance(86_400 - self.clock.seconds() % 86_400 + 1.5 * 3600)
            today = datetime.fromtimestamp(self.clock.seconds(), UTC).date() - timedelta(days=1)
            page = self.look("/punches/day")
        self.assertEqual(page.all("input", name="day")[0].given["value"], today.isoformat())
        self.assertIn("This day is not over: nobody can say yet whether all of it is here.", page.texts("p"))

    def test_charts(self) -> None:
        """Bars for each hour and each terminal, with figures for those who see no bars."""
        self.with_terminals(a_terminal("A1", name=HOSTILE, completeness=Completeness("1979-07-01T00:00:00Z")))
        rows = [("A1", 8, 40), ("A1", 17, 20), *((f"T{n:02}", 9, 1) for n in range(25))]
        self.archive.given["by_hour"] = ("0-0", rows)
        page = self.look_at()
        bars = page.all("rect", **{"class": "hour"})
        self.assertEqual(
            (len(bars), bars[8].given["height"], bars[17].given["height"]), (24, "120.0", "60.0")
        )
        self.assertIn("Punches per hour · 85", page.texts("h2"))
        hours, terminals = (each.text for each in page.all("table"))
        self.assertIn("0840", hours)
        self.assertIn("all others", terminals)
        self.assertEqual(page.all("img"), [])

    def test_nothing(self) -> None:
        """A day without punches says so, also while the archive is away."""
        self.archive.given["by_hour"] = ArchiveUnavailable("away")
        told = self.look_at().texts("p")
        for one in (
            "No punch on this day.",
            "The archive is away or far behind: only the newest punches are counted.",
        ):
            self.assertIn(one, told)


class DoubtTests(LookingCase):
    """Clocks and quarantine."""

    def test_clocks(self) -> None:
        """Clocks that are off, the worst first, and punches by terminal with a way to them."""
        self.with_terminals(
            a_terminal("A1", clock_offset_ms=-7200),
            a_terminal("A2", clock_offset_ms=90_000, clock=Clock.SUSPECT),
            a_terminal("A3", clock_offset_ms=100),
            a_terminal("B1", clock_offset_ms=99_000, site="south"),
        )
        at = "1969-12-31T10:00:00.000Z"
        self.archive.given["doubted"] = ("0-0", [("A1", 3, at, at, -9000, 50), ("A2", 5, at, at, None, None)])
        page = self.look("/punches/clocks?site=north")
        first, second = (each.text for each in page.all("tr")[1:3])
        self.assertIn("+90.0 s suspect", first)
        self.assertIn("-7.2 s", second)
        links = [each.given["href"] for each in page.all("a") if "clock=" in each.given["href"]]
        self.assertEqual(links[0], "/punches/search?sn=A2&clock=suspect%2Cunknown")
        self.assertIn("-9.0 s", said(page))

    def test_right(self) -> None:
        """All is well, or nobody can say."""
        told = self.look("/punches/clocks").texts("p")
        for one in ("No clock was off by more than five seconds.", "None."):
            self.assertIn(one, told)
        self.archive.given["doubted"] = ArchiveUnavailable("away")
        self.assertIn("The archive is away: nobody can say.", self.look("/punches/clocks").texts("p"))

    def test_quarantine(self) -> None:
        """What could not be read, as it came, and forgetting it by who may."""
        record = {
            "id": "5-0",
            "v": "1",
            "kind": "bad",
            "sn": SN,
            "logindex": "7",
            "why": "no time",
            "raw": HOSTILE,
        }
        self.punches.given["quarantine"] = [record]
        self.terminals.given["claimants"] = [Claimant("A1", "cpu-2", "mac-2", "10.0.0.9", 0, {})]
        page = self.look("/punches/quarantine?limit=1", OPERATOR)
        row = page.texts("tr")[1]
        for told in ("bad", SN, "no time", "logindex: 7"):
            self.assertIn(told, row)
        self.assertIn("cpu-2", said(page))
        self.assertEqual(methods(page), {("DELETE", "/api/v1/quarantine?until=5-0")})
        self.assertEqual(page.all("a", rel="next")[0].given["href"], "/punches/quarantine?after=5-0")
        self.assertEqual((page.all("img"), methods(self.look("/punches/quarantine", READER))), ([], set()))

    def test_empty(self) -> None:
        """Nothing in quarantine."""
        self.assertIn("Nothing is in quarantine.", self.look("/punches/quarantine").texts("p"))
