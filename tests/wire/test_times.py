"""Times as terminals write them, zones, drift and the timeline's growth (protocol §2.2, design §3.4)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from twisted.trial.unittest import SynchronousTestCase

from tfserver.model import ClockEntry
from tfserver.wire import times

NOW = datetime(2026, 4, 2, 8, 15, 4, tzinfo=UTC)
NOW_MS = 1_775_117_704_000


class ParseTests(SynchronousTestCase):
    """Reading."""

    def test_forms(self) -> None:
        """The documented form and all that protocol §2.2 asks to read beside it mean the same second."""
        expected = datetime(2026, 4, 2, 8, 5, 0)
        for text in (
            *("2026-04-02 08:05:00", "2026-04-02T08:05:00", "2026/04/02 08:05:00", "2026-4-2 8:5:0"),
            *("2026-04-02 08:05", "2026/4/2 8:5", " 2026-04-02  08:05:00 ", "2026-04-02T08:05:00Z"),
            *("2026-04-02 08:05:00.000", "2026.04.02 08:05:00"),
        ):
            self.assertEqual(times.parse(text), expected, text)

    def test_date_alone(self) -> None:
        """A date without a time is its first second."""
        self.assertEqual(times.parse("2018-11-1"), datetime(2018, 11, 1))

    def test_impossible(self) -> None:
        """Impossible dates and other texts are no time, and no exception."""
        for text in (
            *("2026-02-30 08:00:00", "2025-02-29 08:00:00", "2026-13-01 08:00:00", "2026-00-01 08:00:00"),
            *("2026-04-02 24:00:00", "2026-04-02 08:60:00", "2026-04-02 08:00:60", "0000-01-01 00:00:00"),
            *("", " ", "now", "1775117704", "26-04-02 08:00:00", "02-04-2026 08:00:00", "2026-04-02 08"),
            *("２０２６-04-02 08:00:00", "2026-04-02 08:00:00" + " " * 1000, "2026-04-02 08:00:00\x00"),
        ):
            self.assertIsNone(times.parse(text), text)

    def test_identity_text(self) -> None:
        """All forms of one second enter a punch's identity alike; what is no time enters as it is."""
        for text in ("2026-4-2 8:5", "2026/04/02T08:05:00"):
            self.assertEqual(times.identity_text(text, times.parse(text)), "2026-04-02 08:05:00")
        self.assertEqual(times.identity_text("99:99", times.parse("99:99")), "99:99")
        self.assertEqual(times.identity_text("", datetime(5, 1, 1)), "0005-01-01 00:00:00")


class WritingTests(SynchronousTestCase):
    """What ``cloudtime`` says."""

    def test_wire_time(self) -> None:
        """Exactly the documented form, in the terminal's local time, from whatever zone the present comes."""
        self.assertEqual(times.wire_time(NOW, 0), "2026-04-02 08:15:04")
        self.assertEqual(times.wire_time(NOW, 19_800), "2026-04-02 13:45:04")
        elsewhere = NOW.astimezone(timezone(timedelta(hours=-7)))
        self.assertEqual(times.wire_time(elsewhere, -34_200), "2026-04-01 22:45:04")

    def test_fractions_are_dropped(self) -> None:
        """A clock is never set ahead of the present."""
        self.assertEqual(times.wire_time(NOW + timedelta(milliseconds=999), 0), "2026-04-02 08:15:04")

    def test_milliseconds(self) -> None:
        """Instants are milliseconds since 1970 whatever zone they are told in."""
        self.assertEqual(times.milliseconds(NOW), NOW_MS)
        self.assertEqual(times.milliseconds(NOW.astimezone(timezone(timedelta(hours=9)))), NOW_MS)

    def test_offset_in(self) -> None:
        """A zone's offset is the one in force at that instant."""
        self.assertEqual(times.offset_in("UTC", NOW), 0)
        self.assertEqual(times.offset_in("Asia/Kathmandu", NOW), 20_700)
        before, after = datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC), datetime(2026, 3, 29, 1, tzinfo=UTC)
        self.assertEqual([times.offset_in("Europe/Lisbon", when) for when in (before, after)], [0, 3600])
        self.assertEqual(times.offset_in("America/St_Johns", NOW), -9000)


