"""Very many terminals in one process on raw epoll, that come back whenever they lose their connection.

Run as a program it is told what to do line by line: ``begin`` connects all of them at once, ``reset`` tears
all connections but the talkers' and lets them come back at once, ``forget`` counts anew, ``tell`` prints how
it stands as one line of JSON, ``end`` the same once all is acknowledged, or after a while. Linux and loopback
only.
"""

from __future__ import annotations

import argparse
import heapq
import json
import os
import random
import resource
import select
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Final, TextIO

from tests.real.client import TEXT, frame

AWAY, CONNECTING, UPGRADING, REGISTERING, READY, BUSY = range(6)
AN_ADDRESS: Final = 10_000
"""Terminals of one source address: each has 28,000 ports."""
PATIENCE: Final = 20.0
"""Firmware begins anew after so many seconds without an answer."""
BACK: Final = (0.5, 3.0)
"""So many seconds a terminal waits before it tries again."""
TALK_SECONDS: Final = 1.0
END_SECONDS: Final = 120.0
TURN: Final = 0.05
_NO_PORT_YET: Final = 24
"""IP_BIND_ADDRESS_NO_PORT (Linux, netinet/in.h): a port that is free towards this server will do."""


class Terminal:
    """One of them; ``punches`` is how many it has made, ``kept`` how many of them were acknowledged."""

    __slots__ = (
        "at",
        "host",
        "kept",
        "port",
        "punches",
        "rest",
        "since",
        "sn",
        "socket",
        "state",
        "talks",
        "told",
    )

    def __init__(self, place: int, port: int, talks: bool, backlog: int) -> None:
        self.sn = f"ST{place:010}"
        self.host = f"127.0.0.{2 + place // AN_ADDRESS}"
        self.port = port
        self.talks = talks
        self.state = AWAY
        self.socket: socket.socket | None = None
        self.rest = b""
        self.since = 0.0
        self.at = 0.0
        """When its next deadline is, or its next try."""
        self.punches = backlog
        self.kept = 0
        self.told = 0


