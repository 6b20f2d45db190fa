"""Counts the terminals of this process for the fleet's gauges, and reads those of all, once in a while."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from twisted.internet import task
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from tfserver.commands.context import Services
from tfserver.errors import StoreError
from tfserver.gateway.link import Link
from tfserver.model import SUSPECT_DRIFT_MS
from tfserver.store.headcount import SILENT_MS, Own

EVERY_SECONDS: Final = 10.0


class Counting:
    """The gauges of the fleet, for the terminals of ``by_sn``."""

    _log = Logger()

    def __init__(self, reactor: Any, services: Services, by_sn: Mapping[str, Link]) -> None:
        self._services = services
        self._by_sn = by_sn
        self._headcount = services.store.terminals.headcount
        self._loop = task.LoopingCall(self._turn)
        self._loop.clock = reactor

    def start(self) -> None:
        """Count now, and again and again."""
        self._loop.start(EVERY_SECONDS)

    async def stop(self) -> None:
        """Count no more; what this process had is not there any more."""
        if self._loop.running:
            self._loop.stop()
        try:
            await self._headcount.leave()
        except StoreError:
            return

    async def count(self) -> None:
        """One round. StoreError: the numbers are those of the round before."""
        now = self._services.present.read().ms
        sns = list(self._by_sn)
        silent = await self._headcount.silent(sns, now - SILENT_MS) if sns else 0
        suspect = sum(map(_is_suspect, self._by_sn.values()))
        await self._headcount.tell(Own(len(sns), silent, suspect))
        self._services.metrics.fleet = await self._headcount.sum(now)

    def _turn(self) -> Deferred[None]:
        counting = Deferred.fromCoroutine(self.count())
        counting.addErrback(lambda failure: failure.trap(StoreError) and None)
        counting.addErrback(lambda failure: self._log.failure("our own mistake in counting", failure=failure))
        return counting


def _is_suspect(link: Link) -> bool:
    timeline = link.context.timeline
    return bool(timeline) and abs(timeline[-1].drift) >= SUSPECT_DRIFT_MS
