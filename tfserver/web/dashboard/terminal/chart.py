"""How much room was used, day by day, as lines of a chart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final, NamedTuple

from tfserver.capacity import Sample

WIDTH: Final = 320
HEIGHT: Final = 80
LEAST: Final = 2
"""Of days: a line has two ends."""
MOST_DAYS: Final = 90


class Line(NamedTuple):
    """One kind over time: points for a polyline in a box of ``WIDTH`` by ``HEIGHT``, and the days that they
    stand for, the newest first."""

    kind: str
    points: str
    days: Sequence[Sample]
    size: int


def lines(history: Mapping[str, Sequence[Sample]]) -> list[Line]:
    """A line for each kind of which something is known on two days at least."""
    return [
        _line(kind, samples[-MOST_DAYS:])
        for kind, samples in history.items()
        if len(samples) >= LEAST and any(each.size for each in samples)
    ]


def _line(kind: str, samples: Sequence[Sample]) -> Line:
    size = max(max(each.size, each.used) for each in samples)
    begin, end = samples[0].day, samples[-1].day
    points = " ".join(f"{_across(each.day, begin, end):.1f},{_up(each.used, size):.1f}" for each in samples)
    return Line(kind, points, [*reversed(samples)], size)


def _across(day: date, begin: date, end: date) -> float:
    return WIDTH * (day - begin).days / max(1, (end - begin).days)


def _up(used: int, size: int) -> float:
    return HEIGHT - HEIGHT * used / size
