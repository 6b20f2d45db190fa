"""Looking at photos and mending them: in threads, few at a time, and no terminal waits for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from twisted.internet.defer import Deferred, DeferredSemaphore

from tfserver.commands.photos import Mended, Seen, look_at, mend

AT_ONCE: Final = 1
"""One has up to a hundred megabytes in hand, and a processor for a second."""
MOST_WAITING: Final = 8

T = TypeVar("T")
InThread = Callable[..., "Deferred[Any]"]
"""Calls a function in a thread: ``deferToThread``."""


class Crowded(Exception):
    """Too many photos wait already."""

    def __init__(self) -> None:
        super().__init__("too many photos are being looked at: come again in a moment")


class Darkroom:
    """Looks at one photo after the other."""

    def __init__(self, in_thread: InThread) -> None:
        self._in_thread = in_thread
        self._turn = DeferredSemaphore(AT_ONCE)

    async def look_at(self, jpeg: bytes, most_bytes: int) -> Seen:
        """Everything that is wrong with a photo. Raises Crowded."""
        found: Seen = await self._called(look_at, jpeg, most_bytes)
        return found

    async def mend(self, jpeg: bytes, most_bytes: int) -> Mended | None:
        """Make it fit; None when it can't be. Raises Crowded."""
        found: Mended | None = await self._called(mend, jpeg, most_bytes)
        return found

    async def _called(self, function: Callable[..., Any], *args: Any) -> Any:
        if len(self._turn.waiting) >= MOST_WAITING:
            raise Crowded
        return await self._turn.run(self._in_thread, function, *args)