class EchoTests(SynchronousTestCase):
    """Which offset a new terminal brought along."""

    def echoed(self, **ahead: int) -> int | None:
        """The offset of a clock so far ahead of UTC."""
        return times.echoed_offset(NOW.replace(tzinfo=None) + timedelta(**ahead), NOW)

    def test_zones(self) -> None:
        """A clock within a minute of a multiple of 15 minutes lives in that offset."""
        for hours in range(-12, 15):
            self.assertEqual(self.echoed(hours=hours), hours * 3600)
        self.assertEqual(self.echoed(hours=5, minutes=45, seconds=60), 20_700)
        self.assertEqual(self.echoed(hours=-9, minutes=-30, seconds=-60), -34_200)

    def test_no_zone(self) -> None:
        """A clock further from any, or beyond the zones of the earth, lives in none."""
        self.assertIsNone(self.echoed(hours=5, seconds=61))
        self.assertIsNone(self.echoed(minutes=8))
        self.assertIsNone(self.echoed(hours=14, minutes=15))
        self.assertIsNone(self.echoed(hours=-12, minutes=-15))
        self.assertIsNone(self.echoed(days=-9588))

    def test_drift(self) -> None:
        """Drift is signed milliseconds against where the offset puts the clock."""
        self.assertEqual(times.drift_ms(datetime(2026, 4, 2, 13, 45, 9), NOW, 19_800), 5000)
        self.assertEqual(times.drift_ms(datetime(2026, 4, 2, 8, 15, 0), NOW, 0), -4000)


class TimelineTests(SynchronousTestCase):
    """How the timeline grows."""

    def test_first(self) -> None:
        """A terminal seen for the first time had the offset it now gets for ever before."""
        self.assertEqual(times.extended((), NOW_MS, 3600, None), (ClockEntry(0, 3600),))
        self.assertEqual(times.extended((), NOW_MS, 3600, 4000), (ClockEntry(0, 3600, 4000),))

    def test_first_clock_is_far_off(self) -> None:
        """If its clock was far off, that stretch ends with the first answer."""
        expected = (ClockEntry(0, 3600, -500_000), ClockEntry(NOW_MS, 3600))
        self.assertEqual(times.extended((), NOW_MS, 3600, -500_000), expected)

    def test_nothing_new(self) -> None:
        """The same offset again, and small drift, add nothing."""
        timeline = (ClockEntry(0, 3600),)
        for drift in (None, 0, 119_999, -119_999):
            self.assertEqual(times.extended(timeline, NOW_MS, 3600, drift), timeline)

    def test_another_offset(self) -> None:
        """A new offset begins a stretch."""
        found = times.extended((ClockEntry(0, 0),), NOW_MS, 3600, None)
        self.assertEqual(found, (ClockEntry(0, 0), ClockEntry(NOW_MS, 3600)))

    def test_found_far_off(self) -> None:
        """A clock found two minutes off closes its stretch with the drift, and begins anew."""
        found = times.extended((ClockEntry(0, 0),), NOW_MS, 0, 120_000)
        self.assertEqual(found, (ClockEntry(0, 0, 120_000), ClockEntry(NOW_MS, 0)))

    def test_bound(self) -> None:
        """However often it is set, the newest sixteen stretches stay."""
        timeline: tuple[ClockEntry, ...] = ()
        for n in range(100):
            timeline = times.extended(timeline, NOW_MS + n * 1000, 3600 * (n % 2), None)
        self.assertEqual(len(timeline), times.MOST_ENTRIES)
        self.assertEqual(timeline[-1], ClockEntry(NOW_MS + 99_000, 3600))
