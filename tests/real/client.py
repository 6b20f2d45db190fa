"""A terminal of a few lines on a plain socket: says exactly the bytes it is told to, waits with deadlines."""

from __future__ import annotations

import base64
import json
import os
import socket
import ssl
import struct
import time
from typing import Any, Final

from tests.real.store import SECONDS

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
NOTHING: Final = {"count": 0, "from": 0, "to": 0, "record": []}
QUIET: Final[dict[str, dict[str, Any]]] = {
    "gettime": {"result": None, "time": "2026-04-02 08:00:00"},
    "settime": {},
    "getdevinfo": {"deviceid": 1, "volume": 6},
    "getdevlock": {"opendelay": 5},
    "getuserlist": NOTHING,
    "getnewlog": NOTHING,
    "getalllog": NOTHING,
}
"""Habits of a terminal that a server may ask what it likes by itself: it has no people and no logs."""


class Lost(Exception):
    """The connection is over; ``code`` is the close code, if the server sent one."""

    def __init__(self, code: int | None) -> None:
        super().__init__(f"closed with {code}")
        self.code = code


class RealClient:
    """A blocking WebSocket connection to ``port`` of loopback; ``before`` is said before all else.

    It comes from ``source`` if that is an address of loopback, with ``headers`` beside the usual ones (lines
    that end in CRLF), and speaks TLS if there is a context for that.

    ``habits`` are replies by word: a command with such a word is answered when it is read and not waited for,
    and not seen otherwise. ``passed`` are the messages that `ask`, `commanded`, `obey` and `answer_to` only
    met while they waited for another one.
    """

    def __init__(
        self,
        port: int,
        before: bytes = b"",
        *,
        source: str = "",
        headers: str = "",
        tls: ssl.SSLContext | None = None,
        path: str = "/pub/chat",
    ) -> None:
        self.habits: dict[str, dict[str, Any]] = {}
        self.passed: list[dict[str, Any]] = []
        self.socket = socket.create_connection(("127.0.0.1", port), SECONDS, (source, 0) if source else None)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_hostname="localhost")
        self.socket.sendall(before)
        self._buffer = b""
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            f"{headers}\r\n".encode()
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
            message = self._message(deadline)
            if not self._is_habit(message):
                return message

    def ask(self, **message: Any) -> dict[str, Any]:
        """Send a message and return the answer to its word."""
        self.say(**message)
        return self._until_word("ret", message["cmd"], time.monotonic() + SECONDS)

    def answer_to(self, word: str, seconds: float = SECONDS) -> dict[str, Any]:
        """The answer to something that was said before, also when it came while another was waited for."""
        return self._passed("ret", word) or self._until_word("ret", word, time.monotonic() + seconds)

    def commanded(self, word: str, seconds: float = SECONDS) -> dict[str, Any]:
        """The next command of a word, also one that came before; it is not answered."""
        return self._passed("cmd", word) or self._until_word("cmd", word, time.monotonic() + seconds)

    def reply(self, word: str, **fields: Any) -> None:
        """Answer a command: ``result`` is true unless the fields say otherwise, and left out when None."""
        message = {"ret": word, "result": True, **fields}
        self.say(**{key: value for key, value in message.items() if key != "result" or value is not None})

    def obey(self, word: str, **fields: Any) -> dict[str, Any]:
        """Wait for a command, answer it as `reply` does, and return it."""
        command = self.commanded(word)
        self.reply(word, **fields)
        return command

    def pinged(self, seconds: float = SECONDS) -> bytes:
        """What the next ping says; messages before it are kept, it is not answered."""
        deadline = time.monotonic() + seconds
        while True:
            kind, payload = self._frame(deadline)
            if kind == PING:
                return payload
            if kind in (TEXT, CLOSE):
                self.passed.append(self._told(kind, payload))

    def pong(self, payload: bytes) -> None:
        """Answer a ping."""
        self.write(frame(payload, PONG))

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

    def _until_word(self, kind: str, word: str, deadline: float) -> dict[str, Any]:
        """Read up to the message whose ``cmd`` or ``ret`` is this word; the others are kept, or habits."""
        while True:
            message = self._message(deadline)
            if message.get(kind) == word:
                return message
            if not self._is_habit(message):
                self.passed.append(message)

    def _passed(self, kind: str, word: str) -> dict[str, Any] | None:
        """Take the oldest such message out of those that came while another was waited for."""
        for place, message in enumerate(self.passed):
            if message.get(kind) == word:
                return self.passed.pop(place)
        return None

    def _is_habit(self, message: dict[str, Any]) -> bool:
        """Answer a command by habit, if there is one for it."""
        word = message.get("cmd")
        if word not in self.habits:
            return False
        self.reply(str(word), **self.habits[str(word)])
        return True

    def _message(self, deadline: float) -> dict[str, Any]:
        while True:
            kind, payload = self._frame(deadline)
            if kind in (TEXT, CLOSE):
                return self._told(kind, payload)

    def _told(self, kind: int, payload: bytes) -> dict[str, Any]:
        """The message of a frame; Lost when it is the last."""
        if kind == CLOSE:
            raise Lost(struct.unpack("!H", payload[:2])[0] if len(payload) > 1 else None)
        found: dict[str, Any] = json.loads(payload)
        return found

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
