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
_MOST_EVENTS: Final = 64
"""In one look at the sockets: answers that came meanwhile are not kept waiting for long."""
_RECEIVE_BYTES: Final = 4096
_VOICES: Final = 16
"""Masking keys in use: no server can gain by knowing the one."""
_COMMAND: Final = b'{"cmd":'
"""How every compact writer begins a command; no peer gives any."""
_WHOLE_TEXT: Final = frames.FINAL | frames.TEXT
# Lets the kernel pick a port that is free towards this server, not towards all (Linux, netinet/in.h).
_IP_BIND_ADDRESS_NO_PORT: Final = 24


def _nothing() -> None:
    """Nobody waits for this any more."""


class Voice:
    """What terminals with the same masking key share."""

    def __init__(self, byte: int, records: int) -> None:
        self.mask = frames.Mask(byte)
        self.sendlogs = messages.SendLogs(records, self.mask)
        self.ping = self.mask.frame(b"", frames.PING)


class Terminal:
    """One connection.

    ``number`` counts its ``sendlog``; ``since`` is when the open request began, ``expected`` how its reply
    will; ``sn`` is masked.
    """

    __slots__ = (
        "expected",
        "number",
        "place",
        "receive",
        "rest",
        "send",
        "since",
        "sn",
        "socket",
        "state",
        "voice",
    )

    def __init__(self, place: int, connection: socket.socket, voice: Voice) -> None:
        self.place = place
        self.voice = voice
        self.sn = voice.mask.masked(messages.serial_number(place).encode())
        self.socket = connection
        self.receive = connection.recv
        self.send = connection.send
        self.state = CONNECTING
        self.rest = b""
        self.number = 0
        self.expected = b""
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
        self.asked: Callable[[Terminal, bytes], None] = self.unasked
        """Called with each command that a server gives, whatever else the terminal waits for."""
        self._address = ("127.0.0.1", port)
        self._first = first
        self._records = records
        self._voices = [Voice(byte, records) for byte in random.sample(range(1, 256), _VOICES)]
        self._most = self._voices[0].sendlogs.most
        self._opened = 0
        self._opening = 0
        self._epoll = select.epoll()
        self._others: dict[int, Callable[[], None]] = {}
        self._now = ""
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
        """Wait up to ``seconds`` for the servers' next words and deal with them.

        The usual answer to a ``sendlog`` is checked right here: the load must not be what is measured.
        """
        if time.perf_counter() >= self._now_until:
            self._tell_time()
        terminals = self.terminals
        wait = 0.0 if seconds < 0.0 else seconds if seconds < _LONGEST_SLEEP else _LONGEST_SLEEP
        for descriptor, _ in self._epoll.poll(wait, _MOST_EVENTS):
            terminal = terminals.get(descriptor)
            if terminal is None:
                self._others.get(descriptor, _nothing)()
                continue
            if terminal.state != BUSY or terminal.rest:
                self._event(terminal)
                continue
            try:
                data = terminal.receive(_RECEIVE_BYTES)
            except OSError as failed:
                self._not_received(terminal, failed)
                continue
            # the payload begins as expected, behind the head of one whole frame
            if data.startswith(terminal.expected, 2) and data[0] == _WHOLE_TEXT and data[1] == len(data) - 2:
                self.acknowledged += 1
                terminal.state = READY
                self.answered(terminal)
            else:
                self._received(terminal, data)

    def punch(self, terminal: Terminal, since: float) -> None:
        """Let a terminal send its next records; ``since`` is where their latency counts from."""
        terminal.number = terminal.number % self._most + 1
        number = b"%d" % terminal.number
        terminal.expected = messages.acknowledgement(self._records, number)
        terminal.since = since
        terminal.state = BUSY
        self._send(terminal, terminal.voice.sendlogs.frame(terminal.sn, number))

    def ping(self, terminal: Terminal) -> None:
        """Let a terminal send a ping."""
        self._send(terminal, terminal.voice.ping)

    def say(self, terminal: Terminal, frame: bytes) -> None:
        """Let a terminal send what is framed and masked already."""
        self._send(terminal, frame)

    def unasked(self, terminal: Terminal, payload: bytes) -> None:
        """A message that nobody expects."""
        self.wrong["unasked message"] += 1

    def watch(self, descriptor: int, readable: Callable[[], None]) -> None:
        """Call ``readable`` in a turn that finds this descriptor readable."""
        self._others[descriptor] = readable
        self._epoll.register(descriptor, select.EPOLLIN)

    def unwatch(self, descriptor: int) -> None:
        """Forget a descriptor that is watched."""
        del self._others[descriptor]
        self._epoll.unregister(descriptor)

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
        self.terminals[connection.fileno()] = Terminal(
            self._first + place, connection, self._voices[place % _VOICES]
        )
        self._epoll.register(connection, select.EPOLLOUT)

    def _tell_time(self) -> None:
        """Write the time into what terminals say, once a second."""
        now = time.time()
        self._now = messages.local_time(now)
        self._now_until = time.perf_counter() + 1.0 - now % 1.0
        for voice in self._voices:
            voice.sendlogs.tell_time(self._now)

    def _event(self, terminal: Terminal) -> None:
        if terminal.state == CONNECTING:
            self._connected(terminal)
            return
        try:
            data = terminal.receive(_RECEIVE_BYTES)
        except OSError as failed:
            self._not_received(terminal, failed)
            return
        self._received(terminal, data)

    def _not_received(self, terminal: Terminal, failed: OSError) -> None:
        if not isinstance(failed, BlockingIOError):
            self._end(terminal, "dropped")

    def _received(self, terminal: Terminal, data: bytes) -> None:
        if not data:
            self._end(terminal, "dropped")
            return
        if terminal.rest:
            data = terminal.rest + data
            terminal.rest = b""
        if terminal.state == UPGRADING:
            data = self._upgraded(terminal, data)
        if data:
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
        self._send(terminal, terminal.voice.mask.frame(messages.reg(terminal.place, self._now)))
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
                self._send(terminal, terminal.voice.mask.frame(payload, frames.PONG))
            else:
                self._end(terminal, "closed by the server")
                return

    def _told(self, terminal: Terminal, payload: bytes) -> None:
        if payload.startswith(_COMMAND):
            self.asked(terminal, payload)
        elif terminal.state == BUSY:
            terminal.state = READY
            if messages.acknowledges(payload, self._records, terminal.number):
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
            self.unasked(terminal, payload)

    def _send(self, terminal: Terminal, data: bytes) -> None:
        try:
            sent = terminal.send(data)
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