class Swarm:
    """All of them. ``chance`` spreads their tries; acknowledged punches go to ``acks`` as lines of JSON; all
    punches are of one ``day``."""

    def __init__(self, terminals: list[Terminal], chance: random.Random, acks: TextIO, day: str) -> None:
        self.terminals = terminals
        self.seen: Counter[str] = Counter()
        self.acked_ms: list[float] = []
        """How long talkers waited for their acknowledgements."""
        self._chance = chance
        self._acks = acks
        self._day = day
        self._epoll = select.epoll()
        self._by_file: dict[int, Terminal] = {}
        self._others: dict[int, Callable[[], None]] = {}
        self._due: list[tuple[float, int]] = []
        self._places = {terminal.sn: place for place, terminal in enumerate(terminals)}

    def watch(self, file: int, act: Callable[[], None]) -> None:
        """Do this when there is something to read there."""
        self._others[file] = act
        self._epoll.register(file, select.EPOLLIN)

    def begin(self) -> None:
        """All connect at once."""
        for terminal in self.terminals:
            self._connect(terminal)

    def reset(self) -> None:
        """All but the talkers lose their connections and come back at once."""
        lost = [terminal for terminal in self.terminals if not terminal.talks]
        for terminal in lost:
            self._leave(terminal)
        for terminal in lost:
            terminal.punches += 1
            self._connect(terminal)

    def forget(self) -> None:
        """Count anew what is seen, and how long talkers wait."""
        self.acked_ms.clear()
        self.seen.clear()

    def turn(self) -> None:
        """Deal with what came, and with what is due."""
        for file, events in self._epoll.poll(TURN, 256):
            terminal = self._by_file.get(file)
            if terminal is not None:
                self._event(terminal, events)
            elif file in self._others:
                self._others[file]()
        now = time.monotonic()
        while self._due and self._due[0][0] <= now:
            at, place = heapq.heappop(self._due)
            if self.terminals[place].at == at:
                self._is_due(self.terminals[place])

    def tell(self) -> dict[str, Any]:
        """How it stands."""
        took = sorted(self.acked_ms)
        return {
            "registered": sum(terminal.state >= READY for terminal in self.terminals),
            "waiting": sum(terminal.punches - terminal.kept for terminal in self.terminals),
            "talked": len(took),
            "p50_ms": _share(took, 0.5),
            "p99_ms": _share(took, 0.99),
            "most_ms": _share(took, 1.0),
            "seen": dict(self.seen),
        }

    def quiet(self) -> bool:
        """Whether nothing waits to be acknowledged; talkers make no more punches when this is asked."""
        for terminal in self.terminals:
            terminal.talks = False
        return all(terminal.kept >= terminal.punches for terminal in self.terminals)

    def _connect(self, terminal: Terminal) -> None:
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        made.setblocking(False)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        made.setsockopt(socket.IPPROTO_IP, _NO_PORT_YET, 1)
        made.bind((terminal.host, 0))
        terminal.socket, terminal.rest = made, b""
        self._by_file[made.fileno()] = terminal
        self._epoll.register(made, select.EPOLLOUT)
        self._wait(terminal, CONNECTING)
        try:
            made.connect(("127.0.0.1", terminal.port))
        except BlockingIOError:
            pass
        except OSError:
            self._lost(terminal, "not connected")

    def _wait(self, terminal: Terminal, state: int) -> None:
        """For the server, but not for ever."""
        terminal.state = state
        terminal.since = time.monotonic()
        self._later(terminal, PATIENCE)

    def _later(self, terminal: Terminal, seconds: float) -> None:
        terminal.at = time.monotonic() + seconds
        heapq.heappush(self._due, (terminal.at, self._places[terminal.sn]))

    def _leave(self, terminal: Terminal) -> None:
        terminal.state, terminal.at = AWAY, 0.0
        if terminal.socket is not None:
            del self._by_file[terminal.socket.fileno()]
            terminal.socket.close()
            terminal.socket = None

    def _lost(self, terminal: Terminal, why: str) -> None:
        self.seen[why] += 1
        self._leave(terminal)
        self._later(terminal, self._chance.uniform(*BACK))

    def _is_due(self, terminal: Terminal) -> None:
        if terminal.state == AWAY:
            self._connect(terminal)
        elif terminal.state == READY:
            if terminal.kept == terminal.punches and terminal.talks:
                terminal.punches += 1
            self._go_on(terminal)
        elif terminal.state == REGISTERING and terminal.told:
            self._register(terminal)
        else:
            self._lost(terminal, f"no answer while {_WORDS[terminal.state]}")

    def _event(self, terminal: Terminal, events: int) -> None:
        assert terminal.socket is not None
        if terminal.state == CONNECTING:
            if terminal.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                self._lost(terminal, "not connected")
                return
            self._epoll.modify(terminal.socket, select.EPOLLIN)
            self._wait(terminal, UPGRADING)
            self._send(terminal, _UPGRADE)
            return
        try:
            data = terminal.socket.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._read(terminal, terminal.rest + data)
        else:
            self._lost(terminal, f"dropped while {_WORDS[terminal.state]}")

    def _send(self, terminal: Terminal, data: bytes) -> None:
        assert terminal.socket is not None
        try:
            sent = terminal.socket.send(data)
        except OSError:
            sent = 0
        if sent < len(data):
            self._lost(terminal, "not read from")

    def _read(self, terminal: Terminal, data: bytes) -> None:
        terminal.rest = b""
        if terminal.state == UPGRADING:
            head, end, data = data.partition(b"\r\n\r\n")
            if not end:
                terminal.rest = head
                return
            if not head.startswith(b"HTTP/1.1 101"):
                self._lost(terminal, f"handshake answered {head[9:12].decode()}")
                return
            self._register(terminal)
        while data and terminal.socket is not None:
            payload, kind, data = _split(data)
            if payload is None:
                terminal.rest = data
                return
            if kind == TEXT:
                self._told(terminal, json.loads(payload))

    def _register(self, terminal: Terminal) -> None:
        terminal.told = 0
        self._wait(terminal, REGISTERING)
        self._send(terminal, _message(cmd="reg", sn=terminal.sn, devinfo={"modelname": "storm"}))

    def _told(self, terminal: Terminal, message: dict[str, Any]) -> None:
        word, is_yes = message.get("ret"), message.get("result") is True
        if word == "reg" and terminal.state == REGISTERING:
            if is_yes:
                self._go_on(terminal)
            else:
                self.seen[f"reg refused: {message.get('reason')}"] += 1
                terminal.told = 1
                self._later(terminal, self._chance.uniform(*BACK))
        elif word == "sendlog" and terminal.state == BUSY:
            if is_yes:
                self._kept(terminal)
                self._go_on(terminal)
            else:
                self.seen["punch refused"] += 1
                terminal.state = READY
                self._later(terminal, self._chance.uniform(*BACK))

    def _kept(self, terminal: Terminal) -> None:
        if terminal.talks:
            self.acked_ms.append(1000 * (time.monotonic() - terminal.since))
        key = {**self._record(terminal.kept), "sn": terminal.sn}
        self._acks.write(json.dumps(key) + "\n")
        terminal.kept += 1

    def _go_on(self, terminal: Terminal) -> None:
        """Push the next punch, or wait until there is one."""
        if terminal.kept < terminal.punches:
            self._wait(terminal, BUSY)
            fields = {"count": 1, "logindex": terminal.kept, "record": [self._record(terminal.kept)]}
            self._send(terminal, _message(cmd="sendlog", sn=terminal.sn, **fields))
            return
        terminal.state, terminal.at = READY, 0.0
        if terminal.talks:
            self._later(terminal, TALK_SECONDS * self._chance.uniform(0.5, 1.5))

    def _record(self, number: int) -> dict[str, Any]:
        """A terminal's punch of that number, always the same one."""
        minutes, second = divmod(number, 60)
        hour, minute = divmod(minutes, 60)
        when = f"{self._day} {hour:02}:{minute:02}:{second:02}"
        return {"enrollid": 7, "time": when, "mode": 1, "inout": 0, "event": 0}


