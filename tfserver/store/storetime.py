"""The store's time as it is known here, from answers that came anyway: nobody has to ask for it each time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from tfserver.store.client import Client

KNOWN_SECONDS: Final = 1.0
"""How long an answer counts. Then the clock of the store may have been set, or the store be another."""


class StoreTime:
    """The store's time, never ahead of what it is there: as if each answer had come in no time. ``clock``
    only goes on."""

    def __init__(self, client: Client, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._ahead_ms = 0.0
        """How far the store's time is ahead of ``clock``, at least."""
        self._heard_at = -KNOWN_SECONDS

    def heard(self, store_ms: float) -> None:
        """An answer came just now that was given at this time of the store."""
        now = self._clock()
        ahead_ms = store_ms - now * 1000
        # an answer that took long tells less than one of a moment ago
        if ahead_ms >= self._ahead_ms or now - self._heard_at >= KNOWN_SECONDS:
            self._ahead_ms, self._heard_at = ahead_ms, now

    async def until(self, seconds: float) -> int:
        """The store's time (ms) when these seconds, which begin with this call, are over; rather too early
        than too late. What is put with it is over then, also if it is kept late: a store that hangs keeps it
        when it goes on, long after its asker was told that it failed."""
        began = self._clock()
        if began - self._heard_at >= KNOWN_SECONDS:
            found, micros = await self._client.read("TIME")
            self.heard(int(found) * 1000 + int(micros) / 1000)
        return int(self._ahead_ms + (began + seconds) * 1000)
