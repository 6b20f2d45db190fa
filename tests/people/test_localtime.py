"""What the clocks of terminals show."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tfserver.model import Terminal
from tfserver.people.localtime import clocks

NEW_YEAR = 1_767_225_600
"""2026-01-01 00:00:00 in UTC."""


class ClocksTests(SynchronousTestCase):
    """By the zones that people chose."""

    def test_zones(self) -> None:
        """Each terminal in its own zone, others in the usual one, as the clock goes on."""
        clock = Clock()
        clock.advance(NEW_YEAR)
        local_of = clocks(clock, "Asia/Tokyo")
        self.assertEqual(local_of(Terminal("T1")), "2026-01-01 09:00:00")
        self.assertEqual(local_of(Terminal("T2", timezone="America/New_York")), "2025-12-31 19:00:00")
        clock.advance(61)
        self.assertEqual(local_of(Terminal("T1")), "2026-01-01 09:01:01")
