"""Wakes those who have delivered everything when something new arrives, whichever process kept it.

One question to the store, which answers when there is something, serves all of them; at rest it costs a
call every few seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol

from twisted.internet import task
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger

from tfserver.errors import StoreError, StoreUnavailable

PACE_SECONDS: Final = 0.01
"""Between two questions, so that a stream that never rests is not asked about each of its entries."""
AGAIN_SECONDS: Final = 0.05
"""Without a connection a question fails at once; the first one of a process always does."""


class Waits(Protocol):
    """What can tell that something arrived."""

    async def arrived(self, places: dict[str, str]) -> set[str]:
        """Wait for a while until there is something behind one of these places; the names of those."""


class Arrivals:
    """Everybody who waits, each with the places that he has read up to."""

    _log = Logger()

    def __init__(self, reactor: Any, store: Waits) -> None:
        self._reactor = reactor
        self._store = store
        self._waiting: dict[Callable[[], None], dict[str, str]] = {}
        self._asked: dict[str, str] = {}
        self._asking: Deferred[None] | None = None
        self._rests = False
        self._is_stopped = False

    def watch(self, woken: Callable[[], None], places: dict[str, str]) -> None:
        """Call ``woken`` once there is something behind one of these places, by the names of the cursors."""
        self._waiting[woken] = places
        if self._asking is None:
            self._asking = Deferred.fromCoroutine(self._ask())
            self._asking.addErrback(lambda failure: failure.trap(CancelledError))
        elif not self._rests and self._is_passed(places):
            # once is enough: what he has not read by then arrives later than the question was asked
            self._reactor.callLater(PACE_SECONDS, self._wake_one, woken)

    def forget(self, woken: Callable[[], None]) -> None:
        """Whoever waited has something else to do."""
        self._waiting.pop(woken, None)

    def stop(self) -> None:
        """Wake nobody any more."""
        self._is_stopped = True
        self._waiting.clear()
        if self._asking is not None:
            self._asking.cancel()

    def _is_passed(self, places: dict[str, str]) -> bool:
        """Whether the question under way may not tell of what is behind one of these places."""
        new = {name: place for name, place in places.items() if name not in self._asked}
        self._asked.update(new)
        return bool(new) or any(
            order_of(place) < order_of(self._asked[name]) for name, place in places.items()
        )

    def _wake_one(self, woken: Callable[[], None]) -> None:
        if self._waiting.pop(woken, None) is not None:
            woken()

    async def _ask(self) -> None:
        try:
            while self._waiting:
                self._asked = _lowest(list(self._waiting.values()))
                found = await self._arrived()
                concerned = [woken for woken, places in self._waiting.items() if found & places.keys()]
                for woken in concerned:
                    self._wake_one(woken)
                await self._rest(PACE_SECONDS)
        finally:
            self._asking = None

    async def _arrived(self) -> set[str]:
        try:
            return await self._store.arrived(self._asked)
        except StoreUnavailable:
            await self._rest(AGAIN_SECONDS)
        except StoreError:
            self._log.failure("our own mistake in waiting for what arrives")
            await self._rest(AGAIN_SECONDS)
        return set()

    async def _rest(self, seconds: float) -> None:
        if self._is_stopped:
            return
        # who comes meanwhile is part of the next question
        self._rests = True
        try:
            await task.deferLater(self._reactor, seconds)
        finally:
            self._rests = False


def order_of(place: str) -> tuple[int, int]:
    """Places in their order."""
    ms, _, number = place.partition("-")
    return int(ms), int(number or 0)


def _lowest(every: list[dict[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for places in every:
        for name, place in places.items():
            if name not in found or order_of(place) < order_of(found[name]):
                found[name] = place
    return found
