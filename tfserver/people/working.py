"""Doing errands: as many at once as are allowed, each under a lease that is renewed while it is done."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from typing import Any, Final

from twisted.internet import task
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from tfserver.errors import StoreError
from tfserver.store.errands import LEASE_MS, WORD, Errands

LOOK_SECONDS: Final = 2.0
"""How often is looked for errands, should no wake-up reach us."""
RENEW_SECONDS: Final = LEASE_MS / 3000
AGAIN_SECONDS: Final = (1.0, 60.0)
"""From the first to the longest wait until an errand that failed is tried again."""
STOP_SECONDS: Final = 2.0
MOST_COUNTED: Final = 10_000
"""Errands whose failures in a row are remembered."""

Do = Callable[[str], Awaitable[float | None]]
"""Does one errand by its name: None when it is over, or in how many seconds to come again. It has to be
harmless to do again, and may be cancelled at any await."""


class Worker:
    """Takes errands of one kind and does them. ``reactor`` gives time and delayed calls."""

    _log = Logger()

    def __init__(self, reactor: Any, errands: Errands, do: Do, at_once: int) -> None:
        self._reactor = reactor
        self._errands = errands
        self._do = do
        self._at_once = at_once
        self._token = uuid.uuid4().hex
        self._busy: dict[str, Deferred[None]] = {}
        self._failures: dict[str, int] = {}
        self._pause: Deferred[None] | None = None
        self._woken = False
        self._is_over = False
        self._running: Deferred[None] | None = None
        self._renewing = task.LoopingCall(self._renew)
        self._renewing.clock = reactor

    async def start(self) -> None:
        """Begin."""
        self._running = Deferred.fromCoroutine(self._run())
        self._renewing.start(RENEW_SECONDS, now=False)

    async def stop(self) -> None:
        """Leave what is under way to others, at once."""
        self._is_over = True
        if self._renewing.running:
            self._renewing.stop()
        for done in list(self._busy.values()):
            done.cancel()
        self.wake()
        deadline = self._reactor.seconds() + STOP_SECONDS
        while self._busy and self._reactor.seconds() < deadline:
            await task.deferLater(self._reactor, 0.01)

    def heard(self, message: str) -> bool:
        """A wake-up from this or another process; whether it was for this kind of errands."""
        if message != WORD + self._errands.kind:
            return False
        self.wake()
        return True

    def wake(self) -> None:
        """Look for errands now."""
        self._woken = True
        if self._pause is not None:
            self._pause.cancel()

    async def _run(self) -> None:
        while not self._is_over:
            self._woken = False
            wait = LOOK_SECONDS
            room = self._at_once - len(self._busy)
            if room > 0:
                try:
                    names, due = await self._errands.claim(self._token, room)
                    for name in names:
                        self._begin(name)
                    wait = LOOK_SECONDS if due is None else min(max(due, 0.01), LOOK_SECONDS)
                except StoreError as away:
                    self._log.info("errands wait for the store: {away}", away=str(away))
                except Exception:
                    self._log.failure("our own mistake while looking for errands")
            await self._sleep(wait)

    def _begin(self, name: str) -> None:
        if name in self._busy or self._is_over:
            return
        done = Deferred.fromCoroutine(self._one(name))
        if not done.called:
            self._busy[name] = done
        done.addErrback(self._ended_badly, name)

    def _ended_badly(self, failure: Failure, name: str) -> None:
        """Its lease ends by itself, and it is done again; who stops may cancel even the telling of it."""
        if not failure.check(CancelledError):
            self._log.failure("our own mistake at the end of {name}", failure, name=name)

    async def _one(self, name: str) -> None:
        seconds: float | None = 0.0
        try:
            seconds = await self._do(name)
            self._failures.pop(name, None)
        except CancelledError:
            seconds = 0.0
        except StoreError as away:
            seconds = self._failed(name)
            self._log.info("{name} waits for the store: {away}", name=name, away=str(away))
        except Exception:
            seconds = self._failed(name)
            told = "our own mistake in the errand {kind} {name}"
            self._log.failure(told, kind=self._errands.kind, name=name)
        finally:
            self._busy.pop(name, None)
        await self._end(name, seconds)

    async def _end(self, name: str, seconds: float | None) -> None:
        try:
            await self._errands.end(self._token, name, seconds)
        except StoreError as away:
            # its lease ends by itself, and it is done again
            self._log.info("the end of {name} could not be told: {away}", name=name, away=str(away))
        if not self._is_over:
            self.wake()

    def _failed(self, name: str) -> float:
        """How long to wait until it is tried again."""
        if len(self._failures) >= MOST_COUNTED:
            self._failures.clear()
        count = self._failures[name] = self._failures.get(name, 0) + 1
        return float(min(AGAIN_SECONDS[0] * 2 ** min(count - 1, 10), AGAIN_SECONDS[1]))

    async def _renew(self) -> None:
        if not self._busy:
            return
        try:
            lost = await self._errands.renew(self._token, list(self._busy))
        except StoreError:
            return
        except Exception:
            # a loop that failed once renews nothing any more
            self._log.failure("our own mistake while leases are renewed")
            return
        for name in lost:
            if name in self._busy:
                self._busy[name].cancel()

    async def _sleep(self, seconds: float) -> None:
        if self._woken or self._is_over:
            return
        self._pause = task.deferLater(self._reactor, seconds)
        try:
            await self._pause
        except CancelledError:
            pass
        finally:
            self._pause = None
