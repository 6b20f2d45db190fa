"""Just enough WebSocket for a client: masked frames out, whole frames in."""

from __future__ import annotations

from typing import Final

TEXT: Final = 1
CLOSE: Final = 8
PING: Final = 9
PONG: Final = 10
FINAL: Final = 0x80
_MASKED: Final = 0x80


class Mask:
    """A masking key of four equal bytes, none of them 0: it masks a byte alike wherever that stands.

    What all messages share is so masked once. It is the client's work that is saved: unmasking costs a server
    the same.
    """

    def __init__(self, byte: int) -> None:
        self._key = bytes((byte,)) * 4
        self._table = bytes(plain ^ byte for plain in range(256))
        self._heads: dict[int, bytes] = {}

    def masked(self, plain: bytes) -> bytes:
        """A part of a payload."""
        return plain.translate(self._table)

    def head(self, size: int) -> bytes:
        """What stands before a text of that many bytes."""
        made = self._heads.get(size)
        if made is None:
            made = self._heads[size] = self._head(size, TEXT)
        return made

    def frame(self, payload: bytes, opcode: int = TEXT) -> bytes:
        """One whole frame as a client sends it."""
        return self._head(len(payload), opcode) + self.masked(payload)

    def _head(self, size: int, opcode: int) -> bytes:
        if size < 126:
            head = bytes((FINAL | opcode, _MASKED | size))
        elif size < 1 << 16:
            head = bytes((FINAL | opcode, _MASKED | 126)) + size.to_bytes(2, "big")
        else:
            head = bytes((FINAL | opcode, _MASKED | 127)) + size.to_bytes(8, "big")
        return head + self._key


def split(data: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """Whole frames (opcode, payload) at the beginning of what a server sent, and the rest.

    ValueError when a frame is a fragment or masked: no server here sends such.
    """
    found: list[tuple[int, bytes]] = []
    while len(data) >= 2:
        if not data[0] & FINAL or data[1] & _MASKED:
            raise ValueError("a fragment, or a masked frame of a server")
        size, start = data[1], 2
        if size >= 126:
            start = 4 if size == 126 else 10
            if len(data) < start:
                break
            size = int.from_bytes(data[2:start], "big")
        if len(data) < start + size:
            break
        found.append((data[0] & 15, data[start : start + size]))
        data = data[start + size :]
    return found, data
