"""How hard this process is pressed, as one number: what is less urgent than a punch gives way by it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from twisted.logger import Logger

from tfserver.memory import give_back, resident_bytes
from tfserver.metrics import Metrics

EVERY_SECONDS: Final = 0.25
LAG_SECONDS: Final = 1.0
"""The reactor is that late: as much as can be, because a terminal waits 2 s for an answer."""
HIGH: Final = 0.8
"""From here on what is not urgent gives way, until it is below CALM."""
CALM: Final = 0.7
FULL: Final = 0.95
"""Of the bound of memory: what comes before anybody can be let go has room above."""
STEPS: Final = 32
"""Memory is looked at each time such a part of the bound came in, however short the time."""
MEGABYTE: Final = 1 << 20


class Pressure:
    """The greatest of three shares: how late the reactor is, how much memory is used, and how much waits for
    the store. 0 is at ease, 1 as much as can be.

    ``most_mb`` bounds the memory, 0 does not. ``waiting`` gives how full the queues towards the store are,
    ``registering`` how many registrations wait there and for how long (s), ``resident`` the memory in use.
    """

    _log = Logger()

    def __init__(
        self,
        metrics: Metrics | None = None,
        most_mb: int = 0,
        waiting: Callable[[], float] = lambda: 0.0,
        registering: Callable[[], tuple[int, float]] = lambda: (0, 0.0),
        resident: Callable[[], int] = resident_bytes,
    ) -> None:
        self.lag = 0.0
        """Seconds, smoothed: one long turn is no overload."""
        self.memory = 0
        self.registering = registering
        self.relieve: Callable[[int], None] = lambda _: None
        """Called with how many bytes have to be let go."""
        self._metrics = metrics or Metrics()
        self._most = most_mb * MEGABYTE
        self._waiting = waiting
        self._resident = resident
        self._share = 0.0
        self._grown = 0
        self._is_high = False

    @property
    def level(self) -> float:
        """The number itself."""
        of_memory = self.memory / self._most if self._most else 0.0
        return max(self.lag / LAG_SECONDS, of_memory, self._share)

    @property
    def is_high(self) -> bool:
        """Whether users, exports and the like have to give way."""
        return self._is_high

    @property
    def is_full(self) -> bool:
        """Whether there is no memory for another connection."""
        return bool(self._most) and self.memory >= FULL * self._most

    def yields(self, what: str) -> bool:
        """Whether this has to give way now; it is counted."""
        if self._is_high:
            self._metrics.yielded[what] += 1
        return self._is_high

    def grew(self, count: int) -> None:
        """So many bytes came that are no whole message yet: memory may not wait for the next look."""
        self._grown += count
        if self._most and self._grown * STEPS >= self._most:
            self.weigh()

    def measure(self, late: float) -> None:
        """Take the measures; the reactor was so many seconds late."""
        # Bounded: after a long sleep of the machine nothing is slow any more.
        self.lag += (min(max(late, 0.0), LAG_SECONDS) - self.lag) / 2
        self._share = self._waiting()
        self.weigh()

    def weigh(self) -> None:
        """Look at the memory, and let go of some if there is too much."""
        self._grown = 0
        self.memory = self._resident()
        high = HIGH * self._most
        if self._most and self.memory >= CALM * self._most:
            give_back()
            self.memory = self._resident()
        if self.is_full:
            self.relieve(round(self.memory - high))
        self._tell()

    def _tell(self) -> None:
        metrics, level = self._metrics, self.level
        metrics.lag, metrics.memory, metrics.pressure = self.lag, self.memory, level
        is_high = level >= (CALM if self._is_high else HIGH)
        if is_high is not self._is_high:
            self._is_high = is_high
            told = "pressed: {it}" if self._is_high else "not pressed any more: {it}"
            self._log.info(told, it=str(self))

    def __str__(self) -> str:
        """What presses, for the log."""
        return (
            f"the reactor is {self.lag:.2f} s late, {self.memory // MEGABYTE} of "
            f"{self._most // MEGABYTE} MiB are used, {self._share:.0%} of what may wait for the store does"
        )


class Gauge:
    """Takes the measures again and again."""

    _log = Logger()

    def __init__(
        self, reactor: Any, pressure: Pressure, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._reactor = reactor
        self._pressure = pressure
        self._monotonic = monotonic
        self._due = 0.0
        self._next: Any = None

    async def start(self) -> None:
        """From now on."""
        self._wait()

    async def stop(self) -> None:
        """No more."""
        if self._next is not None and self._next.active():
            self._next.cancel()

    def _wait(self) -> None:
        # no LoopingCall: it makes up for being late, and so hides it
        self._due = self._monotonic() + EVERY_SECONDS
        self._next = self._reactor.callLater(EVERY_SECONDS, self._look)

    def _look(self) -> None:
        try:
            self._pressure.measure(self._monotonic() - self._due)
        except Exception:
            self._log.failure("our own mistake in measuring")
        self._wait()
