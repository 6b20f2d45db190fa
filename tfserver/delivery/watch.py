"""How full the store is and how far the archive is behind: every process looks, in metrics and log."""

from __future__ import annotations

from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from tfserver.errors import StoreError
from tfserver.metrics import Metrics
from tfserver.store.archive.database import Archive
from tfserver.store.archived import Archived

LOOK_SECONDS: Final = 5.0
ALARM: Final = 0.7
"""Of the memory that the store may have."""
OVER: Final = 0.65


class Watch:
    """The alarm for memory, and the archive's gauges."""

    _log = Logger()

    def __init__(self, reactor: Any, archive: Archive, archived: Archived, metrics: Metrics) -> None:
        self.is_short_of_room = False
        """Whether the store holds so much that whatever is archived has to go."""
        self._archive = archive
        self._archived = archived
        self._metrics = metrics
        self._looking = LoopingCall(self.look)
        self._looking.clock = reactor
        self._under_way: Deferred[Any] | None = None

    async def start(self) -> None:
        """Look now and then."""
        self._under_way = self._looking.start(LOOK_SECONDS)

    async def stop(self) -> None:
        """Look no more."""
        if self._looking.running:
            self._looking.stop()

    async def look(self) -> None:
        """Look once; a store that is away is told elsewhere."""
        try:
            memory = await self._archived.memory()
            look = await self._archived.look()
        except StoreError:
            return
        except Exception:
            self._log.failure("our own mistake while looking after the archive")
            return
        metrics = self._metrics
        metrics.store_memory = memory.share
        metrics.archive_up = not self._archive.problem and look.archive in ("", self._archive.id)
        metrics.archive_lag, metrics.archive_lag_seconds = look.lag, look.lag_ms / 1000
        self._alarm(memory.share, look.lag)

    def _alarm(self, share: float, lag: int) -> None:
        if share >= ALARM and not self.is_short_of_room:
            self.is_short_of_room = True
            told = "the store's memory is {share:.0%} full, {lag} punches wait for the archive: all others go"
            self._log.warn(told, share=share, lag=lag)
        elif share < OVER and self.is_short_of_room:
            self.is_short_of_room = False
            self._log.info("the store has room again: its memory is {share:.0%} full", share=share)
