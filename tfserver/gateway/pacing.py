"""How fast new connections are taken on: no faster than they can be served.

More than that wait in the system's queue, unserved and not half served; those who are registered are served
meanwhile. A handshake is no work before its connection was taken.
"""

from __future__ import annotations

import itertools
import socket
import struct
import sys
from typing import Any, Final

from twisted.logger import Logger

from tfserver.config import LimitSettings
from tfserver.metrics import Metrics
from tfserver.pressure import Pressure

HANDSHAKE_SECONDS: Final = 20.0
MOST_UNFINISHED: Final = 1000
"""Handshakes under way beyond the bound of connections, so that most are refused in words."""
FAIR_SECONDS: Final = 5.0
"""So long everybody may take for a handshake; then it makes room for another where there are too many."""
TAKEN_A_TURN: Final = 100
"""Connections taken in one turn of the reactor: the others are served in between."""
LATE_SECONDS: Final = 0.25
"""A reactor that is so late has enough to do."""
WAITED_SECONDS: Final = 0.5
"""A registration that waits for so long is a quarter of the way to being refused."""
FRESH_SECONDS: Final = 1.0
PAUSE_SECONDS: Final = 0.05
LONGEST_PAUSE: Final = 1.0
"""Then some are taken all the same: a machine that is always slow would stay without terminals for ever."""
FEW: Final = 10
_TCP_INFO: Final = struct.Struct("B51xI")
"""State of a connection, and for how many ms nothing came (Linux, netinet/tcp.h)."""
_TOLD_BY: Final = getattr(socket, "TCP_INFO", None) if sys.platform == "linux" else None
_PEER_CLOSED: Final = 8


class Pacing:
    """The only one who decides whether a new connection is taken, and when. ``ports`` is where we listen."""

    _log = Logger()

    def __init__(self, reactor: Any, limits: LimitSettings, metrics: Metrics, pressure: Pressure) -> None:
        self.ports: list[Any] = []
        self._reactor = reactor
        self._limits = limits
        self._metrics = metrics
        self._pressure = pressure
        self._unfinished: dict[Any, float] = {}
        """Since when a handshake is under way; oldest first."""
        self._next: Any = None
        self._paused_at: float | None = None

    @property
    def is_paused(self) -> bool:
        """Whether nobody is taken now."""
        return self._paused_at is not None

    def taken(self, connection: Any) -> None:
        """A connection was made; its handshake comes."""
        self._unfinished[connection] = self._reactor.seconds()
        if self._next is None:
            self._next = self._reactor.callLater(0, self._look)

    def finished(self, connection: Any) -> None:
        """Its handshake is whole, or will never be."""
        self._unfinished.pop(connection, None)

    def refuses(self, connection: Any) -> str | None:
        """Why a handshake that is whole is not answered with yes, or None."""
        if self._pressure.is_full:
            return "too little memory"
        return _why_too_late(connection.transport)

    def stop(self) -> None:
        """Nobody is taken any more; the ports are closed by others."""
        self.ports = []
        if self._next is not None and self._next.active():
            self._next.cancel()
        self._next = None

    @property
    def _is_behind(self) -> bool:
        """Whether those that were taken are more than can be served."""
        waiting, longest = self._pressure.registering()
        return (
            longest >= WAITED_SECONDS
            or waiting + self._coming() >= self._limits.registrations_at_once
            or self._pressure.lag >= LATE_SECONDS
            or len(self._unfinished) >= MOST_UNFINISHED
        )

    def _coming(self) -> int:
        """Handshakes that will be registrations in a moment; those that take longer may never be."""
        fresh = self._reactor.seconds() - FRESH_SECONDS
        return sum(1 for _ in itertools.takewhile(lambda at: at > fresh, reversed(self._unfinished.values())))

    def _look(self) -> None:
        self._next = None
        if len(self._unfinished) >= MOST_UNFINISHED:
            self._make_room()
        if not self._is_behind:
            if self.is_paused:
                self._resume(TAKEN_A_TURN)
            self._bound(TAKEN_A_TURN)
            return
        now = self._reactor.seconds()
        if self._paused_at is None:
            self._pause(now)
        elif now - self._paused_at >= LONGEST_PAUSE:
            self._resume(FEW)
            return
        self._next = self._reactor.callLater(PAUSE_SECONDS, self._look)

    def _pause(self, now: float) -> None:
        self._paused_at = now
        self._metrics.pauses += 1
        for port in self.ports:
            port.stopReading()

    def _resume(self, count: int) -> None:
        self._paused_at = None
        self._bound(count)
        for port in self.ports:
            port.startReading()

    def _bound(self, count: int) -> None:
        """Twisted takes more each turn as long as there are more."""
        for port in self.ports:
            port.numberAccepts = min(getattr(port, "numberAccepts", count), count)

    def _make_room(self) -> None:
        """Handshakes that had their time are given up where others wait for theirs."""
        fair = self._reactor.seconds() - FAIR_SECONDS
        for connection, since in list(self._unfinished.items()):
            if since > fair:
                break
            del self._unfinished[connection]
            self._metrics.turned_away["unfinished handshake"] += 1
            connection.transport.abortConnection()


def _why_too_late(transport: Any) -> str | None:
    """Why a handshake is not worth an answer any more: perhaps it waited for us for too long."""
    kept: Any = getattr(transport, "socket", None)
    if _TOLD_BY is None or not hasattr(kept, "getsockopt"):
        return None
    try:
        told = kept.getsockopt(socket.IPPROTO_TCP, _TOLD_BY, _TCP_INFO.size)
        state, silent = _TCP_INFO.unpack(told)
    except (OSError, struct.error):  # no TCP
        return None
    if state == _PEER_CLOSED:
        return "gone before its turn"
    return "waited too long" if silent >= HANDSHAKE_SECONDS * 1000 else None
