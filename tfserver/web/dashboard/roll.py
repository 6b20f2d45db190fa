"""All terminals at once, for lists that are searched, filtered and sorted: read in pages, kept a while."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from tfserver.errors import StoreError
from tfserver.model import Terminal
from tfserver.pressure import Pressure
from tfserver.store.terminals import Terminals

PAGE: Final = 200
FRESH_SECONDS: Final = 5.0
"""As long as this nobody minds; then the next who asks makes it be read again."""
STALE_SECONDS: Final = 60.0
"""What is older is shown to nobody: they wait."""
MOST: Final = 100_000


class Roll:
    """One for each process. Rows that are shown are read anew (``Terminals.these``): this finds them."""

    _log = Logger()

    def __init__(self, reactor: Any, terminals: Terminals, pressure: Pressure) -> None:
        self._reactor = reactor
        self._terminals = terminals
        self._pressure = pressure
        self._rows: Sequence[Terminal] = ()
        self._read_at: float | None = None
        self._waiting: list[Deferred[None]] = []
        self._reading: Deferred[None] | None = None

    async def all(self) -> Sequence[Terminal]:
        """All terminals, in the order of their serial numbers, as they were moments ago. StoreError."""
        age = self._age()
        if age >= FRESH_SECONDS and not (self._pressure.is_high and age < STALE_SECONDS):
            self._begin()
        if age >= STALE_SECONDS:
            waiting: Deferred[None] = Deferred()
            self._waiting.append(waiting)
            await waiting
        return self._rows

    def touch(self) -> None:
        """Something was changed here: who asks next waits for what is true now."""
        self._read_at = None

    def _age(self) -> float:
        return STALE_SECONDS if self._read_at is None else self._reactor.seconds() - self._read_at

    def _begin(self) -> None:
        if self._reading is None:
            self._reading = Deferred.fromCoroutine(self._read())
            self._reading.addBoth(self._tell)

    async def _read(self) -> None:
        begun, found, after = self._reactor.seconds(), list[Terminal](), ""
        while len(found) < MOST:
            page = await self._terminals.page(after, PAGE)
            found += page
            if len(page) < PAGE:
                break
            after = page[-1].sn.strip().upper()
        self._rows, self._read_at = found, begun

    def _tell(self, failed: Any) -> None:
        """Whoever waits learns that it was read, or why not."""
        self._reading = None
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            if not each.called:
                each.callback(None) if failed is None else each.errback(failed)
        if failed is not None and not waiting and not failed.check(StoreError):
            self._log.failure("our own mistake in reading all terminals", failed)
