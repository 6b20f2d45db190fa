"""What instant a terminal's text meant, with the stretch of its clock that was valid then (design §3.4)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tfserver.model import Clock, ClockEntry, rfc3339
from tfserver.wire import times
from tfserver.wire.times import Instant

SPRING = datetime(2026, 3, 29, 1, tzinfo=UTC)
AUTUMN = datetime(2026, 10, 25, 1, tzinfo=UTC)
TO_SUMMER = (ClockEntry(0, 0), ClockEntry(times.milliseconds(SPRING), 3600))
TO_WINTER = (ClockEntry(0, 3600), ClockEntry(times.milliseconds(AUTUMN), 0))
DAY_MS = 86_400_000


def instant(text: str, timeline: tuple[ClockEntry, ...], received: datetime) -> Instant:
    """What a text meant."""
    return times.instant_of(times.parse(text), timeline, received)


class SummerTimeTests(SynchronousTestCase):
    """Around the change of the offset."""

    def _means(self, found: Instant, utc: str, clock: Clock) -> None:
        self.assertEqual((found.utc and found.utc.isoformat(" "), found.clock), (f"{utc}+00:00", clock))

    def test_plain(self) -> None:
        """Under one offset a text has one meaning, told with that offset."""
        received = datetime(2026, 4, 2, 8, tzinfo=UTC)
        found = instant("2026-04-02 13:25:00", (ClockEntry(0, 19_800, -1500),), received)
        utc = datetime(2026, 4, 2, 7, 55, tzinfo=UTC)
        expected = ("2026-04-02T13:25:00+05:30", utc, "2026-04-02T07:55:00.000Z", -1500, Clock.OK)
        self.assertEqual(found, Instant(*expected))

    def test_backlog_from_before_spring(self) -> None:
        """Punches from before the clock was put ahead keep the old offset, however late they come."""
        later = SPRING + timedelta(days=3)
        self._means(instant("2026-03-28 18:00:00", TO_SUMMER, later), "2026-03-28 18:00:00", Clock.OK)
        self._means(instant("2026-03-29 00:59:59", TO_SUMMER, later), "2026-03-29 00:59:59", Clock.OK)
        self._means(instant("2026-03-29 02:00:00", TO_SUMMER, later), "2026-03-29 01:00:00", Clock.OK)
        self._means(instant("2026-03-29 18:00:00", TO_SUMMER, later), "2026-03-29 17:00:00", Clock.OK)

    def test_the_hour_that_never_was(self) -> None:
        """A text from the hour that was left out is suspect, and an instant close to the change."""
        found = instant("2026-03-29 01:30:00", TO_SUMMER, SPRING + timedelta(days=1))
        self.assertEqual(found.clock, Clock.SUSPECT)
        assert found.utc is not None
        self.assertLessEqual(abs(found.utc - SPRING), timedelta(hours=1))

    def test_backlog_from_before_autumn(self) -> None:
        """Punches from before the clock was put back keep the old offset."""
        later = AUTUMN + timedelta(days=3)
        self._means(instant("2026-10-24 18:00:00", TO_WINTER, later), "2026-10-24 17:00:00", Clock.OK)
        self._means(instant("2026-10-25 00:59:59", TO_WINTER, later), "2026-10-24 23:59:59", Clock.OK)
        self._means(instant("2026-10-25 02:00:00", TO_WINTER, later), "2026-10-25 02:00:00", Clock.OK)

    def test_the_hour_that_came_twice(self) -> None:
        """A text from the hour that came twice is suspect and one of its two meanings."""
        found = instant("2026-10-25 01:30:00", TO_WINTER, AUTUMN + timedelta(days=1))
        self.assertEqual(found.clock, Clock.SUSPECT)
        self.assertIn(found.utc, (AUTUMN - timedelta(minutes=30), AUTUMN + timedelta(minutes=30)))

    def test_the_first_of_the_two_hours(self) -> None:
        """Before the second of the two hours has come its text can only mean the first."""
        received = AUTUMN + timedelta(seconds=30)
        self._means(instant("2026-10-25 01:59:55", TO_WINTER, received), "2026-10-25 00:59:55", Clock.OK)

    def test_a_year(self) -> None:
        """A clock that was put ahead and back is right on each day between the changes."""
        timeline = (*TO_SUMMER, ClockEntry(times.milliseconds(AUTUMN), 0))
        received = datetime(2026, 12, 31, tzinfo=UTC)
        for month, hour in ((2, 12), (4, 11), (7, 11), (10, 11), (11, 12)):
            found = instant(f"2026-{month:02}-15 12:00:00", timeline, received)
            self._means(found, f"2026-{month:02}-15 {hour}:00:00", Clock.OK)


class WrongClockTests(SynchronousTestCase):
    """Quirk 16: clocks that are off."""

    received = datetime(2026, 4, 10, 0, 5, tzinfo=UTC)
    met = datetime(2026, 4, 10, tzinfo=UTC)

    def _from_2000(self) -> tuple[ClockEntry, ...]:
        """The timeline of a terminal whose battery was flat when it registered at ``met``."""
        drift = times.drift_ms(datetime(2000, 1, 1, 10), self.met, 0)
        return times.extended((ClockEntry(0, 0),), times.milliseconds(self.met), 0, drift)

    def test_year_2000_is_corrected(self) -> None:
        """A punch dated 2000 gets the instant its clock's error tells, and is suspect."""
        found = instant("2000-01-01 09:00:00", self._from_2000(), self.received)
        self.assertEqual(found.utc, self.met - timedelta(hours=1))
        self.assertEqual((found.time, found.clock), ("2000-01-01T09:00:00+00:00", Clock.SUSPECT))

    def test_after_the_correction(self) -> None:
        """A punch made after the clock was set is trusted again."""
        found = instant("2026-04-10 00:04:00", self._from_2000(), self.received)
        self.assertEqual((found.utc, found.clock), (self.met + timedelta(minutes=4), Clock.OK))

    def test_backlog_from_before_the_battery_died(self) -> None:
        """A punch that was dated right before the clock failed never moves into the future."""
        for days in (1, 3, 30, 400):
            shown = self.met - timedelta(days=days)
            found = instant(shown.strftime(times.WIRE), self._from_2000(), self.received)
            self.assertEqual((found.utc, found.clock), (shown, Clock.SUSPECT))

    def test_year_2000_without_a_measurement(self) -> None:
        """A date before the protocol existed is suspect also where no drift was measured."""
        found = instant("2000-01-01 00:10:00", (ClockEntry(0, 0),), self.received)
        self.assertEqual(found.clock, Clock.SUSPECT)

    def test_future(self) -> None:
        """A record can't be younger than its arrival: two minutes ahead are slack, more is suspect."""
        for ahead, clock in (
            (0, Clock.OK),
            (120, Clock.OK),
            (121, Clock.SUSPECT),
            (86_400 * 900, Clock.SUSPECT),
        ):
            shown = (self.received + timedelta(seconds=ahead)).strftime(times.WIRE)
            self.assertEqual(instant(shown, (ClockEntry(0, 0),), self.received).clock, clock, ahead)

    def test_undatable(self) -> None:
        """What is no time has no instant and is suspect; nothing of it is invented."""
        found = times.instant_of(None, (ClockEntry(0, 0),), self.received)
        self.assertEqual(found, Instant(None, None, None, None, Clock.SUSPECT))

    def test_no_timeline(self) -> None:
        """Without any knowledge of the clock nothing is said."""
        found = instant("2026-04-10 00:04:00", (), self.received)
        self.assertEqual(found, Instant(None, None, None, None, Clock.UNKNOWN))


