"""The short way to the time of a record gives what the long one gives; the present is shared."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tfserver.model import SUSPECT_DRIFT_MS, Clock, ClockEntry, rfc3339
from tfserver.wire import times
from tfserver.wire.times import Moment, Present

EXAMPLES: Final = settings(derandomize=True, deadline=None, database=None, max_examples=1000)
NOW: Final = datetime(2026, 4, 2, 8, 15, 4, tzinfo=UTC)
NOW_MS: Final = 1_775_117_704_000
DAY_MS: Final = 86_400_000
OFFSETS: Final = st.one_of(st.integers(-48, 56).map(lambda n: n * 900), st.integers(-43_200, 50_400))
DRIFTS: Final = st.one_of(
    st.just(0),
    st.integers(-SUSPECT_DRIFT_MS - 1, SUSPECT_DRIFT_MS + 1),
    st.integers(-(10**15), 10**15),
)
SINCE: Final = st.one_of(
    st.integers(NOW_MS - 5 * DAY_MS, NOW_MS + DAY_MS),
    st.integers(0, 4_000_000_000_000),
    st.just(0),
)
ENTRIES: Final = st.builds(ClockEntry, SINCE, OFFSETS, DRIFTS)
DECENT: Final = st.builds(ClockEntry, SINCE, OFFSETS, st.integers(-119_999, 119_999))
TIMELINES: Final = st.lists(st.one_of(DECENT, DECENT, DECENT, ENTRIES), max_size=5)
"""Not sorted: a server's clock may have been put back between two settings."""
NEAR: Final = st.integers(-6 * 86_400, 3 * 86_400).map(lambda seconds: NOW + timedelta(seconds=seconds))
TEXTS: Final = st.one_of(
    NEAR.map(lambda when: when.strftime(times.WIRE)),
    NEAR.map(lambda when: f"{when.year}/{when.month}/{when.day} {when.hour}:{when.minute}"),
    st.datetimes().map(lambda when: when.isoformat(" ", "seconds")),
    st.tuples(NEAR, st.sampled_from(("{} ", " {}", "{}Z", "{}\t", "{}.5", "{}\x00", "\u3000{}", "0{}"))).map(
        lambda both: both[1].format(both[0].strftime(times.WIRE))
    ),
    st.sampled_from(("", "soon", "2009-12-31 23:59:59", "2010-01-01 00:00:00", "9999-12-31 23:59:59")),
    st.text(max_size=times.MOST_TEXT),
)
RECEIVED: Final = st.one_of(
    st.integers(NOW_MS - 3 * DAY_MS, NOW_MS + 3 * DAY_MS),
    st.integers(NOW_MS - 200_000, NOW_MS + 200_000),
    st.integers(946_684_800_000, 4_102_444_800_000),
)


@dataclass
class Log:
    """A record as far as its time goes."""

    time: str


def moment(ms: int) -> Moment:
    """A moment by its milliseconds."""
    return Present(lambda: (ms + 0.5) / 1000).read()


