"""Just enough WebSocket for a client: masked frames out, whole frames in."""

from __future__ import annotations

from typing import Final

TEXT: Final = 1
CLOSE: Final = 8
PING: Final = 9
PONG: Final = 10
_FINAL: Final = 0x80
_MASKED: Final = 0x80


class Mask:
    """A masking key of four bytes. All connections of a client share it: it is the client's work that is
    saved, unmasking costs the server the same."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        # by the length of the payload: its mask as one number
        self._numbers: dict[int, int] = {}

    def frame(self, payload: bytes, opcode: int = TEXT) -> bytes:
        """One whole frame as a client sends it."""
        size = len(payload)
        if size < 126:
            head = bytes((_FINAL | opcode, _MASKED | size))
        elif size < 1 << 16:
            head = bytes((_FINAL | opcode, _MASKED | 126)) + size.to_bytes(2, "big")
        else:
            head = bytes((_FINAL | opcode, _MASKED | 127)) + size.to_bytes(8, "big")
        number = self._numbers.get(size)
        if number is None:
            number = self._numbers[size] = int.from_bytes((self._key * (size // 4 + 1))[:size], "little")
        return head + self._key + (int.from_bytes(payload, "little") ^ number).to_bytes(size, "little")


def split(data: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """Whole frames (opcode, payload) at the beginning of what a server sent, and the rest.

    ValueError when a frame is a fragment or masked: no server here sends such.
    """
    found: list[tuple[int, bytes]] = []
    while len(data) >= 2:
        if not data[0] & _FINAL or data[1] & _MASKED:
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
