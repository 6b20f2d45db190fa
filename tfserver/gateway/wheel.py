"""Links by the second in which their turn comes: a few bytes each, no timer, and no order to be kept."""

from __future__ import annotations

import math
from collections.abc import Callable

from tfserver.gateway.link import Link


class Wheel:
    """``now`` is monotonic seconds wherever it is taken. Nobody tells of a link that is gone: it is found out
    when its turn comes, or when there are too many of them."""

    def __init__(self, now: float) -> None:
        self.count = 0
        self._turned = math.floor(now)
        self._at: dict[int, list[Link]] = {}

    def add(self, link: Link, due: float) -> None:
        """Its turn comes at ``due``, or within a second after it."""
        second = max(self._turned + 1, math.ceil(due))
        self._at.setdefault(second, []).append(link)
        self.count += 1

    def due(self, now: float) -> list[Link]:
        """Those whose turn has come since it was asked last."""
        found: list[Link] = []
        if self._at:
            for second in range(self._turned + 1, math.floor(now) + 1):
                found += self._at.pop(second, ())
        self._turned = math.floor(now)
        self.count -= len(found)
        return found

    def keep(self, lives: Callable[[Link], bool], most: int) -> None:
        """With more than ``most`` links forget those that are gone."""
        if self.count <= most:
            return
        for second, links in list(self._at.items()):
            links[:] = filter(lives, links)
            if not links:
                del self._at[second]
        self.count = sum(map(len, self._at.values()))
