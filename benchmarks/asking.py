"""People on the HTTP side: keep-alive connections, looked at in the same turns as the terminals."""

from __future__ import annotations

import re
import socket
from collections import deque
from collections.abc import Callable
from typing import Final

from benchmarks.crowd import Crowd

Told = Callable[[int, bytes], None]
"""Called with the status and body of an answer; the status is 0 when the connection was lost."""
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_HEAD_ENDS: Final = b"\r\n\r\n"
_RECEIVE_BYTES: Final = 1 << 16


class People:
    """``connections`` people with one token towards the server on this port; more requests wait for them.

    A connection that the server ends while nothing is asked on it is made anew when it is needed.
    """

    def __init__(self, crowd: Crowd, port: int, token: str, connections: int) -> None:
        self.free: deque[_Person] = deque()
        self._crowd = crowd
        self._waiting: deque[tuple[bytes, Told]] = deque()
        self._rest = f" HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n".encode()
        self._port = port
        self._ended = 0
        self.free += [self._person() for _ in range(connections)]

    def post(self, path: str, body: bytes, told: Told) -> None:
        """Send a JSON body."""
        length = b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        self._ask(b"POST " + path.encode() + self._rest + length + body, told)

    def get(self, path: str, told: Told) -> None:
        """Look at something."""
        self._ask(b"GET " + path.encode() + self._rest + b"\r\n", told)

    def close(self) -> None:
        """Let the connections go that wait for nothing."""
        while self.free:
            self.free.pop().close()

    def _ask(self, request: bytes, told: Told) -> None:
        if self.free:
            self.free.popleft().ask(request, told)
        elif self._ended:
            self._ended -= 1
            self._person().ask(request, told)
        else:
            self._waiting.append((request, told))

    def _person(self) -> _Person:
        connection = socket.create_connection(("127.0.0.1", self._port))
        return _Person(connection, self._crowd, self._freed, self._gone)

    def _gone(self, person: _Person) -> None:
        """Nobody had asked anything on it."""
        self.free.remove(person)
        self._ended += 1

    def _freed(self, person: _Person) -> None:
        if self._waiting:
            person.ask(*self._waiting.popleft())
        else:
            self.free.append(person)


class _Person:
    """One connection, with one request under way at most."""

    def __init__(
        self,
        connection: socket.socket,
        crowd: Crowd,
        freed: Callable[[_Person], None],
        gone: Callable[[_Person], None],
    ) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = connection
        self._crowd = crowd
        self._freed = freed
        self._gone = gone
        self._told: Told | None = None
        self._data = b""
        self._wanted = 0
        crowd.watch(connection.fileno(), self._readable)

    def ask(self, request: bytes, told: Told) -> None:
        """Send a request; a small one always fits into the socket."""
        self._told = told
        self._socket.sendall(request)

    def close(self) -> None:
        """End the connection."""
        self._crowd.unwatch(self._socket.fileno())
        self._socket.close()

    def _readable(self) -> None:
        try:
            data = self._socket.recv(_RECEIVE_BYTES)
        except OSError:
            data = b""
        if not data:
            self._lost()
            return
        self._data += data
        if not self._wanted:
            head = self._data.find(_HEAD_ENDS)
            if head < 0:
                return
            length = _LENGTH.search(self._data, 0, head + 2)
            if length is None:
                self._lost()
                return
            self._wanted = head + len(_HEAD_ENDS) + int(length[1])
        if len(self._data) >= self._wanted:
            self._answered()

    def _answered(self) -> None:
        data, told = self._data, self._told
        self._data, self._wanted, self._told = b"", 0, None
        self._freed(self)
        if told is not None:
            told(int(data[9:12]), data.partition(_HEAD_ENDS)[2])

    def _lost(self) -> None:
        """The server ended the connection, or did not say how long its answer is."""
        self.close()
        told, self._told = self._told, None
        if told is None:
            self._gone(self)
            return
        self._crowd.wrong["HTTP connection lost"] += 1
        told(0, b"")