class OrdinaryTests(SynchronousTestCase):
    """``ordinary`` and ``when``."""

    @EXAMPLES
    @given(st.lists(TEXTS, min_size=1, max_size=4), TIMELINES, RECEIVED)
    @example(
        ["2026-04-02 08:15:04"],
        [ClockEntry(0, 0), ClockEntry(NOW_MS + DAY_MS, 3600), ClockEntry(NOW_MS - 3 * DAY_MS, 0)],
        NOW_MS,
    )
    def test_agree(self, texts: list[str], timeline: list[ClockEntry], received_ms: int) -> None:
        """Whatever the short way gives for any texts, clock and arrival, the long way gives as well."""
        self.agree(texts, tuple(timeline), received_ms)

    @EXAMPLES
    @given(
        st.lists(NEAR.map(lambda when: when.strftime(times.WIRE)), min_size=1, max_size=2),
        st.lists(DECENT, min_size=1, max_size=3),
        st.integers(NOW_MS - DAY_MS, NOW_MS + 6 * DAY_MS),
    )
    def test_agree_nearby(self, texts: list[str], timeline: list[ClockEntry], received_ms: int) -> None:
        """So it does for times around a change of the clock, where most of them are ordinary."""
        self.agree(texts, tuple(timeline), received_ms)

    def agree(self, texts: list[str], timeline: tuple[ClockEntry, ...], received_ms: int) -> Any:
        """What the short way gives; it is what the long way gives."""
        received = moment(received_ms)
        self.assertEqual(received.ms, received_ms)
        found = times.ordinary(list(map(Log, texts)), times.last_stretch(timeline), received_ms)
        if found is not None:
            self.assertEqual(found, [times.when(text, timeline, received.at) for text in texts])
        return found

    @EXAMPLES
    @given(st.integers(0, 365 * 86_400), OFFSETS, st.integers(-119_999, 119_999))
    def test_steady_clock(self, seconds: int, offset: int, drift: int) -> None:
        """Under one offset and a decent clock every past second takes the short way, and is trusted."""
        shown = times.wire_time(NOW - timedelta(seconds=seconds), offset)
        [found] = self.agree([shown], (ClockEntry(0, offset, drift),), NOW_MS)
        self.assertEqual((found.utc, found.clock), (rfc3339(NOW - timedelta(seconds=seconds)), Clock.OK))
        self.assertEqual(found.utc_ms, NOW_MS - seconds * 1000)

    def test_future(self) -> None:
        """What is more than two minutes ahead of its arrival takes the long way, to the millisecond."""
        timeline = (ClockEntry(0, 0),)
        self.assertIsNotNone(self.agree(["2026-04-02 08:17:04"], timeline, NOW_MS))
        self.assertIsNone(self.agree(["2026-04-02 08:17:04"], timeline, NOW_MS - 1))
        self.assertIsNone(self.agree(["2026-04-02 08:17:05"], timeline, NOW_MS))

    def test_before_the_protocol(self) -> None:
        """What is older than the protocol takes the long way, by its instant and not by its text."""
        for offset, text, is_ordinary in (
            (0, "2010-01-01 00:00:00", True),
            (0, "2009-12-31 23:59:59", False),
            (3600, "2010-01-01 00:59:59", False),
            (-3600, "2009-12-31 23:00:00", True),
        ):
            found = self.agree([text], (ClockEntry(0, offset),), NOW_MS)
            self.assertEqual(found is not None, is_ordinary, text)

    def test_one_of_many(self) -> None:
        """One record that is not ordinary leads its whole batch the long way."""
        good = "2026-04-02 08:15:00"
        timeline = (ClockEntry(0, 0),)
        self.assertEqual(len(self.agree([good, good], timeline, NOW_MS)), 2)
        for odd in ("soon", "2000-01-01 00:00:00", "2030-01-01 00:00:00", f" {good}"):
            self.assertIsNone(self.agree([good, odd, good], timeline, NOW_MS), odd)

    def test_nothing_known(self) -> None:
        """Without a timeline, or with a stretch that was far off, nothing is ordinary."""
        good = "2026-04-02 08:15:00"
        far = ClockEntry(0, 0, SUSPECT_DRIFT_MS)
        for timeline in ((), (far,), (far, ClockEntry(NOW_MS - 30 * DAY_MS, 0)), (ClockEntry(0, 0), far)):
            self.assertIsNone(self.agree([good], timeline, NOW_MS))

    def test_several_stretches(self) -> None:
        """Behind a change of the offset, what only the last stretch can mean is ordinary again."""
        timeline = (ClockEntry(0, 0), ClockEntry(NOW_MS - 3 * DAY_MS, 3600))
        self.assertIsNotNone(self.agree(["2026-04-02 09:15:00"], timeline, NOW_MS))
        for text in ("2026-03-30 09:30:00", "2026-03-30 08:00:00", "2026-03-20 09:15:00"):
            self.assertIsNone(self.agree([text], timeline, NOW_MS), text)

    def test_farthest_offsets(self) -> None:
        """Even if the clock went once around the world, nothing is ordinary that two stretches can mean."""
        began = NOW_MS - 3 * DAY_MS
        for before, after in ((50_400, -43_200), (-43_200, 50_400)):
            timeline = (ClockEntry(0, before), ClockEntry(began, after))
            found = []
            for hours in range(-30, 72):
                at = datetime.fromtimestamp(began // 1000, UTC) + timedelta(hours=hours)
                found.append(self.agree([times.wire_time(at, after)], timeline, NOW_MS) is not None)
            self.assertEqual(found, sorted(found))
            self.assertTrue(found[-24])

    def test_remembered_for_each_clock(self) -> None:
        """A text that was read under one offset is read anew under another."""
        for offset in (0, 3600, 0, -3600):
            shown = times.wire_time(NOW, offset)
            for drift in (0, 7):
                [found] = self.agree([shown], (ClockEntry(0, offset, drift),), NOW_MS)
                self.assertEqual((found.utc, found.offset_ms), (rfc3339(NOW), drift))


class PresentTests(SynchronousTestCase):
    """The present."""

    def setUp(self) -> None:
        """A clock."""
        self.seconds = NOW_MS / 1000
        self.present = Present(lambda: self.seconds)

    def test_shared(self) -> None:
        """Within a millisecond it is the same moment, after it a new one."""
        first = self.present.read()
        self.assertIs(self.present.read(), first)
        self.seconds += 0.0005
        self.assertIs(self.present.read(), first)
        self.seconds += 0.0006
        second = self.present.read()
        self.assertIsNot(second, first)
        self.assertEqual((first.ms, second.ms), (NOW_MS, NOW_MS + 1))

    def test_forms(self) -> None:
        """It is told in four forms that mean the same."""
        self.seconds = (NOW_MS + 999.25) / 1000
        found = self.present.read()
        self.assertEqual(found.at, NOW + timedelta(milliseconds=999))
        self.assertIs(found.at.tzinfo, UTC)
        self.assertEqual((found.ms, found.minute), (NOW_MS + 999, NOW_MS // 60_000))
        self.assertEqual(found.text, "2026-04-02T08:15:04.999Z")

    def test_stepping_back(self) -> None:
        """A clock that is put back puts the present back."""
        moments = []
        for ms in (0, 5000, -3_600_000, -3_600_000, 0):
            self.seconds = (NOW_MS + ms) / 1000
            moments.append(self.present.read().ms - NOW_MS)
        self.assertEqual(moments, [0, 5000, -3_600_000, -3_600_000, 0])

    @EXAMPLES
    @given(st.integers(0, 4_102_444_800_000), st.integers(0, 999))
    def test_any_moment(self, ms: int, microseconds: int) -> None:
        """At any microsecond all forms agree, and no fraction of a millisecond is added."""
        self.seconds = ms / 1000 + microseconds / 1_000_000
        found = self.present.read()
        self.assertEqual(times.milliseconds(found.at), found.ms)
        self.assertEqual((found.minute, found.text), (found.ms // 60_000, rfc3339(found.at)))
        self.assertLessEqual(found.ms / 1000, self.seconds)
        self.assertLessEqual(self.seconds - found.ms / 1000, 0.0011)


class SharedTests(SynchronousTestCase):
    """Timelines that many terminals have."""

    def test_one_for_all(self) -> None:
        """Equal timelines become one, other ones stay what they are."""
        first, again = (ClockEntry(1, 0), ClockEntry(2, 1)), (ClockEntry(1, 0), ClockEntry(2, 1))
        self.assertIs(times.shared(first), times.shared(again))
        self.assertEqual(times.shared((ClockEntry(1, 0), ClockEntry(2, 1, 5)))[-1].drift, 5)
