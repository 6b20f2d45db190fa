"""A terminal of a few lines on a plain socket: says exactly the bytes it is told to, waits with deadlines."""

from __future__ import annotations

import base64
import json
import os
import socket
import struct
import time
from typing import Any

from tests.real.store import SECONDS

TEXT, CLOSE, PING = 1, 8, 9


class Lost(Exception):
    """The connection is over; ``code`` is the close code, if the server sent one."""

    def __init__(self, code: int | None) -> None:
        super().__init__(f"closed with {code}")
        self.code = code


class RealClient:
    """A blocking WebSocket connection to ``port`` of loopback; ``before`` is said before all else."""

    def __init__(self, port: int, before: bytes = b"") -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), SECONDS)
        self.socket.sendall(before)
        self._buffer = b""
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET /pub/chat HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        head = self._until(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101"), head

    def say(self, **message: Any) -> None:
        """Send one message as a text frame."""
        text = json.dumps(message, ensure_ascii=False)
        if any("\ud800" <= letter <= "\udfff" for letter in text):
            text = json.dumps(message)  # half a pair can only be told as an escape
        self.write(frame(text.encode()))

    def write(self, data: bytes) -> None:
        """Send bytes as they are; Lost when the connection is over."""
        self.socket.settimeout(SECONDS)
        try:
            self.socket.sendall(data)
        except ConnectionError as error:
            raise Lost(None) from error

    def hear(self, seconds: float = SECONDS) -> dict[str, Any]:
        """The next message; Lost when the connection ends, TimeoutError when nothing comes."""
        deadline = time.monotonic() + seconds
        while True:
            kind, payload = self._frame(deadline)
            if kind == TEXT:
                found: dict[str, Any] = json.loads(payload)
                return found
            if kind == CLOSE:
                raise Lost(struct.unpack("!H", payload[:2])[0] if len(payload) > 1 else None)

    def ask(self, **message: Any) -> dict[str, Any]:
        """Send a message and return the answer to its word."""
        self.say(**message)
        while True:
            answer = self.hear()
            if answer.get("ret") == message["cmd"]:
                return answer

    def register(self, sn: str, **devinfo: Any) -> dict[str, Any]:
        """``reg`` with an identity that follows from the serial number, and its answer."""
        return self.ask(cmd="reg", sn=sn, cpusn=f"cpu-{sn.upper()}", devinfo=devinfo)

    def closed(self, seconds: float = SECONDS) -> int | None:
        """The code the server closes with; TimeoutError when it does not."""
        try:
            while True:
                self.hear(seconds)
        except Lost as lost:
            return lost.code

    def shut(self) -> None:
        """Close the socket without a farewell."""
        self.socket.close()

    def _frame(self, deadline: float) -> tuple[int, bytes]:
        first, second = self._take(2, deadline)
        size = second & 127
        if size > 125:
            width = 2 if size == 126 else 8
            size = int.from_bytes(self._take(width, deadline), "big")
        return first & 15, self._take(size, deadline)

    def _take(self, size: int, deadline: float) -> bytes:
        while len(self._buffer) < size:
            self._read(deadline)
        found, self._buffer = self._buffer[:size], self._buffer[size:]
        return found

    def _until(self, mark: bytes) -> bytes:
        deadline = time.monotonic() + SECONDS
        while mark not in self._buffer:
            self._read(deadline)
        found, _, self._buffer = self._buffer.partition(mark)
        return found

    def _read(self, deadline: float) -> None:
        self.socket.settimeout(max(0.001, deadline - time.monotonic()))
        try:
            more = self.socket.recv(1 << 16)
        except ConnectionError:
            more = b""
        if not more:
            raise Lost(None)
        self._buffer += more


def frame(payload: bytes, kind: int = TEXT, final: bool = True) -> bytes:
    """One masked frame; the mask is zero, so that the bytes stay readable."""
    size = len(payload)
    head = bytes([kind | (0x80 if final else 0)])
    if size < 126:
        head += bytes([0x80 | size])
    elif size < 1 << 16:
        head += bytes([0x80 | 126]) + size.to_bytes(2, "big")
    else:
        head += bytes([0x80 | 127]) + size.to_bytes(8, "big")
    return head + bytes(4) + payload


def log(enrollid: int, when: str, **more: Any) -> dict[str, Any]:
    """One record of a ``sendlog``."""
    return {"enrollid": enrollid, "time": when, "mode": 1, "inout": 0, "event": 0, **more}
