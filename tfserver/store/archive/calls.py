"""Questions to a database, asked in threads of their own, each with a deadline."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final

from twisted.internet.defer import CancelledError, Deferred, TimeoutError, fail
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from tfserver.errors import ArchiveUnavailable

MOST_WAITING: Final = 200
"""Questions that wait for a thread; more are refused."""

Answer = Callable[["Call"], Any]


class Call:
    """One question while it is asked. ``breaks`` interrupts what a thread does for it."""

    def __init__(self) -> None:
        self.is_given_up = False
        self._breaks: Callable[[], None] | None = None
        self._lock = threading.Lock()

    def begin(self, breaks: Callable[[], None]) -> None:
        """In the thread: from now on ``breaks`` interrupts it; ArchiveUnavailable when nobody waits."""
        with self._lock:
            if self.is_given_up:
                raise ArchiveUnavailable("nobody waits for this any more")
            self._breaks = breaks

    def end(self) -> None:
        """In the thread: what comes now is another's."""
        with self._lock:
            self._breaks = None

    def give_up(self) -> None:
        """Nobody waits any more: a thread that hangs is needed for others."""
        with self._lock:
            self.is_given_up = True
            if self._breaks is not None:
                self._breaks()


class Calls:
    """Threads for questions of one kind; with one thread they are answered one after another."""

    def __init__(self, reactor: Any, name: str, threads: int) -> None:
        self._reactor = reactor
        self._pool = ThreadPool(minthreads=0, maxthreads=threads, name=f"archive-{name}")
        self._pending: set[Call] = set()

    def start(self) -> None:
        """Take questions."""
        self._pool.start()

    def stop(self) -> None:
        """Take no more; those under way are given up."""
        for call in list(self._pending):
            call.give_up()
        if self._pool.started and not self._pool.joined:
            self._pool.stop()

    def ask(self, answer: Answer, seconds: float | None) -> Deferred[Any]:
        """What ``answer`` returns, which is called in a thread. ArchiveUnavailable when that takes longer
        than ``seconds`` (None: as long as it takes); then it may have happened or not."""
        if not self._pool.started or self._pool.joined:
            return fail(ArchiveUnavailable("the archive was let go"))
        if len(self._pending) >= MOST_WAITING:
            return fail(ArchiveUnavailable("too much is waiting for the archive"))
        call = Call()
        self._pending.add(call)
        asked = deferToThreadPool(self._reactor, self._pool, answer, call)
        if seconds is not None:
            asked.addTimeout(seconds, self._reactor)
        return asked.addBoth(self._over, call)

    def _over(self, result: Any, call: Call) -> Any:
        self._pending.discard(call)
        error = getattr(result, "value", None)
        if isinstance(error, TimeoutError | CancelledError):
            call.give_up()
            why = "no answer within the deadline" if isinstance(error, TimeoutError) else "the caller gave up"
            raise ArchiveUnavailable(why) from None
        return result
