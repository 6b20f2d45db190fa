"""How many connections people may have: all of them together, and those of one address a share."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from tfserver.metrics import Metrics
from tfserver.web.visitors import Visitors, peer_of

SHARE: Final = 4
"""One address may have the fourth part of all."""


class Crowd:
    """The connections that are open, by the addresses they come from."""

    def __init__(self, most: int, visitors: Visitors, metrics: Metrics) -> None:
        self._most = most
        self._most_of_one = max(1, most // SHARE)
        self._visitors = visitors
        self._metrics = metrics
        self._open: dict[Any, str] = {}
        self._by_household: Counter[str] = Counter()

    def has_room(self, address: Any) -> bool:
        """Whether one more from there may be opened; it is counted when not."""
        household = self._visitors.household(peer_of(address))
        is_free = len(self._open) < self._most
        if is_free and (not household or self._by_household[household] < self._most_of_one):
            return True
        self._metrics.http_refused["connections"] += 1
        return False

    def enter(self, connection: Any, address: Any) -> None:
        """A connection was opened."""
        household = self._visitors.household(peer_of(address))
        self._open[connection] = household
        self._by_household[household] += 1
        self._metrics.http_connections = len(self._open)

    def leave(self, connection: Any) -> None:
        """A connection is over."""
        household = self._open.pop(connection, None)
        if household is not None:
            self._by_household[household] -= 1
            if not self._by_household[household]:
                del self._by_household[household]
            self._metrics.http_connections = len(self._open)
