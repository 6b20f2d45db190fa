"""How many connections an address may have, begin and make (limits.per_address, handshakes_per_second)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable
from functools import lru_cache
from typing import Final

from tfserver.config import LimitSettings
from tfserver.networks import Networks, address_of, household_of

BURST_SECONDS: Final = 10.0
"""So many seconds' worth of handshakes may come at once: a site whose line was down comes back together."""
MOST_REMEMBERED: Final = 65_536
TOO_MANY: Final = "too many connections from this address"
TOO_FAST: Final = "too many new connections from this address"
UNFINISHED: Final = "too many unfinished connections from this address"


class Doorkeeper:
    """Counts connections by where they come from; an IPv6 device has 64 bits of addresses to itself, so these
    count as one.

    Exempt networks, and peers without an address (Unix sockets), have no bounds. ``seconds`` is a clock.
    """

    def __init__(self, limits: LimitSettings, seconds: Callable[[], float]) -> None:
        self._per_address = limits.per_address
        self._interval = 1.0 / limits.handshakes_per_second
        self._most_unfinished = round(BURST_SECONDS * limits.handshakes_per_second)
        self._exempt = Networks(limits.exempt)
        self.household: Callable[[str], str] = lru_cache(4096)(self._household)
        """Under which name an address is counted; empty: it is not."""
        self._seconds = seconds
        self._open: Counter[str] = Counter()
        self._unfinished: Counter[str] = Counter()
        self._beginning: dict[Hashable, str] = {}
        self._paid_until: dict[str, float] = {}
        """By household: when it may make as many again as at first. The least recent stands first."""

    def _household(self, address: str) -> str:
        found = address_of(address)
        if found is None or self._exempt.hold(found):
            return ""
        return household_of(found)

    def begins(self, connection: Hashable, address: str) -> str | None:
        """A connection was accepted, its handshake not done: why it can't stay, or None."""
        who = self.household(address)
        if not who:
            return None
        if self._unfinished[who] >= self._most_unfinished:
            return UNFINISHED
        self._beginning[connection] = who
        self._unfinished[who] += 1
        return None

    def began(self, connection: Hashable) -> None:
        """Its handshake is done, refused, or never came."""
        who = self._beginning.pop(connection, "")
        if who:
            _take_one(self._unfinished, who)

    def enters(self, address: str) -> str | None:
        """Somebody asks to come in: why it can't, or None; from then on it counts."""
        who = self.household(address)
        if not who:
            return None
        if self._open[who] >= self._per_address:
            return TOO_MANY
        if not self._is_slow(who):
            return TOO_FAST
        self._open[who] += 1
        return None

    def leaves(self, address: str) -> None:
        """A connection that came in ended."""
        who = self.household(address)
        if who:
            _take_one(self._open, who)

    def _is_slow(self, who: str) -> bool:
        now = self._seconds()
        # a clock that was set back must not shut anybody out for longer than a burst takes
        until = max(now, min(self._paid_until.pop(who, now), now + BURST_SECONDS))
        is_slow = until + self._interval - now <= BURST_SECONDS
        if len(self._paid_until) >= MOST_REMEMBERED:
            del self._paid_until[next(iter(self._paid_until))]
        self._paid_until[who] = until + self._interval if is_slow else until
        return is_slow


def _take_one(counts: Counter[str], who: str) -> None:
    counts[who] -= 1
    if not counts[who]:
        del counts[who]
