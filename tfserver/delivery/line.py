"""What comes next for one webhook: read from a feed, filtered, in order, a little ahead of what is sent."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from itertools import islice
from typing import Final

import msgspec
from twisted.logger import Logger

from tfserver.delivery.message import Message, Wanted
from tfserver.store.deliveries import Entry

PAGE: Final = 250
"""Entries read at once: they are looked at in one turn of the reactor."""
MOST_PAGES: Final = 8
"""Pages of entries that are for others which are passed over before something else gets its turn."""
MOST_BYTES: Final = 2_000_000
"""Of one request."""

Read = Callable[[str, int], Awaitable[Sequence[Entry]]]
Make = Callable[[str, str, Wanted], Message | None]


class Line:
    """``cursor`` is the place as the store has it, ``scanned`` the one up to which all was read."""

    _log = Logger()

    def __init__(self, name: str, cursor: str, read: Read, make: Make, wanted: Wanted) -> None:
        self.name = name
        self.cursor = cursor
        self.scanned = cursor
        self.is_at_end = False
        """Whether the last page that was read was not full: what comes next is yet to come."""
        self._read = read
        self._make = make
        self._wanted = wanted
        self._ready: deque[Message] = deque()

    def __len__(self) -> int:
        """How many messages are ready."""
        return len(self._ready)

    @property
    def head(self) -> str | None:
        """The place of the message that stands first."""
        return self._ready[0].place if self._ready else None

    async def fill(self, most: int) -> None:
        """Read on until so many messages are ready, or nothing more is there for now."""
        for _ in range(MOST_PAGES):
            if len(self._ready) >= most:
                return
            page = await self._read(self.scanned, PAGE)
            self.is_at_end = len(page) < PAGE
            self._ready += filter(None, [self._message(*entry) for entry in page])
            if page:
                self.scanned = page[-1][0]
            if self.is_at_end:
                return

    def _message(self, place: str, body: str) -> Message | None:
        try:
            return self._make(place, body, self._wanted)
        except msgspec.MsgspecError as wrong:
            # it will never become readable, and everything behind it would wait for that
            self._log.error(
                "{name} at {place} can't be read: {wrong}", name=self.name, place=place, wrong=wrong
            )
            return None

    def some(self, most: int, begin: int = 0) -> Sequence[Message]:
        """Up to ``most`` messages that are ready, without the first ``begin``; they stay."""
        found: list[Message] = []
        size = 0
        for message in islice(self._ready, begin, begin + most):
            size += len(message.text)
            if found and size > MOST_BYTES:
                break
            found.append(message)
        return found

    def after(self, count: int) -> str:
        """Where the cursor may go when the first messages are settled: also behind what is for others."""
        return self.scanned if count == len(self._ready) else self._ready[count - 1].place

    def forget(self, count: int) -> None:
        """The first messages are settled."""
        for _ in range(count):
            self._ready.popleft()