ENTRIES = st.builds(
    ClockEntry,
    st.integers(0, 4_000_000_000_000),
    st.integers(-43_200, 50_400),
    st.one_of(st.just(0), st.integers(-(10**15), 10**15)),
)
EXAMPLES = settings(derandomize=True, deadline=None, database=None, max_examples=300)


class AnyInstantTests(SynchronousTestCase):
    """Any date under any timeline."""

    @EXAMPLES
    @given(st.datetimes(), st.lists(ENTRIES, max_size=16))
    def test_never_raises(self, device: datetime, timeline: list[ClockEntry]) -> None:
        """Whatever a terminal shows and whatever its clock went through, an instant comes out."""
        timeline.sort(key=lambda entry: entry.since)
        found = times.instant_of(device, timeline, datetime(2026, 4, 2, tzinfo=UTC))
        self.assertIs(type(found.clock), Clock)
        self.assertEqual(found.utc is None, not timeline)
        self.assertEqual(found.utc_text, found.utc and rfc3339(found.utc))

    @EXAMPLES
    @given(st.integers(0, 365 * 86_400), st.integers(-48, 56), st.integers(-119_999, 119_999))
    def test_steady_clock(self, seconds: int, quarters: int, drift: int) -> None:
        """Under one offset and a decent clock every past second comes back exactly, and is trusted."""
        utc = datetime(2026, 4, 2, tzinfo=UTC) - timedelta(seconds=seconds)
        shown = times.wire_time(utc, quarters * 900)
        received = datetime(2026, 4, 2, tzinfo=UTC)
        found = instant(shown, (ClockEntry(0, quarters * 900, drift),), received)
        self.assertEqual((found.utc, found.clock, found.offset_ms), (utc, Clock.OK, drift))

    @EXAMPLES
    @given(
        st.datetimes(), st.integers(-50_400, 50_400), st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1))
    )
    def test_growth(self, device: datetime, offset: int, now: datetime) -> None:
        """Measuring any clock and setting it gives a timeline that dates the next punch right."""
        aware = now.replace(tzinfo=UTC)
        drift = times.drift_ms(device, aware, offset)
        timeline = times.extended((), times.milliseconds(aware), offset, drift)
        shown = times.wire_time(aware + timedelta(seconds=10), offset)
        found = instant(shown, timeline, aware + timedelta(seconds=11))
        self.assertEqual(found.utc, (aware + timedelta(seconds=10)).replace(microsecond=0))
