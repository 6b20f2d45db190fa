"""How much room terminals have for people: what stands against an order, and when they will be full."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from itertools import combinations
from statistics import median
from typing import Final, NamedTuple

LEVELS: Final = (80, 95)
"""Percent used from which on people are warned."""
FORECAST_DAYS: Final = 30
"""A forecast looks back so far,"""
LEAST_SAMPLES: Final = 7
"""and needs so many days of it."""
MOST_DAYS_AHEAD: Final = 3650
"""Beyond that nobody can tell."""
WORDS: Final = {
    "user": ("person", "people"),
    "fp": ("fingerprint", "fingerprints"),
    "card": ("card", "cards"),
    "pwd": ("password", "passwords"),
    "face": ("face", "faces"),
    "palm": ("palm", "palms"),
    "log": ("log", "logs"),
}


class Lack(NamedTuple):
    """A kind that does not fit: of ``size`` places ``used`` are taken as far as is known, ``most`` at most,
    ``coming`` more are on their way, and ``needed`` are wanted."""

    kind: str
    size: int
    used: int
    most: int
    coming: int
    needed: int

    @property
    def too_many(self) -> int:
        """How many find no place."""
        return min(self.needed, self.most + self.coming + self.needed - self.size)

    def said(self) -> str:
        """The arithmetic, in words."""
        if not self.size:
            return f"takes no {WORDS[self.kind][1]}"
        maybe, parts = self.most - self.used, [f"takes {_many(self.size, self.kind)}, has {self.used}"]
        if maybe:
            parts.append(f"may have {maybe} more that it told of before its list was read")
        if self.coming:
            are = "is on its way" if self.coming == 1 else "are on their way"
            parts.append(f"{self.coming} more {are}")
        do = "does" if self.needed == 1 else "do"
        return f"{', '.join(parts)}: {self.needed} {do} not fit, {self.too_many} too many"


def refusal(sn: str, lacks: Iterable[Lack]) -> str:
    """Why an order is refused: of each kind without room how much there is, and how much is wanted."""
    return f"terminal {sn} " + "; it ".join(lack.said() for lack in lacks)


def _many(count: int, kind: str) -> str:
    return f"{count} {WORDS[kind][count != 1]}"


class Sample(NamedTuple):
    """How much of one kind was used on a day."""

    day: date
    used: int
    size: int


class Forecast(NamedTuple):
    """How much more is used each day, and in how many days nothing is free; None: not as it goes now."""

    a_day: float
    full_in_days: float | None


def forecast(samples: Sequence[Sample], used: int, size: int, today: date) -> Forecast | None:
    """From how it went in the last ``FORECAST_DAYS``; None when that is too little to go by.

    The slope is the median of those between all pairs of days, so that a day on which many came or went at
    once turns nothing upside down.
    """
    recent = [one for one in samples if 0 <= (today - one.day).days <= FORECAST_DAYS]
    if len(recent) < LEAST_SAMPLES:
        return None
    a_day = median(
        (later.used - one.used) / (later.day - one.day).days for one, later in combinations(recent, 2)
    )
    if used >= size:
        return Forecast(a_day, 0.0)
    ahead = (size - used) / a_day if a_day > 0 else None
    return Forecast(a_day, ahead if ahead is not None and ahead <= MOST_DAYS_AHEAD else None)
