"""Connections that stay open for the next message to the same receiver."""

from __future__ import annotations

from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall

from tfserver.delivery.addresses import Target
from tfserver.delivery.connecting import Line

KEPT_A_RECEIVER: Final = 4
KEPT: Final = 200
IDLE_SECONDS: Final = 30.0
MOST_AGE: Final = 300.0
"""After that a new line is made, so that a receiver which has moved is found where it is now."""

CLOSE_SECONDS: Final = 2.0
"""For the receiver's part in the end of a connection."""

_Origin = tuple[bool, str, int]


class Kept:
    """Lines that are free."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._lines: dict[Line, IDelayedCall] = {}
        self._closing: dict[Line, IDelayedCall] = {}
        self._stopped: Deferred[None] | None = None

    def take(self, target: Target) -> Line | None:
        """The line to this receiver that was used last, or None."""
        for line in reversed(self._lines):
            if line.is_free and _origin(line.target) == _origin(target):
                self._lines.pop(line).cancel()
                return line
        return None

    def keep(self, line: Line) -> None:
        """A line is free; it is closed when nobody wants it."""
        same = sum(_origin(kept.target) == _origin(line.target) for kept in self._lines)
        is_old = self._reactor.seconds() - line.born > MOST_AGE
        line.when_lost = self._forget
        if self._stopped is not None or is_old or same >= KEPT_A_RECEIVER or len(self._lines) >= KEPT:
            self._close(line)
        else:
            self._lines[line] = self._reactor.callLater(IDLE_SECONDS, self._idle, line)

    async def stop(self) -> None:
        """Close all of them, and keep none from now on."""
        self._stopped = Deferred()
        for line in list(self._lines):
            self._lines.pop(line).cancel()
            self._close(line)
        if self._closing:
            await self._stopped

    def _idle(self, line: Line) -> None:
        del self._lines[line]
        self._close(line)

    def _close(self, line: Line) -> None:
        self._closing[line] = self._reactor.callLater(CLOSE_SECONDS, line.hang_up)
        line.close()

    def _forget(self, line: Line) -> None:
        """It is lost, wherever it stood."""
        call = self._lines.pop(line, None) or self._closing.pop(line, None)
        if call is not None and call.active():
            call.cancel()
        if self._stopped is not None and not self._closing and not self._stopped.called:
            self._stopped.callback(None)


def _origin(target: Target) -> _Origin:
    return target.is_secure, target.host, target.port
