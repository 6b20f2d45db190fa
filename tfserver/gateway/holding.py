"""What connections hold in memory beside themselves, and who is let go when there is too much of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, Protocol

LEAST_BYTES: Final = 32 * 1024
"""Nobody is cut for less: it would take thousands to make a difference."""
OF_A_PIECE: Final = 48
"""Each piece of what is put together later takes so much beside its bytes."""


_PIECES: Final = ("message_data", "frame_data")
"""Where Autobahn keeps them."""


class Holder(Protocol):
    """A connection as it looks from here: a link."""

    closing: bool

    @property
    def held_bytes(self) -> int:
        """What it holds."""

    def cut_off(self, why: str) -> None:
        """End it at once."""


def unsent_bytes(transport: Any) -> int:
    """What was said and waits to be written; behind TLS also what is not encrypted yet."""
    plain = sum(map(len, getattr(transport, "_appSendBuffer", ())))
    below = getattr(transport, "transport", transport)
    return plain + len(getattr(below, "dataBuffer", b"")) + getattr(below, "_tempDataLen", 0)


def unfinished_bytes(connection: Any) -> int:
    """What came of a message that is not whole yet."""
    pieces = [piece for name in _PIECES for piece in getattr(connection, name, None) or ()]
    return len(getattr(connection, "data", b"")) + sum(map(len, pieces)) + OF_A_PIECE * len(pieces)


def forget_unfinished(connection: Any) -> None:
    """Let go of that at once: the end of a connection comes a turn of the reactor later."""
    connection.data = b""
    for name in _PIECES:
        if getattr(connection, name, None):
            setattr(connection, name, [])


def cut_largest(holders: Iterable[Holder], count: int) -> int:
    """End those that hold most until so many bytes are let go; how many bytes that were."""
    held = [(holder.held_bytes, holder) for holder in holders if not holder.closing]
    freed = 0
    for size, holder in sorted(held, key=lambda one: -one[0]):
        if freed >= count or size < LEAST_BYTES:
            break
        holder.cut_off("memory")
        freed += size
    return freed
