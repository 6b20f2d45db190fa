"""So many steps at the same time, and what became of them written down as they end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, NamedTuple

from twisted.internet import task
from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from tfserver.plan import ItemState
from tfserver.store.people.plans import Plans

MOST_NOTES: Final = 200
NOTE_SECONDS: Final = 0.3
"""So long a note waits for others that go with it."""
Note = tuple[int, ItemState, str, str]
"""Which step, how it stands, words, and the order that was put for it."""


class Turnout(NamedTuple):
    """Whom a step is about; ``is_alone``: nothing else is done to them meanwhile."""

    people: frozenset[int]
    is_alone: bool

    def minds(self, other: Turnout) -> bool:
        """Whether two steps can't be done at the same time."""
        return (self.is_alone or other.is_alone) and not self.people.isdisjoint(other.people)


class Window:
    """Steps that are under way; the first that raises an error ends them all."""

    def __init__(self, reactor: Any, most: int) -> None:
        self._reactor = reactor
        self._most = most
        self._running: dict[int, tuple[Turnout, Deferred[None]]] = {}
        self._waiting: list[Deferred[None]] = []
        self._failed: Failure | None = None
        self._count = 0

    @property
    def is_busy(self) -> bool:
        """Whether something is under way."""
        return bool(self._running)

    def has_room(self, turnout: Turnout) -> bool:
        """Whether another step may begin."""
        in_the_way = any(turnout.minds(other) for other, _ in self._running.values())
        return len(self._running) < self._most and not in_the_way

    def begin(self, turnout: Turnout, step: Coroutine[Any, Any, None]) -> None:
        """Let a step be done beside the others."""
        self._count += 1
        number = self._count
        done = Deferred.fromCoroutine(step)
        self._running[number] = turnout, done
        done.addBoth(self._over, number)

    async def changed(self, seconds: float) -> None:
        """Wait until a step is over, or the seconds are, or nothing is under way. Raises what one raised."""
        if self._failed is None and self._running:
            waiting: Deferred[None] = Deferred()
            self._waiting.append(waiting)
            tick = self._reactor.callLater(seconds, self._wake, waiting)
            try:
                await waiting
            finally:
                self._forget(waiting)
                if tick.active():
                    tick.cancel()
        self.check()

    def check(self) -> None:
        """Raise what a step raised."""
        if self._failed is not None:
            self._failed.raiseException()

    def cancel(self) -> None:
        """Leave everything as it is."""
        for _, done in list(self._running.values()):
            done.cancel()

    def _over(self, result: Any, number: int) -> None:
        self._running.pop(number, None)
        if isinstance(result, Failure) and not result.check(CancelledError):
            self._failed = self._failed or result
        for waiting in list(self._waiting):
            self._wake(waiting)

    def _wake(self, waiting: Deferred[None]) -> None:
        self._forget(waiting)
        if not waiting.called:
            waiting.callback(None)

    def _forget(self, waiting: Deferred[None]) -> None:
        if waiting in self._waiting:
            self._waiting.remove(waiting)


class Notes:
    """What became of the steps at one terminal, written some at a time while others are done. ``told`` hears
    how many are in which state, after each writing."""

    def __init__(
        self,
        reactor: Any,
        plans: Plans,
        plan_id: str,
        sn: str,
        told: Callable[[dict[str, int]], Awaitable[None]],
    ) -> None:
        self._reactor = reactor
        self._plans = plans
        self._of = plan_id, sn
        self._told = told
        self._notes: list[Note] = []
        self._writing: Deferred[None] | None = None
        self._timer: Any = None
        self._failed: Failure | None = None

    def add(self, *notes: Note) -> None:
        """Write these soon."""
        self._notes += notes
        if self._notes and self._timer is None:
            self._timer = self._reactor.callLater(NOTE_SECONDS, self._begin)

    async def written(self) -> None:
        """Write what is left, and wait until that is done. Raises why it could not be."""
        while self._writing is not None or self._timer is not None:
            self._begin()
            await task.deferLater(self._reactor, 0.002)
        if self._failed is not None:
            self._failed.raiseException()

    def cancel(self) -> None:
        """Write no more: whoever goes on finds the rest out."""
        self._notes = []
        self._begin()
        if self._writing is not None:
            self._writing.cancel()

    def _begin(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
        if self._notes and self._writing is None and self._failed is None:
            writing = self._writing = Deferred.fromCoroutine(self._write())
            writing.addErrback(self._fail)
            if writing.called:
                self._writing = None

    async def _write(self) -> None:
        try:
            while self._notes:
                part, self._notes = self._notes[:MOST_NOTES], self._notes[MOST_NOTES:]
                counts = await self._plans.set_states(*self._of, part)
                await self._told(counts)
        finally:
            self._writing = None

    def _fail(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self._failed = failure
