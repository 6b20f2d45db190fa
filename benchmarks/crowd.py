"""Many terminals in one process on raw epoll: they connect, register, and hand over what they are told."""

from __future__ import annotations

import random
import select
import socket
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Final

from benchmarks import frames, messages

CONNECTING, UPGRADING, REGISTERING, READY, BUSY = range(5)
TERMINALS_AN_ADDRESS: Final = 10_000
"""One source address has 28,000 ports by default, and those of the round before are still taken."""
_LONGEST_SLEEP: Final = 0.05
# Lets the kernel pick a port that is free towards this server, not towards all (Linux, netinet/in.h).
_IP_BIND_ADDRESS_NO_PORT: Final = 24


class Terminal:
    """One connection. ``number`` counts its ``sendlog``; ``since`` is when the open request began."""

    __slots__ = ("number", "place", "rest", "since", "sn", "socket", "state")

    def __init__(self, place: int, connection: socket.socket) -> None:
        self.place = place
        self.sn = messages.serial_number(place).encode()
        self.socket = connection
        self.state = CONNECTING
        self.rest = b""
        self.number = 0
        self.since = 0.0


class Crowd:
    """Terminals towards one server. Everything that went wrong is counted in ``wrong`` by what it was."""

    def __init__(self, port: int, first: int, records: int) -> None:
        self.ready: deque[Terminal] = deque()
        self.terminals: dict[int, Terminal] = {}
        self.wrong: Counter[str] = Counter()
        self.registered = 0
        self.acknowledged = 0
        self.pongs = 0
        self.answered: Callable[[Terminal], None] = self.ready.append
        """Called with each terminal whose ``sendlog`` was acknowledged or refused; it is READY again."""
        self._address = ("127.0.0.1", port)
        self._first = first
        self._records = records
        self._opened = 0
        self._opening = 0
        self._epoll = select.epoll()
        self._mask = frames.Mask(random.randbytes(4))
        self._ping = self._mask.frame(b"", frames.PING)
        self._now = b""
        self._now_until = 0.0
        self._upgrade = (
            f"GET /pub/chat HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n"
        ).encode()

    def open(self, count: int, burst: int, seconds: float) -> float:
        """Connect and register ``count`` terminals, ``burst`` at a time; how many seconds it took.

        Those that are not through after ``seconds`` are counted as wrong.
        """
        began = time.perf_counter()
        while self._opened < count or self._opening > 0:
            if time.perf_counter() - began > seconds:
                self.wrong["not connected in time"] += count - self._opened + self._opening
                break
            while self._opened < count and self._opening < burst:
                self._open_one()
            self.turn(_LONGEST_SLEEP)
        return time.perf_counter() - began

    def turn(self, seconds: float) -> None:
        """Wait up to ``seconds`` for the servers' next words and deal with them."""
        now = time.time()
        if now >= self._now_until:
            self._now = messages.local_time(now).encode()
            self._now_until = float(int(now) + 1)
        for descriptor, _ in self._epoll.poll(max(0.0, min(seconds, _LONGEST_SLEEP)), 4096):
            terminal = self.terminals.get(descriptor)
            if terminal is not None:
                self._event(terminal)

    def punch(self, terminal: Terminal, since: float) -> None:
        """Let a terminal send its next records; ``since`` is where their latency counts from."""
        terminal.number += 1
        terminal.since = since
        terminal.state = BUSY
        message = messages.sendlog(terminal.sn, terminal.number, self._records, self._now)
        self._send(terminal, self._mask.frame(message))

    def ping(self, terminal: Terminal) -> None:
        """Let a terminal send a ping."""
        self._send(terminal, self._ping)

    def busy(self) -> int:
        """How many terminals wait for an answer."""
        return sum(terminal.state == BUSY for terminal in self.terminals.values())

    def close(self) -> None:
        """End all connections."""
        for terminal in self.terminals.values():
            terminal.socket.close()
        self.terminals.clear()
        self._epoll.close()

    def _open_one(self) -> None:
        place = self._opened
        self._opened += 1
        connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
        connection.bind((f"127.0.0.{2 + place // TERMINALS_AN_ADDRESS}", 0))
        try:
            connection.connect(self._address)
        except BlockingIOError:
            pass
        except OSError as failed:
            self.wrong[f"connect: {failed.strerror}"] += 1
            connection.close()
            return
        self._opening += 1
        self.terminals[connection.fileno()] = Terminal(self._first + place, connection)
        self._epoll.register(connection, select.EPOLLOUT)

    def _event(self, terminal: Terminal) -> None:
        if terminal.state == CONNECTING:
            self._connected(terminal)
            return
        try:
            data = terminal.socket.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._end(terminal, "dropped")
            return
        if terminal.rest:
            data = terminal.rest + data
            terminal.rest = b""
        if terminal.state == UPGRADING:
            data = self._upgraded(terminal, data)
        size = len(data) - 2
        if 0 < size < 126 and data[0] == 0x81 and data[1] == size:
            self._told(terminal, data[2:])
        elif data:
            self._split(terminal, data)

    def _connected(self, terminal: Terminal) -> None:
        failed = terminal.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if failed:
            self._end(terminal, "refused")
            return
        self._epoll.modify(terminal.socket, select.EPOLLIN)
        terminal.state = UPGRADING
        self._send(terminal, self._upgrade)

    def _upgraded(self, terminal: Terminal, data: bytes) -> bytes:
        """Read the answer to the handshake and register; what came behind it."""
        head, found, rest = data.partition(b"\r\n\r\n")
        if not found:
            terminal.rest = data
            return b""
        if not head.startswith(b"HTTP/1.1 101 "):
            self._end(terminal, "handshake refused")
            return b""
        terminal.state = REGISTERING
        self._send(terminal, self._mask.frame(messages.reg(terminal.place, self._now.decode())))
        return rest

    def _split(self, terminal: Terminal, data: bytes) -> None:
        try:
            found, terminal.rest = frames.split(data)
        except ValueError as wrong:
            self._end(terminal, str(wrong))
            return
        for opcode, payload in found:
            if opcode == frames.TEXT:
                self._told(terminal, payload)
            elif opcode == frames.PONG:
                self.pongs += 1
            elif opcode == frames.PING:
                self._send(terminal, self._mask.frame(payload, frames.PONG))
            else:
                self._end(terminal, "closed by the server")
                return

    def _told(self, terminal: Terminal, payload: bytes) -> None:
        if terminal.state == BUSY:
            terminal.state = READY
            if messages.acknowledges(payload, terminal.number, self._records):
                self.acknowledged += 1
            else:
                self.wrong["not acknowledged"] += 1
                # no latency of an answer that is none
                terminal.since = 0.0
            self.answered(terminal)
        elif terminal.state == REGISTERING:
            self._opening -= 1
            if not messages.admits(payload):
                self._end(terminal, "not admitted", is_opening=False)
                return
            terminal.state = READY
            self.registered += 1
            self.ready.append(terminal)
        else:
            self.wrong["unasked message"] += 1

    def _send(self, terminal: Terminal, data: bytes) -> None:
        try:
            sent = terminal.socket.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._end(terminal, "dropped")
            return
        if sent < len(data):
            # A server that does not read: wait for it, for a client this is the end of the line anyhow.
            terminal.socket.settimeout(5)
            try:
                terminal.socket.sendall(data[sent:])
                terminal.socket.setblocking(False)
            except OSError:
                self._end(terminal, "not read from")

    def _end(self, terminal: Terminal, why: str, is_opening: bool | None = None) -> None:
        if self.terminals.pop(terminal.socket.fileno(), None) is None:
            return
        self.wrong[why] += 1
        if is_opening is None:
            is_opening = terminal.state < READY
        self._opening -= is_opening
        terminal.state = CONNECTING
        terminal.socket.close()
