"""Things that fall due at random moments."""

from __future__ import annotations

from itertools import pairwise

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.offering import Offer


class OfferTests(SynchronousTestCase):
    """An offer of a hundred a second, from moment 0."""

    def offered(self, is_free: bool = True) -> tuple[Offer, list[float]]:
        """The offer, and the moments that it told."""
        told: list[float] = []

        def act(since: float) -> bool:
            """Note the moment."""
            if is_free:
                told.append(since)
            return is_free

        offer = Offer(100.0, act)
        offer.due = 0.0
        return offer, told

    def test_rate(self) -> None:
        """In the mean as many as it says, at uneven moments, each told with when it was due."""
        offer, told = self.offered()
        offer.turn(10.0)
        self.assertTrue(900 <= len(told) <= 1100, len(told))
        self.assertEqual(told, sorted(set(told)))
        gaps = [after - before for before, after in pairwise(told)]
        self.assertLess(min(gaps), 0.001)
        self.assertGreater(max(gaps), 0.03)
        self.assertTrue(told[-1] <= 10.0 < offer.due)

    def test_not_before(self) -> None:
        """Nothing is done before it is due, however often one looks."""
        offer, told = self.offered()
        offer.turn(0.0)
        self.assertEqual(told, [0.0])
        offer.turn(offer.due - 0.0001)
        self.assertEqual(told, [0.0])

    def test_none_is_free(self) -> None:
        """What can't be done stays due from the same moment on."""
        offer, told = self.offered(is_free=False)
        offer.turn(5.0)
        self.assertEqual((told, offer.due), ([], 0.0))
