"""Erasures that the store forgot, as it was brought back from before or failed over, are ordered again."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Protocol

from twisted.logger import Logger

from tfserver.person import Known
from tfserver.store.archive.erased import Erased
from tfserver.store.people.directory import Directory
from tfserver.store.people.erasures import Asked, Erasures

ACTOR: Final = "archive"
REASON: Final = "the store is older than this erasure: it is done again"


class Journal(Protocol):
    """What the archive remembers of erasures."""

    async def note_erasure(self, erased: Erased) -> None:
        """Remember one."""

    async def erasures(self) -> list[Erased]:
        """All that are remembered."""

    async def forget_erasures(self, before_ms: int) -> int:
        """Forget those that were ordered before this moment."""


class Repeating:
    """Compares what the archive remembers with what the store knows."""

    _log = Logger()

    def __init__(
        self,
        journal: Journal,
        erasures: Erasures,
        directory: Directory,
        places: tuple[tuple[str, ...], dict[str, str]],
    ) -> None:
        self._journal = journal
        self._erasures = erasures
        self._directory = directory
        self._clear, self._keep = places

    async def repeat(self) -> int:
        """Order again what the store does not know; how many that were."""
        count = 0
        for erased in await self._journal.erasures():
            if await self._erasures.get(erased.id) is None and await self._is_same(erased):
                asked = Asked(id=erased.id, enrollid=erased.enrollid, actor=ACTOR, reason=REASON)
                _, is_new = await self._erasures.order(asked, self._clear, self._keep)
                count += is_new
        if count:
            self._log.warn("{count} erasures that the store had forgotten are done again", count=count)
        return count

    async def _is_same(self, erased: Erased) -> bool:
        """Whether the number is not that of somebody who came after the erasure."""
        known: Known | None = await self._directory.get(erased.enrollid)
        if known is None or not known.person.created:
            return True
        return datetime.fromisoformat(known.person.created).timestamp() * 1000 <= erased.ordered
