"""Turns come in time, and those who are gone take no room."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tfserver.gateway.wheel import Wheel


class WheelTests(SynchronousTestCase):
    """Texts in place of links; it begins at second 100."""

    def setUp(self) -> None:
        """An empty one."""
        self.wheel: Any = Wheel(100.5)

    def test_in_time(self) -> None:
        """A turn comes when it is due, not before, and once."""
        self.wheel.add("a", 103.2)
        self.assertEqual(self.wheel.due(103.9), [])
        self.assertEqual(self.wheel.due(104.0), ["a"])
        self.assertEqual(self.wheel.due(500.0), [])

    def test_looked_at_late(self) -> None:
        """After a long pause all that came meanwhile are told, the earliest first."""
        self.wheel.add("b", 4000.0)
        self.wheel.add("a", 110.0)
        self.wheel.add("c", 1_000_000.0)
        self.assertEqual(self.wheel.due(5000.0), ["a", "b"])
        self.assertEqual(self.wheel.count, 1)

    def test_due_already(self) -> None:
        """One that is due already has its turn at the next look."""
        self.assertEqual(self.wheel.due(200.0), [])
        self.wheel.add("a", 150.0)
        self.assertEqual(self.wheel.due(200.4), [])
        self.assertEqual(self.wheel.due(201.0), ["a"])

    def test_clock_that_stands(self) -> None:
        """Looking twice in a second, or a clock that goes back, tells nobody twice and loses nobody."""
        self.wheel.add("a", 101.0)
        self.assertEqual(self.wheel.due(101.5), ["a"])
        self.wheel.add("b", 101.0)
        self.assertEqual(self.wheel.due(99.0), [])
        self.assertEqual(self.wheel.due(102.0), ["b"])

    def test_gone(self) -> None:
        """Those who are gone are forgotten when there are too many, not before."""
        for n in range(10):
            self.wheel.add(n, 200.0 + n % 3)
        self.wheel.keep(lambda link: link == 7, 10)
        self.assertEqual(self.wheel.count, 10)
        self.wheel.keep(lambda link: link == 7, 9)
        self.assertEqual(self.wheel.count, 1)
        self.assertEqual(self.wheel.due(300.0), [7])
        self.assertEqual(self.wheel.count, 0)
