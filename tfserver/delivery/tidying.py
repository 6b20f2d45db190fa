"""What whoever archives does besides: trims the stream, forgets by rule, keeps the list of terminals."""

from __future__ import annotations

from typing import Any, Final

from tfserver.config import Archive as ArchiveSettings
from tfserver.delivery.watch import Watch
from tfserver.model import Terminal
from tfserver.store.archive.database import Archive
from tfserver.store.archive.tables import instant_of
from tfserver.store.archived import MOST_TRIMMED, Archived
from tfserver.store.terminals import Terminals

TRIM_SECONDS: Final = 1.0
RETENTION_SECONDS: Final = 600.0
TERMINALS_SECONDS: Final = 300.0
SCANNED: Final = 1000
"""Rows that retention looks at in one transaction."""
MOST_BATCHES: Final = 10
"""Of retention, until punches are looked after again."""
PAGE: Final = 200
DAY_MS: Final = 86_400_000


class Tidying:
    """The side work of the process whose turn it is."""

    def __init__(
        self,
        archive: Archive,
        archived: Archived,
        terminals: Terminals,
        watch: Watch,
        settings: ArchiveSettings,
    ) -> None:
        self._archive = archive
        self._archived = archived
        self._terminals = terminals
        self._watch = watch
        self._keep_days = settings.keep_days
        self._next = dict.fromkeys((self._trim, self._forget, self._list), 0.0)

    async def tidy(self, now: float) -> bool:
        """Do what is due; whether there is more to do at once."""
        more = False
        for work, due in list(self._next.items()):
            if now >= due:
                wait = await work()
                self._next[work] = now + wait
                more = more or wait == 0
        return more

    async def _trim(self) -> float:
        is_short = self._watch.is_short_of_room
        gone = await (self._archived.trim_all() if is_short else self._archived.trim())
        return 0 if gone is not None and gone >= MOST_TRIMMED // 2 else TRIM_SECONDS

    async def _forget(self) -> float:
        """Retention by days since arrival, by the store's clock."""
        if not self._keep_days:
            return RETENTION_SECONDS
        now_ms = (await self._archived.look()).now_ms
        for kind, days in self._keep_days.items():
            for _ in range(MOST_BATCHES):
                _, more = await self._archive.forget(kind.value, now_ms - days * DAY_MS, SCANNED)
                if not more:
                    break
            else:
                return 0
        return RETENTION_SECONDS

    async def _list(self) -> float:
        now = instant_of((await self._archived.look()).now_ms)
        after = ""
        while found := await self._terminals.page(after, PAGE):
            await self._archive.keep_terminals([_row(terminal, now) for terminal in found])
            after = found[-1].sn
        return TERMINALS_SECONDS


def _row(terminal: Terminal, now: str) -> dict[str, Any]:
    told = {"sn": terminal.sn, "name": terminal.name, "site": terminal.site, "timezone": terminal.timezone}
    return {**told, "now": now}
