"""The archiver gives way to terminals, and not for ever."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tfserver.delivery.archiver import BUSY_PUNCHES, MOST_BEHIND, MOST_FULL, Archiver
from tfserver.metrics import Metrics


class BusyTests(SynchronousTestCase):
    """Terminals come first."""

    def setUp(self) -> None:
        self.clock, self.metrics = Clock(), Metrics()
        nobody: Any = None
        self.archiver = Archiver(self.clock, nobody, nobody, nobody, self.metrics)

    def is_busy(self, pushed: int, **found: float) -> bool:
        """Whether it gives way to so many punches that came within a second."""
        self.clock.advance(1)
        self.metrics.punches["new"] += pushed
        for name, value in found.items():
            setattr(self.metrics, name, value)
        return self.archiver._is_busy()

    def test_gives_way(self) -> None:
        """It rests while terminals push a lot, and only as long: what was pushed earlier does not count."""
        self.assertFalse(self.is_busy(BUSY_PUNCHES - 1))
        self.assertTrue(self.is_busy(BUSY_PUNCHES))
        self.assertFalse(self.is_busy(0))

    def test_not_for_ever(self) -> None:
        """It works on when too much waits, or the store fills up."""
        self.assertFalse(self.is_busy(BUSY_PUNCHES, archive_lag=MOST_BEHIND))
        self.assertFalse(self.is_busy(BUSY_PUNCHES, archive_lag=0, store_memory=MOST_FULL))
        self.assertTrue(self.is_busy(BUSY_PUNCHES, store_memory=0.0))
