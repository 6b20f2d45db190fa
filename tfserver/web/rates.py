"""How often somebody may ask: so many a second, and ten times as many at once after a pause."""

from __future__ import annotations

from typing import Any, Final

AT_ONCE: Final = 10.0
"""Seconds whose requests may come at once."""
_NOTHING: Final = 1e-6


class Rates:
    """A bucket of tokens for each key, kept as one number: when it will be full again."""

    def __init__(self, clock: Any, per_second: int, most: int) -> None:
        self._clock = clock
        self._step = 1.0 / per_second
        self._most = most
        self._full_at: dict[str, float] = {}

    def __len__(self) -> int:
        """Of how many keys something is remembered."""
        return len(self._full_at)

    def take(self, key: str) -> float:
        """Ask once more: 0, or after how many seconds that may be done again."""
        now: float = self._clock.seconds()
        full_at = max(self._full_at.get(key, 0.0), now) + self._step
        wait = full_at - now - AT_ONCE
        # sums of small steps are never quite what they should be
        if wait > _NOTHING:
            return wait
        if key not in self._full_at and len(self._full_at) >= self._most:
            self._make_room(now)
        self._full_at[key] = full_at
        return 0.0

    def _make_room(self, now: float) -> None:
        """Forget those whose buckets are full, which is as if they had never come; if all are in use, all."""
        left = {key: full_at for key, full_at in self._full_at.items() if full_at > now}
        self._full_at = left if len(left) < self._most else {}