_WORDS: Final = {
    CONNECTING: "connecting",
    UPGRADING: "shaking hands",
    REGISTERING: "registering",
    READY: "idle",
    BUSY: "punching",
}
_UPGRADE: Final = (
    b"GET /pub/chat HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def _message(**fields: Any) -> bytes:
    return frame(json.dumps(fields, separators=(",", ":")).encode())


def _split(data: bytes) -> tuple[bytes | None, int, bytes]:
    """The first frame, its kind, and what comes behind it; no frame: it is not whole yet."""
    size, begin = (data[1] & 127, 2) if len(data) > 1 else (0, 2)
    if size == 126 and len(data) > 3:
        size, begin = int.from_bytes(data[2:4], "big"), 4
    if len(data) < begin + size:
        return None, 0, data
    return data[begin : begin + size], data[0] & 15, data[begin + size :]


def _share(took: list[float], part: float) -> float:
    return round(took[min(len(took) - 1, int(len(took) * part))], 1) if took else 0.0


def _tell(swarm: Swarm) -> None:
    sys.stdout.write(json.dumps(swarm.tell()) + "\n")
    sys.stdout.flush()


def obey(swarm: Swarm) -> None:
    """Do what the lines say, until the last one is done."""
    ends: list[float] = []

    def lines() -> None:
        """What came since: each word was written at once, several may have come together."""
        said = os.read(sys.stdin.fileno(), 4096).decode()
        for word in said.split() or ["end"]:
            words[word]()

    words = {
        "begin": swarm.begin,
        "reset": swarm.reset,
        "forget": swarm.forget,
        "tell": lambda: _tell(swarm),
        "end": lambda: ends.append(time.monotonic() + END_SECONDS),
    }
    swarm.watch(sys.stdin.fileno(), lines)
    while not ends or (not swarm.quiet() and time.monotonic() < ends[0]):
        swarm.turn()


def main() -> None:
    """Read the options and be told."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--ports", required=True, help="of the servers, with commas between them")
    parser.add_argument("--first", type=int, default=0, help="number of the first terminal")
    parser.add_argument("--terminals", type=int, required=True)
    parser.add_argument("--talkers", type=int, default=0, help="how many of them push all the time")
    parser.add_argument("--backlog", type=int, default=1, help="punches that each has made before")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--day", required=True, help="date of all punches, YYYY-MM-DD")
    parser.add_argument("--acks", required=True, help="file for acknowledged punches")
    options = parser.parse_args()
    ports = [int(port) for port in options.ports.split(",")]
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    places = range(options.first, options.first + options.terminals)
    made = [
        Terminal(place, ports[place % len(ports)], place - options.first < options.talkers, options.backlog)
        for place in places
    ]
    with open(options.acks, "w") as acks:
        swarm = Swarm(made, random.Random(options.seed), acks, options.day)
        obey(swarm)
        acks.flush()
        _tell(swarm)


if __name__ == "__main__":
    main()
