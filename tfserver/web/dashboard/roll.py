"""All terminals at once, for lists that are searched, filtered and sorted: read in pages, kept a while."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from tfserver.errors import StoreError
from tfserver.model import canonical_sn
from tfserver.pressure import Pressure
from tfserver.store.briefs import Brief
from tfserver.store.terminals import Terminals
from tfserver.web.dashboard.listed import Entry, entry_of

PAGE: Final = 250
FRESH_SECONDS: Final = 5.0
"""As long as this nobody minds; then the next who asks makes it be read again."""
STALE_SECONDS: Final = 60.0
"""What is older is shown to nobody: they wait."""
MOST: Final = 100_000
MOST_CHANGED: Final = 500
"""Terminals that are read one by one after a change; with more, all are read."""


class Roll:
    """One for each process. Rows that are shown are read anew (``Terminals.these``): this finds them."""

    _log = Logger()

    def __init__(self, reactor: Any, terminals: Terminals, pressure: Pressure) -> None:
        self._reactor = reactor
        self._terminals = terminals
        self._pressure = pressure
        self._rows: dict[str, Entry] = {}
        self._read_at: float | None = None
        self._waiting: list[Deferred[None]] = []
        self._is_reading = False
        self._changed: set[str] = set()
        self._changed_since: set[str] = set()
        """Those of the reading that is under way: it may have passed them by before."""

    async def all(self) -> Sequence[Entry]:
        """All terminals as they were moments ago, those that changed as they are now. StoreError."""
        age = self._age()
        if age >= STALE_SECONDS:
            waiting: Deferred[None] = Deferred()
            self._waiting.append(waiting)
            self._begin()
            await waiting
        elif age >= FRESH_SECONDS and not self._pressure.is_high:
            self._begin()
        await self._catch_up()
        return [*self._rows.values()]

    def note(self, sns: Iterable[str]) -> None:
        """These were changed: whoever asks next sees how they are now."""
        names = {canonical_sn(sn) for sn in sns}
        self._changed |= names
        self._changed_since |= names
        if len(self._changed) > MOST_CHANGED:
            self._changed.clear()
            self._read_at = None

    def _age(self) -> float:
        return STALE_SECONDS if self._read_at is None else self._reactor.seconds() - self._read_at

    async def _catch_up(self) -> None:
        """Read those that changed; one that is gone is no longer there."""
        names, self._changed = self._changed, set()
        if not names:
            return
        try:
            found = await self._terminals.these_briefs(sorted(names))
        except StoreError:
            self._changed |= names
            raise
        for name in names:
            self._rows.pop(name, None)
        self._rows.update((canonical_sn(each.sn), self._entry(each)) for each in found)

    def _begin(self) -> None:
        if not self._is_reading:
            self._is_reading = True
            self._changed_since = set()
            Deferred.fromCoroutine(self._read()).addBoth(self._tell)

    async def _read(self) -> None:
        begun, found = self._reactor.seconds(), dict[str, Entry]()
        page = await self._terminals.briefs("", PAGE)
        while page:
            is_last = len(page) < PAGE or len(found) + PAGE >= MOST
            # the store reads on while we look at these
            following = None if is_last else self._page(page[-1].sn)
            found.update((canonical_sn(each.sn), self._entry(each)) for each in page)
            page = [] if following is None else await following
        self._rows, self._read_at = found, begun
        self._changed |= self._changed_since

    def _entry(self, terminal: Brief) -> Entry:
        return entry_of(terminal, 1000 * self._reactor.seconds())

    def _page(self, after: str) -> Deferred[list[Brief]]:
        return Deferred.fromCoroutine(self._terminals.briefs(canonical_sn(after), PAGE))

    def _tell(self, failed: Any) -> None:
        """Whoever waits learns that it was read, or why not."""
        self._is_reading = False
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            if each.called:
                continue
            if failed is None:
                each.callback(None)
            else:
                each.errback(failed)
        if failed is not None and not waiting and not failed.check(StoreError):
            self._log.failure("our own mistake in reading all terminals", failed)
