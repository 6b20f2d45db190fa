"""Things that fall due at random moments, whatever becomes of those before them: an open loop."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from benchmarks.crowd import Crowd


class Offer:
    """``act`` is due ``rate`` times a second in the mean (Poisson), and is told since when.

    It returns False when nothing can be done now; then it stays due.
    """

    def __init__(self, rate: float, act: Callable[[float], bool]) -> None:
        self.due = time.perf_counter()
        self._rate = rate
        self._act = act
        self._chance = random.Random(1)

    def turn(self, now: float) -> None:
        """Do what is due by now."""
        while self.due <= now and self._act(self.due):
            self.due += self._chance.expovariate(self._rate)


def offer_until(crowd: Crowd, offers: list[Offer], is_over: Callable[[float], bool]) -> None:
    """Let everything happen at its time, until ``is_over`` says of the present that it is enough."""
    while not is_over(now := time.perf_counter()):
        for offer in offers:
            offer.turn(now)
        crowd.turn(min(offer.due for offer in offers) - time.perf_counter())
