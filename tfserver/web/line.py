"""Pages are made piece by piece, one piece after the other: however many are asked for at once, terminals are
heard in between."""

from __future__ import annotations

import heapq
import itertools
import time
import types
from collections.abc import Callable, Coroutine, Generator
from typing import Any, Final, TypeVar

from twisted.internet.defer import Deferred

TURN_SECONDS: Final = 0.002
"""So long pages are made without a break."""
REST_SECONDS: Final = 0.001
"""The break while several pages are being made, beside what the reactor has to do."""
LONG_SECONDS: Final = 0.1
"""A page that takes longer lets others go first, each time that it took so long again."""

T = TypeVar("T")


class Turn(Deferred[None]):
    """Fires when the next piece may be made."""


class Line:
    """One for each process. ``reactor`` gives delayed calls."""

    def __init__(self, reactor: Any, monotonic: Callable[[], float] = time.perf_counter) -> None:
        self._reactor = reactor
        self._monotonic = monotonic
        self._numbers = itertools.count()
        self._waiting: list[tuple[int, int, int, Place, Turn]] = []
        """A heap: who took least, then who came first."""
        self._is_moving = False

    def place(self) -> Place:
        """One more page is to be made."""
        return Place(self, next(self._numbers))

    def wait(self, place: Place) -> Turn:
        """The next turn of a page."""
        waiting = Turn()
        how_long = int(place.spent / LONG_SECONDS)
        heapq.heappush(self._waiting, (how_long, place.number, next(self._numbers), place, waiting))
        if not self._is_moving:
            self._is_moving = True
            self._reactor.callLater(0, self._move)
        return waiting

    def _move(self) -> None:
        now = self._monotonic()
        ends = now + TURN_SECONDS
        while self._waiting and now < ends:
            *_, place, first = heapq.heappop(self._waiting)
            # who asked may have gone
            if not first.called:
                first.callback(None)
            begun, now = now, self._monotonic()
            place.spent += now - begun
        self._is_moving = bool(self._waiting)
        if self._is_moving:
            self._reactor.callLater(REST_SECONDS if len(self._waiting) > 1 else 0, self._move)


class Place:
    """Where one page stands in the line: those that came first are done first, as far as they are short.
    ``spent`` are the seconds of the process that it took."""

    def __init__(self, line: Line, number: int) -> None:
        self.number = number
        self.spent = 0.0
        self._line = line

    def turn(self) -> Turn:
        """Its next one."""
        return self._line.wait(self)

    async def paced(self, work: Coroutine[Deferred[Any], Any, T]) -> T:
        """What ``work`` gives, which goes on in its turn only each time that what it waited for is there."""
        try:
            await self.turn()
        except BaseException:
            work.close()
            raise
        return await self._steps(work)

    @types.coroutine
    def _steps(self, work: Coroutine[Deferred[Any], Any, T]) -> Generator[Deferred[Any], Any, T]:
        go: Callable[[Any], Deferred[Any]] = work.send
        given: Any = None
        while True:
            try:
                awaited = go(given)
            except StopIteration as end:
                value: T = end.value
                return value
            if not isinstance(awaited, Turn):
                # whoever waits for it gets what it gives one turn later
                awaited.addBoth(self._in_turn)
            try:
                given = yield awaited
                go = work.send
            except BaseException as failed:
                go, given = work.throw, failed

    def _in_turn(self, given: Any) -> Deferred[Any]:
        return self.turn().addCallback(lambda _: given)
