"""Times as people read them."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from twisted.trial.unittest import SynchronousTestCase

from tests.web.dashboard.html import Page
from tfserver.web.dashboard.languages import language
from tfserver.web.dashboard.moments import MINUTES, moment, zone_of

NOW = datetime(2026, 4, 2, 12, 0, tzinfo=UTC)
AT = "2026-04-02T06:15:04.250Z"
ROME, TOKYO = ZoneInfo("Europe/Rome"), ZoneInfo("Asia/Tokyo")


class MomentTests(SynchronousTestCase):
    """An instant on a page, seen at noon (UTC) on the second of April 2026."""

    def text(self, instant: str | None, code: str = "en", zone: ZoneInfo = ROME) -> str:
        """What people read."""
        return "".join(Page(moment(instant, zone, language(code), NOW)).texts("time"))

    def test_today(self) -> None:
        """Of today the hour is enough, to the second or to the minute, in the zone of the terminal."""
        self.assertEqual((self.text(AT), self.text(AT, zone=TOKYO)), ("08:15:04", "15:15:04"))
        self.assertIn(">08:15</time>", moment(AT, ROME, language("en"), NOW, MINUTES))

    def test_today_is_the_terminals(self) -> None:
        """Which day it is depends on where the terminal stands."""
        self.assertEqual(self.text("2026-04-01T23:30:00Z"), "01:30:00")
        self.assertEqual(
            self.text("2026-04-02T10:00:00Z", zone=ZoneInfo("Pacific/Auckland")), "Apr 2 23:00:00"
        )

    def test_other_days(self) -> None:
        """Another day stands beside the hour, another year beside the day."""
        self.assertEqual(self.text("2026-03-29T06:15:04Z"), "Mar 29 08:15:04")
        self.assertEqual(self.text("2025-12-31T12:00:00Z"), "Dec 31, 2025 13:00:00")
        self.assertEqual(self.text("2025-12-31T23:30:00Z"), "Jan 1 00:30:00")

    def test_right_to_left(self) -> None:
        """In Arabic the month is a word of that language; digits are those that terminals show."""
        self.assertRegex(self.text("2026-03-29T06:15:04Z", "ar"), "^29 [\u0621-\u064a]+ 08:15:04$")
        self.assertIn("2025", self.text("2025-12-31T12:00:00Z", "ar"))
        self.assertEqual(self.text(AT, "ar"), "08:15:04")

    def test_whole_instant(self) -> None:
        """The instant stands there as it was told, for the viewer's own zone on hover."""
        for instant in (AT, "2025-12-31T12:00:00Z"):
            (time,) = Page(moment(instant, ROME, language("en"), NOW)).all("time")
            self.assertEqual(time.given["datetime"], instant)

    def test_beyond_all_time(self) -> None:
        """What can't be told in a zone stands as it is."""
        for instant, zone in (
            ("0001-01-01T00:00:00Z", "America/Lima"),
            ("9999-12-31T23:59:59Z", "Asia/Tokyo"),
        ):
            self.assertEqual(self.text(instant, zone=ZoneInfo(zone)), instant)

    def test_none(self) -> None:
        """Without an instant nothing is shown."""
        self.assertEqual((self.text(None), self.text("")), ("", ""))

    def test_zones(self) -> None:
        """The first zone that there is counts; else that of the server."""
        self.assertEqual(zone_of("Asia/Tokyo", "Europe/Rome"), TOKYO)
        for name in (None, "", "No/Where", "../etc/passwd", "x" * 5000, "/"):
            self.assertEqual(zone_of(name, "Europe/Rome"), ROME, name)
            self.assertIsNotNone(zone_of(name, "No/Where").utcoffset(NOW))
