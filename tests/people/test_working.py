"""A worker does what is due: so many at once, again after a failure, and leaves the rest to others."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tfserver.errors import StoreUnavailable
from tfserver.people.working import LOOK_SECONDS, RENEW_SECONDS, Worker


class Kept:
    """Errands in memory: what is due, and what was said of each."""

    kind = "walk"

    def __init__(self, *names: str) -> None:
        self.due = list(names)
        self.ends: list[tuple[str, float | None]] = []
        self.lost: list[str] = []
        self.mistake: Exception | None = None
        self.away = False

    async def claim(self, token: str, most: int) -> tuple[list[str], float | None]:
        """The next that are due."""
        if self.away:
            raise StoreUnavailable("away")
        found, self.due = self.due[:most], self.due[most:]
        return found, None

    async def renew(self, token: str, names: list[str]) -> list[str]:
        """Those that are another's by now."""
        if self.mistake is not None:
            raise self.mistake
        return [name for name in names if name in self.lost]

    async def end(self, token: str, name: str, seconds: float | None) -> bool:
        """Remember it."""
        if self.mistake is not None:
            raise self.mistake
        self.ends.append((name, seconds))
        return True


class WorkerTests(SynchronousTestCase):
    """A worker over errands in memory."""

    def begin(self, *names: str, at_once: int = 2) -> None:
        """A worker that has looked once; each errand ends when the test says so."""
        self.clock = Clock()
        self.kept = Kept(*names)
        self.doing: dict[str, Deferred[float | None]] = {}
        self.cancelled: list[str] = []
        errands: Any = self.kept
        self.worker = Worker(self.clock, errands, self.do, at_once)
        self.successResultOf(Deferred.fromCoroutine(self.worker.start()))
        self.addCleanup(self.stop)

    def stop(self) -> None:
        """Let it go."""
        stopped = Deferred.fromCoroutine(self.worker.stop())
        self.clock.pump([0.01] * 5)
        self.successResultOf(stopped)

    async def do(self, name: str) -> float | None:
        """An errand that takes until the test ends it."""
        self.doing[name] = Deferred()
        try:
            return await self.doing[name]
        except CancelledError:
            self.cancelled.append(name)
            raise

    def test_at_once(self) -> None:
        """No more than allowed are done at once; the next begins as soon as one is over."""
        self.begin("a", "b", "c")
        self.assertEqual(sorted(self.doing), ["a", "b"])
        self.doing["a"].callback(None)
        self.clock.advance(0)
        self.assertEqual(self.kept.ends, [("a", None)])
        self.assertEqual(sorted(self.doing), ["a", "b", "c"])

    def test_later(self) -> None:
        """One that is to come again says when."""
        self.begin("a")
        self.doing["a"].callback(7.0)
        self.assertEqual(self.kept.ends, [("a", 7.0)])

    def test_failed(self) -> None:
        """One that fails comes again, later each time; our own mistakes are logged."""
        self.begin("a")
        self.doing["a"].errback(StoreUnavailable("away"))
        self.kept.due = ["a"]
        self.clock.advance(LOOK_SECONDS)
        self.doing["a"].errback(ValueError("odd"))
        self.assertEqual(self.kept.ends, [("a", 1.0), ("a", 2.0)])
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_forgets_failures(self) -> None:
        """Who succeeded meanwhile waits no longer than at first."""
        self.begin("a")
        self.doing["a"].errback(StoreUnavailable("away"))
        self.kept.due = ["a"]
        self.clock.advance(LOOK_SECONDS)
        self.doing["a"].callback(0.0)
        self.kept.due = ["a"]
        self.clock.advance(LOOK_SECONDS)
        self.doing["a"].errback(StoreUnavailable("away"))
        self.assertEqual(self.kept.ends[-1], ("a", 1.0))

    def test_lost(self) -> None:
        """What is another's by now is not gone on with here."""
        self.begin("a", "b")
        self.kept.lost = ["a"]
        self.clock.advance(RENEW_SECONDS)
        self.assertEqual(self.cancelled, ["a"])

    def test_mistakes_while_renewing(self) -> None:
        """Our own mistake is logged, and leases are renewed all the same the next time."""
        self.begin("a")
        self.kept.mistake = ValueError("odd")
        self.clock.advance(RENEW_SECONDS)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
        self.kept.mistake, self.kept.lost = None, ["a"]
        self.clock.advance(RENEW_SECONDS)
        self.assertEqual(self.cancelled, ["a"])

    def test_mistakes_at_the_end(self) -> None:
        """Our own mistake while an end is told is logged, and others have their turn."""
        self.begin("a", at_once=1)
        self.kept.mistake, self.kept.due = ValueError("odd"), ["b"]
        self.doing["a"].callback(None)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
        self.clock.advance(LOOK_SECONDS)
        self.assertEqual(sorted(self.doing), ["a", "b"])
        self.kept.mistake = None

    def test_store_away(self) -> None:
        """While the store is away nothing is done, and afterwards it is."""
        self.begin()
        self.kept.away = True
        self.kept.due = ["a"]
        self.clock.advance(LOOK_SECONDS)
        self.assertEqual(self.doing, {})
        self.kept.away = False
        self.clock.advance(LOOK_SECONDS)
        self.assertEqual(list(self.doing), ["a"])

    def test_woken(self) -> None:
        """A wake-up of its kind lets it look at once; that of another does not."""
        self.begin()
        self.kept.due = ["a"]
        self.assertFalse(self.worker.heard("errand run"))
        self.assertEqual(self.doing, {})
        self.assertTrue(self.worker.heard("errand walk"))
        self.assertEqual(list(self.doing), ["a"])

    def test_stopped(self) -> None:
        """At the stop what is under way is left to others, at once, and nothing more is begun."""
        self.begin("a", "b", "c")
        self.stop()
        self.assertEqual(sorted(self.cancelled), ["a", "b"])
        self.assertEqual(sorted(self.kept.ends), [("a", 0.0), ("b", 0.0)])
        self.clock.advance(LOOK_SECONDS)
        self.assertNotIn("c", self.doing)
