"""Work that takes the reactor in short turns, so that no terminal waits for the end of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from twisted.internet.task import deferLater

TURN_SECONDS: Final = 0.001
"""So long without a break."""
REST_SECONDS: Final = 0.004
"""The break: what was told is sent in it too, which takes as long again."""


class Turns:
    """One piece of work after the other; ``spent`` are the seconds that it took of the reactor."""

    def __init__(self, reactor: Any, monotonic: Callable[[], float]) -> None:
        self._reactor = reactor
        self._monotonic = monotonic
        self._begun = 0.0
        self.spent = 0.0

    def begin(self) -> None:
        """Work begins."""
        self._begun = self._monotonic()

    async def rest(self) -> None:
        """Let others go on if this took long enough."""
        if self._monotonic() - self._begun >= TURN_SECONDS:
            self.end()
            await deferLater(self._reactor, REST_SECONDS)
            self.begin()

    def end(self) -> None:
        """Work is over, or waits for something."""
        self.spent += self._monotonic() - self._begun
