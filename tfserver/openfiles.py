"""Room for connections: each one is an open file, and what a process may have open is bounded."""

from __future__ import annotations

import contextlib
from typing import Any, Final, NamedTuple

try:
    import resource
except ImportError:  # not on every system
    resource = None  # type: ignore[assignment]

OTHERS: Final = 300
"""Open files beside connections: the store's, the archive's, receivers', logs, the reactor's own."""


class Room(NamedTuple):
    """``connections`` that are wanted, open files ``needed`` for them and ``allowed``; None: any number."""

    connections: int
    needed: int
    allowed: int | None

    @property
    def is_enough(self) -> bool:
        """Whether all connections fit."""
        return self.allowed is None or self.allowed >= self.needed

    @property
    def fitting(self) -> int:
        """How many connections fit."""
        if self.is_enough or self.allowed is None:
            return self.connections
        return max(0, min(self.connections, self.allowed - OTHERS))

    def __str__(self) -> str:
        """One line for the log."""
        if self.is_enough:
            return f"room for {self.connections} connections of terminals"
        return (
            f"room for only {self.fitting} connections of terminals, limits.connections is "
            f"{self.connections}: {self.allowed} open files allowed, {self.needed} needed; set "
            f"LimitNOFILE={self.needed} in the systemd unit, or ulimit -n {self.needed} before "
            "the start, or lower limits.connections"
        )


def make_room(connections: int, handshakes: int, system: Any = resource) -> Room:
    """Raise the soft limit of open files as far as needed and allowed; it is never lowered.

    ``handshakes``, and people, may be there beside the ``connections``. ``system`` is the module
    resource, or None.
    """
    needed = connections + handshakes + OTHERS
    if system is None:
        return Room(connections, needed, None)
    soft, hard = system.getrlimit(system.RLIMIT_NOFILE)
    endless = system.RLIM_INFINITY
    wanted = needed if hard == endless else min(needed, hard)
    if soft != endless and soft < wanted:
        # some systems have a lower bound of their own than they tell
        with contextlib.suppress(ValueError, OSError):
            system.setrlimit(system.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
    return Room(connections, needed, None if soft == endless else soft)
