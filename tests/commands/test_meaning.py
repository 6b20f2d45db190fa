"""Tests of tfserver.commands.meaning: the way of a punch, and whether it repeats another."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as some
from twisted.trial.unittest import TestCase

from tfserver.commands.meaning import MOST_REMEMBERED, Meaning, Repeats
from tfserver.model import Clock, Direction, Kind, Punch, kind_of_record


def punch(uid: str = "a", enrollid: int = 7, inout: int = 0, event: int = 0) -> Punch:
    """A punch of somebody, by its uid."""
    return Punch(
        uid=uid,
        sn="A1",
        site="",
        kind=kind_of_record(enrollid),
        enrollid=enrollid,
        external_id=None,
        device_time="2026-04-02 08:16:10",
        time=None,
        utc=None,
        offset_ms=None,
        received="2026-04-02T08:16:11.000Z",
        mode=1,
        verify=None,
        inout=inout,
        event=event,
        temp=None,
        clock=Clock.OK,
        extra={},
    )


class DirectionTests(TestCase):
    """The rule of a terminal."""

    def test_always(self) -> None:
        """A terminal at a way out says out, whatever was sent."""
        self.assertEqual(Direction(always="out").of(1, 0, 0), "out")

    def test_by_field(self) -> None:
        """The values of the named field decide; others say nothing."""
        rule = Direction(field="event", into=(1, 3), out=(2,))
        self.assertEqual([rule.of(2, 2, event) for event in (1, 2, 3, 4)], ["in", "out", "in", None])

    def test_inout(self) -> None:
        """Without another field named it is inout."""
        self.assertEqual(Direction(into=(0,), out=(1,)).of(1, 1, 0), "out")

    def test_raw_is_kept(self) -> None:
        """The label stands beside what was sent, and is absent where nothing is known."""
        labelled, other = punch(inout=1), punch(inout=9)
        meaning = Meaning(Direction(into=(0,), out=(1,)), None, {})
        meaning.add_to(labelled, None)
        meaning.add_to(other, None)
        told = msgspec.to_builtins(labelled)
        self.assertEqual((told["inout"], told["direction"]), (1, "out"))
        self.assertNotIn("direction", msgspec.to_builtins(other))

    def test_only_people(self) -> None:
        """Doors and strangers have no way and repeat nothing."""
        meaning = Meaning(Direction(always="in"), Repeats(60), {})
        for enrollid in (0, 99_999_999):
            first, second = punch("a", enrollid), punch("b", enrollid)
            meaning.add_to(first, 0)
            meaning.add_to(second, 1000)
            told = msgspec.to_builtins(second)
            self.assertNotEqual(second.kind, Kind.PUNCH)
            self.assertFalse({"direction", "repeat_of"} & told.keys())


class RepeatTests(TestCase):
    """Double taps."""

    def test_within_the_window(self) -> None:
        """Who punches again at once repeats the first, up to the end of the window."""
        repeats = Repeats(60)
        found = [repeats.of(7, ms, uid) for ms, uid in ((0, "a"), (30_000, "b"), (60_000, "c"))]
        self.assertEqual(found, [None, "a", "a"])

    def test_after_the_window(self) -> None:
        """The window begins with the first, and with the one behind its end begins another."""
        repeats = Repeats(60)
        times = ((0, "a"), (50_000, "b"), (70_000, "c"), (100_000, "d"))
        self.assertEqual([repeats.of(7, ms, uid) for ms, uid in times], [None, "a", None, "c"])

    def test_others(self) -> None:
        """Other people repeat nothing."""
        repeats = Repeats(60)
        repeats.of(7, 0, "a")
        self.assertIsNone(repeats.of(8, 1000, "b"))

    def test_itself(self) -> None:
        """A punch that comes once more after it was refused repeats nothing."""
        repeats = Repeats(60)
        self.assertEqual([repeats.of(7, 5000, "a") for _ in range(2)], [None, None])
        self.assertEqual(repeats.of(7, 6000, "b"), "a")

    def test_older(self) -> None:
        """An older one, from a backlog, repeats nothing, and does not hide the newer."""
        repeats = Repeats(60)
        repeats.of(7, 100_000, "a")
        self.assertIsNone(repeats.of(7, 90_000, "b"))
        self.assertEqual(repeats.of(7, 110_000, "c"), "a")

    @given(some.lists(some.integers(0, 10_000), min_size=1, max_size=50))
    def test_bounded(self, seconds: list[int]) -> None:
        """However many people there are, few are remembered."""
        repeats = Repeats(3600)
        for number, second in enumerate(seconds * 20):
            repeats.of(number, second * 1000, str(number))
        self.assertLessEqual(len(repeats._first), MOST_REMEMBERED)

    def test_newest_are_remembered(self) -> None:
        """When there are too many, the newest are still recognised."""
        repeats = Repeats(3600)
        for number in range(MOST_REMEMBERED + 1):
            repeats.of(number, number, f"u{number}")
        self.assertEqual(repeats.of(MOST_REMEMBERED, MOST_REMEMBERED + 1, "again"), f"u{MOST_REMEMBERED}")
