"""A receiver of webhooks on the load's own sockets: it checks what comes, and answers at once."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import socket
import time
from typing import Final

from benchmarks.crowd import Crowd

SECRET: Final = "whsec_" + base64.b64encode(b"a secret of benchmarks, 32 bytes").decode()
_KEY: Final = base64.b64decode(SECRET.removeprefix("whsec_"))
_HEAD_ENDS: Final = b"\r\n\r\n"
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_SIGNED: Final = {
    name: re.compile(rb"\r\nwebhook-%s: *([^\r]+)\r\n" % name.encode(), re.IGNORECASE)
    for name in ("id", "timestamp", "signature")
}
_UID: Final = re.compile(rb'"uid": ?"([^"]+)"')
_TAKEN: Final = b"HTTP/1.1 204 No Content\r\n\r\n"
_RECEIVE_BYTES: Final = 1 << 18


class Receiver:
    """Listens on loopback. What it took is in ``uids``, each with the moment it came first."""

    def __init__(self, crowd: Crowd) -> None:
        self.uids: dict[bytes, float] = {}
        self.missing: set[bytes] = set()
        """What is expected and did not come yet."""
        self.requests = 0
        self.doubles = 0
        self.holds = False
        """Whether answers wait until `release`."""
        self.held: list[socket.socket] = []
        self._crowd = crowd
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._listener.setblocking(False)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/hook"
        crowd.watch(self._listener.fileno(), self._accept)

    def begin(self, missing: set[bytes]) -> None:
        """Forget what came before, and expect these."""
        self.uids, self.missing, self.requests = {}, missing, 0

    def release(self) -> None:
        """Answer what was held, and hold no more."""
        self.holds = False
        for connection in self.held:
            connection.sendall(_TAKEN)
        self.held.clear()

    def took(self, head: bytes, body: bytes, connection: socket.socket) -> None:
        """One whole request."""
        now = time.perf_counter()
        self.requests += 1
        if not is_signed(head, body):
            self._crowd.wrong["messages with a wrong signature"] += 1
        for uid in _UID.findall(body):
            self.missing.discard(uid)
            if self.uids.setdefault(uid, now) is not now:
                self.doubles += 1
        if self.holds:
            self.held.append(connection)
        else:
            connection.sendall(_TAKEN)

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(5)
        _Sender(self, self._crowd, connection)


class _Sender:
    """One connection of who delivers."""

    def __init__(self, receiver: Receiver, crowd: Crowd, connection: socket.socket) -> None:
        self._receiver = receiver
        self._crowd = crowd
        self._socket = connection
        self._data = bytearray()
        self._wanted = 0
        self._head = b""
        crowd.watch(connection.fileno(), self._readable)

    def _readable(self) -> None:
        try:
            data = self._socket.recv(_RECEIVE_BYTES)
        except OSError:
            data = b""
        if not data:
            self._crowd.unwatch(self._socket.fileno())
            self._socket.close()
            return
        self._data += data
        while self._whole():
            body = bytes(self._data[: self._wanted])
            del self._data[: self._wanted]
            head, self._head = self._head, b""
            self._receiver.took(head, body, self._socket)

    def _whole(self) -> bool:
        """Whether there is a whole request; its head is taken off."""
        if not self._head:
            end = self._data.find(_HEAD_ENDS)
            if end < 0:
                return False
            self._head = bytes(self._data[: end + 2])
            length = _LENGTH.search(self._head)
            self._wanted = int(length[1]) if length else 0
            del self._data[: end + len(_HEAD_ENDS)]
        return len(self._data) >= self._wanted


def is_signed(head: bytes, body: bytes) -> bool:
    """Whether one of the signatures is that of these bytes (Standard Webhooks)."""
    found = {name: pattern.search(head) for name, pattern in _SIGNED.items()}
    if not all(found.values()):
        return False
    values = {name: match[1] for name, match in found.items() if match}
    signed = values["id"] + b"." + values["timestamp"] + b"." + body
    wanted = b"v1," + base64.b64encode(hmac.digest(_KEY, signed, hashlib.sha256))
    return wanted in values["signature"].split()
