"""WebSocket as bytes, written from RFC 6455 and from nothing else: what a terminal sends, what comes back."""

from __future__ import annotations

import base64
import hashlib
import itertools
from typing import NamedTuple

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
MASK = b"\x37\xfa\x21\x3d"
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
"""The sample key of RFC 6455 §1.3; its accept key is ``s3pPLMBiTxaQ9kYGzzhZRbK+xOo=``."""
_MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_STANDARD = {
    "Host": "192.0.2.1:7788",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": KEY,
    "Sec-WebSocket-Version": "13",
}


class Received(NamedTuple):
    """One frame from the server."""

    opcode: int
    payload: bytes
    fin: bool = True
    rsv: int = 0
    masked: bool = False

    @property
    def code(self) -> int | None:
        """The status code of a close frame."""
        return int.from_bytes(self.payload[:2], "big") if len(self.payload) >= 2 else None


def accept_key(key: str) -> str:
    """What the server answers to ``Sec-WebSocket-Key`` (§4.2.2)."""
    return base64.b64encode(hashlib.sha1((key + _MAGIC).encode()).digest()).decode()


def handshake(path: str = "/pub/chat", without: tuple[str, ...] = (), **changed: str) -> bytes:
    """An opening handshake; ``Sec_WebSocket_Key="…"`` changes or adds a header, ``without`` drops some."""
    headers = {**_STANDARD, **{name.replace("_", "-"): value for name, value in changed.items()}}
    lines = [f"{name}: {value}" for name, value in headers.items() if name not in without]
    return "\r\n".join([f"GET {path} HTTP/1.1", *lines, "", ""]).encode()


def frame(
    opcode: int,
    payload: bytes = b"",
    fin: bool = True,
    rsv: int = 0,
    mask: bytes | None = MASK,
    form: int | None = None,
) -> bytes:
    """A frame of a client; ``form`` (7, 16 or 64) is how many bits tell the length, by default the fewest."""
    first = bytes([fin << 7 | rsv << 4 | opcode])
    return first + length(len(payload), mask is not None, form) + masked(payload, mask)


def length(size: int, is_masked: bool = True, form: int | None = None) -> bytes:
    """The length field with the mask bit (§5.2)."""
    if form is None:
        form = 7 if size <= 125 else 16 if size <= 0xFFFF else 64
    bit = is_masked << 7
    if form == 7:
        return bytes([bit | size])
    return bytes([bit | (126 if form == 16 else 127)]) + size.to_bytes(form // 8, "big")


def masked(payload: bytes, mask: bytes | None) -> bytes:
    """The mask in front, and the payload under it (§5.3); masking twice gives the payload back."""
    if mask is None:
        return payload
    key = int.from_bytes((mask * (len(payload) // 4 + 1))[: len(payload)], "big")
    return mask + (int.from_bytes(payload, "big") ^ key).to_bytes(len(payload), "big")


def text(payload: str | bytes) -> bytes:
    """A whole text message."""
    return frame(TEXT, payload.encode() if isinstance(payload, str) else payload)


def fragments(payload: bytes, size: int, opcode: int = TEXT) -> list[bytes]:
    """A message cut into frames of ``size`` bytes."""
    parts = [payload[at : at + size] for at in range(0, len(payload), size)] or [b""]
    opcodes = itertools.chain([opcode], itertools.repeat(CONTINUATION))
    last = len(parts) - 1
    return [
        frame(code, part, fin=at == last) for at, (code, part) in enumerate(zip(opcodes, parts, strict=False))
    ]


def close(code: int | None = None, reason: bytes = b"") -> bytes:
    """A close frame."""
    return frame(CLOSE, b"" if code is None else code.to_bytes(2, "big") + reason)


def read_frames(data: bytes) -> list[Received]:
    """All frames in what a server sent; ValueError when the bytes end within one."""
    found = []
    while data:
        received, data = _read(data)
        found.append(received)
    return found


def _read(data: bytes) -> tuple[Received, bytes]:
    if len(data) < 2:
        raise ValueError("half a frame")
    size, at = data[1] & 0x7F, 2
    if size >= 126:
        at = 4 if size == 126 else 10
        size = int.from_bytes(data[2:at], "big")
    if len(data) < at + size:
        raise ValueError("half a frame")
    fin, rsv, opcode = bool(data[0] & 0x80), data[0] >> 4 & 7, data[0] & 0x0F
    return Received(opcode, data[at : at + size], fin, rsv, bool(data[1] & 0x80)), data[at + size :]
