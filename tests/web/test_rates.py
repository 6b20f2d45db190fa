"""How often somebody may ask."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tfserver.web.rates import AT_ONCE, Rates


class RateTests(SynchronousTestCase):
    """Five a second."""

    def setUp(self) -> None:
        """Nobody has asked yet."""
        self.clock = Clock()
        self.rates = Rates(self.clock, 5, 3)

    def taken(self, key: str, tries: int = 1000) -> int:
        """How many of these tries were let through."""
        return sum(self.rates.take(key) == 0 for _ in range(tries))

    def test_at_once(self) -> None:
        """Ten times as many may come at once, and no more; each key has its own."""
        self.assertEqual(self.taken("a"), 5 * AT_ONCE)
        self.assertEqual(self.taken("b"), 5 * AT_ONCE)

    def test_again(self) -> None:
        """As time goes by as many come through as there may be in a second, however many try."""
        self.taken("a")
        for _ in range(20):
            self.clock.advance(1)
            self.assertEqual(self.taken("a"), 5)

    def test_when(self) -> None:
        """Who is refused learns when there is room for one more; refusals make that no later."""
        self.taken("a")
        wait = self.rates.take("a")
        self.assertAlmostEqual(wait, 0.2)
        self.clock.advance(wait)
        self.assertEqual(self.taken("a"), 1)

    def test_not_saved_up(self) -> None:
        """Who does not ask for long gets no more than ten seconds' worth."""
        self.clock.advance(3600)
        self.assertEqual(self.taken("a"), 5 * AT_ONCE)

    def test_bounded(self) -> None:
        """As many keys are remembered as there may be; those that are as if new go first."""
        self.taken("busy")
        self.rates.take("once")
        self.rates.take("twice")
        self.clock.advance(0.5)
        self.rates.take("new")
        self.assertLessEqual(len(self.rates), 3)
        self.assertEqual(self.taken("busy"), 2, "it was forgotten how often it had asked")
        for number in range(100):
            self.rates.take(f"key {number}")
            self.assertLessEqual(len(self.rates), 3)
