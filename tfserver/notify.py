"""Telling systemd how we are: ready, stopping, and alive as long as the reactor turns (sd_notify(3))."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable, Mapping
from typing import Any, Final

from twisted.internet.task import LoopingCall
from twisted.logger import Logger

SOCKET: Final = "NOTIFY_SOCKET"
WATCHDOG_USEC: Final = "WATCHDOG_USEC"
WATCHDOG_PID: Final = "WATCHDOG_PID"
MOST_STATUS: Final = 200


class Supervisor:
    """Whoever started us, if it wants to know: NOTIFY_SOCKET in ``environment`` names its datagram socket.

    With WATCHDOG_USEC it hears from the reactor at half of that time, and starts us anew when it does not: a
    process that stands still, a reactor that is blocked, and timers that wait because the system's clock was
    set back (Twisted's go by it) all come to the same silence.
    """

    _log = Logger()

    def __init__(self, reactor: Any, environment: Mapping[str, str] = os.environ) -> None:
        self._address = _address(environment.get(SOCKET, ""))
        self._reactor = reactor
        self._seconds = _watchdog_seconds(environment) if self._address else None
        self._is_ready = False
        self._has_failed = False

    def ready(self, status: Callable[[], str]) -> None:
        """The start is over; ``status`` is asked for a line now and at each sign of life."""
        self._is_ready = True
        self._tell(READY="1", STATUS=status())
        if self._seconds is not None:
            beats = LoopingCall(lambda: self._tell(WATCHDOG="1", STATUS=status()))
            beats.clock = self._reactor
            beats.start(self._seconds / 2)

    def stopping(self) -> None:
        """The stop has begun; signs of life go on until the reactor ends."""
        told = {"STATUS": "draining"} if self._is_ready else {}
        self._tell(STOPPING="1", **told)

    def failed(self, reason: str) -> None:
        """The start was refused."""
        self._tell(STATUS=f"can't start: {reason}")

    def _tell(self, **said: str) -> None:
        """Send one datagram; who does not take it at once does not get it."""
        if self._address is None:
            return
        lines = (f"{name}={' '.join(text.split())[:MOST_STATUS]}" for name, text in said.items())
        try:
            with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as sender:
                sender.setblocking(False)
                sender.sendto("\n".join(lines).encode(), self._address)
        except OSError as wrong:
            if not self._has_failed:
                self._log.warn("{name} does not take what it is told: {wrong}", name=SOCKET, wrong=wrong)
            self._has_failed = True


def _address(named: str) -> str | None:
    """The address of the socket; one that begins with @ has no file, and any other kind is not for us."""
    if named.startswith("@"):
        return f"\0{named[1:]}"
    return named if named.startswith("/") else None


def _watchdog_seconds(environment: Mapping[str, str]) -> float | None:
    """After how long a silence we would be started anew; None when nobody listens for that."""
    told, whose = environment.get(WATCHDOG_USEC, ""), environment.get(WATCHDOG_PID, "")
    if whose not in ("", str(os.getpid())) or not (told.isascii() and told.isdigit()) or int(told) == 0:
        return None
    return int(told) / 1e6
