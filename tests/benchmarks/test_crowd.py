"""The load's terminals towards a server that the test plays: what they say, what they take for wrong."""

from __future__ import annotations

import json
import socket
import struct

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.crowd import BUSY, READY, Crowd, Terminal
from tests.benchmarks.test_terminals import unmasked

RIGHT = {"ret": "sendlog", "result": True, "count": 1, "logindex": 1, "cloudtime": "2026-04-02 08:15:00"}


def framed(payload: bytes) -> bytes:
    """A text frame of a server."""
    size = bytes((len(payload),)) if len(payload) < 126 else b"\x7e" + struct.pack(">H", len(payload))
    return b"\x81" + size + payload


class CrowdTests(SynchronousTestCase):
    """One terminal that has sent one record."""

    def setUp(self) -> None:
        """It is connected, registered and waits for its answer."""
        listening = socket.create_server(("127.0.0.1", 0))
        listening.settimeout(10)
        self.addCleanup(listening.close)
        self.crowd = Crowd(listening.getsockname()[1], 0, 1)
        self.addCleanup(self.crowd.close)
        self.crowd.open(1, 1, 0.05)
        self.peer, _ = listening.accept()
        self.peer.settimeout(10)
        self.addCleanup(self.peer.close)
        self.turn()
        self.assertTrue(self.peer.recv(4096).startswith(b"GET "))
        self.crowd.wrong.clear()
        self.say(b"HTTP/1.1 101 \r\n\r\n")
        self.assertEqual(json.loads(unmasked(self.peer.recv(4096)))["cmd"], "reg")
        self.say(framed(b'{"ret":"reg","result":true}'))
        self.terminal: Terminal = self.crowd.ready.popleft()
        self.crowd.punch(self.terminal, 1.0)
        self.assertEqual(json.loads(unmasked(self.peer.recv(4096)))["logindex"], 1)

    def turn(self) -> None:
        """Look once at what came."""
        self.crowd.turn(0.05)

    def say(self, data: bytes) -> None:
        """The server's bytes, received."""
        self.peer.sendall(data)
        self.turn()

    def found(self) -> tuple[int, int, dict[str, int]]:
        """The terminal's state, how many were acknowledged, and what was wrong."""
        return self.terminal.state, self.crowd.acknowledged, dict(self.crowd.wrong)

    def test_right(self) -> None:
        """The right reply in the usual way of writing, in another, and behind a long form of the length."""
        loose = json.dumps(RIGHT).encode()
        compact = json.dumps(RIGHT, separators=(",", ":")).encode()
        for reply in (
            framed(compact),
            framed(loose),
            b"\x81\x7e" + struct.pack(">H", len(compact)) + compact,
        ):
            self.say(reply)
            self.assertEqual((self.found()[0], self.found()[2]), (READY, {}))
            self.terminal.number = 0
            self.crowd.punch(self.terminal, 1.0)
        self.assertEqual(self.crowd.acknowledged, 3)

    def test_in_pieces(self) -> None:
        """A reply that comes byte by byte counts when it is whole, and once."""
        reply = framed(json.dumps(RIGHT, separators=(",", ":")).encode())
        for place in range(len(reply)):
            self.assertEqual(self.found(), (BUSY, 0, {}))
            self.say(reply[place : place + 1])
        self.assertEqual(self.found(), (READY, 1, {}))

    def test_wrong(self) -> None:
        """Another index or result is wrong, and so is a second reply behind the right one."""
        compact = json.dumps(RIGHT, separators=(",", ":"))
        for reply in (compact.replace('index":1', 'index":11'), compact.replace("true", "false")):
            self.say(framed(reply.encode()))
            self.terminal.number = 0
            self.crowd.punch(self.terminal, 1.0)
        self.assertEqual(self.found(), (BUSY, 0, {"not acknowledged": 2}))
        self.say(framed(compact.encode()) * 2)
        self.assertEqual(self.found(), (READY, 1, {"not acknowledged": 2, "unasked message": 1}))

    def test_dropped(self) -> None:
        """A connection that ends instead is wrong."""
        self.peer.close()
        self.turn()
        self.assertEqual(self.crowd.wrong["dropped"], 1)

    def test_asked(self) -> None:
        """A command reaches whoever prepared an answer, also while the terminal waits for its own."""
        self.say(framed(b'{"cmd":"getnewlog","stn":true}'))
        self.assertEqual(self.found(), (BUSY, 0, {"unasked message": 1}))
        asked: list[bytes] = []
        self.crowd.asked = lambda terminal, payload: asked.append(payload)
        self.say(framed(b'{"cmd":"opendoor"}') + framed(json.dumps(RIGHT).encode()))
        self.assertEqual((asked, self.found()), ([b'{"cmd":"opendoor"}'], (READY, 1, {"unasked message": 1})))
        self.crowd.say(self.terminal, self.terminal.voice.mask.frame(b"{}"))
        self.assertEqual(unmasked(self.peer.recv(4096)), b"{}")

    def test_watched(self) -> None:
        """What else is watched is looked at in the same turns, until it is not watched any more."""
        ends = socket.socketpair()
        for end in ends:
            self.addCleanup(end.close)
        found: list[bytes] = []
        self.crowd.watch(ends[0].fileno(), lambda: found.append(ends[0].recv(9)))
        ends[1].sendall(b"x")
        self.turn()
        self.crowd.unwatch(ends[0].fileno())
        ends[1].sendall(b"y")
        self.turn()
        self.assertEqual((found, dict(self.crowd.wrong)), ([b"x"], {}))
