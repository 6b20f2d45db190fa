"""Pages are made piece by piece, one piece after the other whosever page it is: however many are asked for at
once, terminals are heard in between."""

from __future__ import annotations

import time
import types
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from typing import Any, Final, TypeVar

from twisted.internet.defer import Deferred

TURN_SECONDS: Final = 0.002
"""So long pages are made without a break."""
REST_SECONDS: Final = 0.003
"""The break while several pages are being made."""

T = TypeVar("T")


class Line:
    """One for each process. ``reactor`` gives delayed calls."""

    def __init__(self, reactor: Any, monotonic: Callable[[], float] = time.perf_counter) -> None:
        self._reactor = reactor
        self._monotonic = monotonic
        self._waiting: deque[Deferred[None]] = deque()
        self._is_moving = False

    def turn(self) -> Deferred[None]:
        """Fires when the next piece may be made."""
        waiting: Deferred[None] = Deferred()
        self._waiting.append(waiting)
        if not self._is_moving:
            self._is_moving = True
            self._reactor.callLater(0, self._move)
        return waiting

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
            # whoever waits for it gets what it gives one turn later
            awaited.addBoth(self._in_turn)
            try:
                given = yield awaited
                go = work.send
            except BaseException as failed:
                go, given = work.throw, failed

    def _in_turn(self, given: Any) -> Deferred[Any]:
        return self.turn().addCallback(lambda _: given)

    def _move(self) -> None:
        ends = self._monotonic() + TURN_SECONDS
        while self._waiting and self._monotonic() < ends:
            first = self._waiting.popleft()
            # who asked may have gone
            if not first.called:
                first.callback(None)
        self._is_moving = bool(self._waiting)
        if self._is_moving:
            self._reactor.callLater(REST_SECONDS if len(self._waiting) > 1 else 0, self._move)
