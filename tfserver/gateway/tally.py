"""How far the records of this process's terminals are whole, summed up for the metrics once in a while."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from tfserver.commands.context import Services
from tfserver.errors import StoreError

EVERY_SECONDS: Final = 60.0
"""Marks move once an hour; nobody has to know to the second."""


class Tally:
    """Sums up the terminals of ``by_sn``, one sum at a time."""

    _log = Logger()

    def __init__(self, services: Services, by_sn: dict[str, Any], clock: Callable[[], float]) -> None:
        self._services = services
        self._by_sn = by_sn
        self._clock = clock
        self._next = clock()
        self._is_summing = False

    def sweep(self) -> None:
        """Sum up when it is time to."""
        if self._clock() < self._next or self._is_summing:
            return
        self._next, self._is_summing = self._clock() + EVERY_SECONDS, True
        Deferred.fromCoroutine(self._sum()).addErrback(self._failed).addBoth(self._is_over)

    async def _sum(self) -> None:
        services = self._services
        found = await services.store.terminals.marks.sum(list(self._by_sn))
        metrics, earliest = services.metrics, found.earliest_ms
        now = services.present.read().ms
        metrics.completeness_seconds = 0.0 if earliest is None else max(0.0, (now - earliest) / 1000)
        metrics.without_completeness, metrics.gaps = found.without, found.gaps

    def _failed(self, failure: Failure) -> None:
        """The store is away: the next time will do."""
        if failure.check(StoreError) is None:
            self._log.failure("our own mistake while marks were summed up", failure=failure)

    def _is_over(self, _: object) -> None:
        self._is_summing = False
