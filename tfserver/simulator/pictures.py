"""Invented photos: real JPEG files of an upright oval, small because they are made of flat squares only.

They are written without a library: thousands of terminals can have them, and every reader finds them whole.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

WIDTH, HEIGHT = 480, 640
"""The size that suits terminals best (protocol §2.2)."""
SQUARE = 8
CONTRAST = 20
"""The oval is 32 of these eighths lighter than what is around it."""


def picture(comment: bytes, left: int, top: int) -> bytes:
    """A JPEG with an oval whose middle is moved by so many squares; the comment makes it one of a kind."""
    parts = [
        _marker(0xE0, b"JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"),
        _marker(0xFE, comment),
        _marker(0xDB, b"\x00" + bytes([CONTRAST] * 64)),
        _marker(0xC0, struct.pack(">BHHB", 8, HEIGHT, WIDTH, 1) + b"\x01\x11\x00"),
        # the codes of changes from square to square: 0 is none, 10 one that 6 more bits say
        _marker(0xC4, b"\x00" + bytes([1, 1]) + bytes(14) + bytes([0, 6])),
        # the only code of everything else: 0 is "nothing more in this square"
        _marker(0xC4, b"\x10" + bytes([1]) + bytes(15) + bytes([0])),
        _marker(0xDA, b"\x01\x01\x00\x00\x3f\x00"),
        _packed("".join(_codes(left, top))),
    ]
    return b"\xff\xd8" + b"".join(parts) + b"\xff\xd9"


def _codes(left: int, top: int) -> Iterator[str]:
    """The bits of each square, row by row: its brightness against the one before, and nothing else."""
    before = False
    for row in range(HEIGHT // SQUARE):
        for column in range(WIDTH // SQUARE):
            inside = ((column - 30 - left) / 15) ** 2 + ((row - 40 - top) / 22) ** 2 < 1
            if inside is before:
                yield "00"
            else:
                # 100000 is lighter by 32, 011111 darker by as much; the last 0 belongs to each square
                yield "10" + ("100000" if inside else "011111") + "0"
            before = inside


def _packed(bits: str) -> bytes:
    """The bits as bytes, filled up with ones; a byte of eight ones is followed by a zero."""
    filled = bits + "1" * (-len(bits) % 8)
    return int(filled, 2).to_bytes(len(filled) // 8).replace(b"\xff", b"\xff\x00")


def _marker(kind: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, kind, len(body) + 2) + body
