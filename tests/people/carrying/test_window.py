"""So many steps at once, and notes that are written together."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tfserver.people.carrying.window import MOST_NOTES, NOTE_SECONDS, Note, Notes, Turnout, Window
from tfserver.plan import ItemState


def about(*people: int, alone: bool = False) -> Turnout:
    """A step about these."""
    return Turnout(frozenset(people), alone)


class WindowTests(SynchronousTestCase):
    """Steps that end when the test says so."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.window = Window(self.clock, 2)
        self.steps: dict[str, Deferred[None]] = {}

    def begin(self, name: str, turnout: Turnout) -> None:
        """Begin one."""
        self.steps[name] = Deferred()
        self.window.begin(turnout, self._step(name))

    async def _step(self, name: str) -> None:
        await self.steps[name]

    def test_so_many(self) -> None:
        """No more than allowed are under way, and one that ends makes room."""
        self.begin("a", about(1))
        self.begin("b", about(2))
        self.assertFalse(self.window.has_room(about(3)))
        self.steps["a"].callback(None)
        self.assertTrue(self.window.has_room(about(3)))

    def test_in_the_way(self) -> None:
        """What has to be alone with its people waits for all that is about them, and they for it."""
        self.begin("a", about(1))
        self.assertTrue(self.window.has_room(about(1)))
        self.assertFalse(self.window.has_room(about(1, 2, alone=True)))
        self.begin("b", about(2, alone=True))
        self.steps["a"].callback(None)
        self.assertFalse(self.window.has_room(about(2)))
        self.assertTrue(self.window.has_room(about(3, alone=True)))

    def test_changed(self) -> None:
        """Who waits goes on when a step ends, when the time is over, or when nothing is under way."""
        self.successResultOf(Deferred.fromCoroutine(self.window.changed(5)))
        self.begin("a", about(1))
        first, second = (Deferred.fromCoroutine(self.window.changed(5)) for _ in range(2))
        self.steps["a"].callback(None)
        self.successResultOf(first)
        self.successResultOf(second)
        self.begin("b", about(1))
        waiting = Deferred.fromCoroutine(self.window.changed(5))
        self.clock.advance(5)
        self.successResultOf(waiting)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.window.cancel()

    def test_error(self) -> None:
        """What a step raises comes to who waits for it, then and later."""
        self.begin("a", about(1))
        waiting = Deferred.fromCoroutine(self.window.changed(5))
        self.steps["a"].errback(ValueError("odd"))
        self.failureResultOf(waiting, ValueError)
        self.assertRaises(ValueError, self.window.check)

    def test_cancelled(self) -> None:
        """At the stop all steps are left, and nothing is an error."""
        self.begin("a", about(1))
        self.window.cancel()
        self.assertFalse(self.window.is_busy)
        self.window.check()


class NotesTests(SynchronousTestCase):
    """Notes over plans that keep them."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.calls: list[list[Note]] = []
        self.told: list[dict[str, int]] = []
        self.error: Exception | None = None
        plans: Any = self
        self.notes = Notes(self.clock, plans, "p", "T1", self._told)

    async def set_states(self, plan_id: str, sn: str, told: list[Note]) -> dict[str, int]:
        """Keep them."""
        if self.error:
            raise self.error
        self.calls.append(list(told))
        return {"done": len(told)}

    async def _told(self, counts: dict[str, int]) -> None:
        self.told.append(counts)

    def note(self, n: int) -> Note:
        """One."""
        return (n, ItemState.DONE, "", "")

    def test_together(self) -> None:
        """Notes of a short while go in one call; who watches hears how many are in which state."""
        self.notes.add(self.note(1))
        self.notes.add(self.note(2), self.note(3))
        self.assertEqual(self.calls, [])
        self.clock.advance(NOTE_SECONDS)
        self.assertEqual([len(call) for call in self.calls], [3])
        self.assertEqual(self.told, [{"done": 3}])

    def test_bounded(self) -> None:
        """So many in a call at most."""
        self.notes.add(*(self.note(n) for n in range(MOST_NOTES + 1)))
        self.clock.advance(NOTE_SECONDS)
        self.assertEqual([len(call) for call in self.calls], [MOST_NOTES, 1])

    def test_written(self) -> None:
        """Who waits for all notes has them written at once."""
        self.notes.add(self.note(1))
        done = Deferred.fromCoroutine(self.notes.written())
        self.clock.advance(0.01)
        self.successResultOf(done)
        self.assertEqual(len(self.calls), 1)

    def test_failed(self) -> None:
        """A note that could not be written is not forgotten silently."""
        self.error = ValueError("away")
        self.notes.add(self.note(1))
        done = Deferred.fromCoroutine(self.notes.written())
        self.clock.advance(0.01)
        self.failureResultOf(done, ValueError)

    def test_cancelled(self) -> None:
        """At the stop nothing more is written."""
        self.notes.add(self.note(1))
        self.notes.cancel()
        self.clock.advance(NOTE_SECONDS)
        self.assertEqual(self.calls, [])
