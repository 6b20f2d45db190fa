"""What is asked of the store in one turn of the reactor goes in one call, in the order it was asked."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple

from twisted.internet.defer import Deferred, fail

from tfserver.errors import StoreError, StoreUnavailable

MOST_A_CALL: Final = 100
"""A call holds up everybody else's: this many registrations take the store one or two milliseconds."""
MOST_BYTES: Final = 256 * 1024
"""So much is enough for a call, however few questions it is: photos hold up the store too."""
MOST_CALLS: Final = 2
"""Calls under way at once: what comes meanwhile shares the next one. With more of them registrations of a
whole fleet were answered later, not sooner."""
MOST_WAITING: Final = 10_000

Question = tuple[Any, ...]
Asked = tuple[Question, Deferred[Any], float]
"""A question, its answer, and when it was asked."""


class Waiting(NamedTuple):
    """How many wait, and for how long the one that came first (s)."""

    questions: int
    seconds: float


class Turn:
    """Questions of one kind, at most ``most`` a call. ``call`` answers a list of them in order; an answer may
    be an exception."""

    def __init__(
        self,
        reactor: Any,
        call: Callable[[list[Question]], Awaitable[list[Any]]],
        most: int = MOST_A_CALL,
    ) -> None:
        self._reactor = reactor
        self._call = call
        self._most = most
        self._first: deque[Asked] = deque()
        self._waiting: deque[Asked] = deque()
        self._calls = 0
        self._under_way: dict[float, int] = {}
        """How many questions those calls have, by when the first of them was asked."""
        self._scheduled = False

    @property
    def waiting(self) -> Waiting:
        """How many questions have no answer yet, and for how long the one that came first."""
        count = len(self._first) + len(self._waiting) + sum(self._under_way.values())
        oldest = min(
            [*self._under_way, *(queue[0][2] for queue in (self._first, self._waiting) if queue)],
            default=None,
        )
        return Waiting(count, 0.0 if oldest is None else self._reactor.seconds() - oldest)

    def ask(self, *question: Any) -> Deferred[Any]:
        """The answer. StoreUnavailable: it may or may not have been done. A question that is cancelled before
        its call is made is not asked at all."""
        return self._ask(self._waiting, question)

    def ask_first(self, *question: Any) -> Deferred[Any]:
        """The same, before all that wait."""
        return self._ask(self._first, question)

    def _ask(self, waiting: deque[Asked], question: Question) -> Deferred[Any]:
        if len(waiting) >= MOST_WAITING:
            return fail(StoreUnavailable("too much is waiting for the store"))
        done: Deferred[Any] = Deferred()
        waiting.append((question, done, self._reactor.seconds()))
        self._schedule()
        return done

    def _schedule(self) -> None:
        if not self._scheduled and self._calls < MOST_CALLS and (self._first or self._waiting):
            self._scheduled = True
            self._reactor.callLater(0, self._flush)

    def _flush(self) -> None:
        self._scheduled = False
        while self._calls < MOST_CALLS and (asked := self._next()):
            self._calls += 1
            Deferred.fromCoroutine(self._perform(asked))

    def _next(self) -> list[Asked]:
        """What the next call asks; who gave up waiting is left out."""
        asked: list[Asked] = []
        size = 0
        while (waiting := self._first or self._waiting) and len(asked) < self._most and size < MOST_BYTES:
            one = waiting.popleft()
            if not one[1].called:
                asked.append(one)
                size += sum(len(part) for part in one[0] if isinstance(part, (str, bytes)))
        return asked

    async def _perform(self, asked: list[Asked]) -> None:
        oldest = min(at for _, _, at in asked)
        self._under_way[oldest] = self._under_way.get(oldest, 0) + len(asked)
        try:
            answers = await self._call([question for question, _, _ in asked])
        except StoreError as failed:
            # one each: an exception collects the traceback of everybody it is raised for
            answers = [type(failed)(str(failed)) for _ in asked]
        except Exception as mistake:
            answers = [mistake] * len(asked)
        finally:
            self._calls -= 1
            self._under_way[oldest] -= len(asked)
            if not self._under_way[oldest]:
                del self._under_way[oldest]
            self._schedule()
        for (_, done, _), answer in zip(asked, answers, strict=True):
            if isinstance(answer, Exception):
                done.errback(answer)
            else:
                done.callback(answer)
