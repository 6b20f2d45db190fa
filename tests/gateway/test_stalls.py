"""Who is in the middle of something for too long: messages that do not end, answers that are not read."""

from __future__ import annotations

import json
from typing import Any

from tests.gateway.raw_frames import BINARY, CONTINUATION, PING, TEXT, frame, text
from tests.gateway.raw_peer import RawPeer, WireCase
from tests.gateway.stand_ins import Stand
from tfserver.config import LimitSettings, Settings
from tfserver.gateway.fleet import Fleet
from tfserver.gateway.link import Link

LIMITS = LimitSettings(message_seconds=20, unread_seconds=10)
MESSAGE = json.dumps({"cmd": "nothing", "text": "x" * 1000}).encode()


class StallCase(WireCase):
    """Connections of a real fleet, whose bounds are 20 s for a message and 10 s for an answer."""

    def setUp(self) -> None:
        """A fleet whose sweeps are called by hand."""
        super().setUp()
        self.stand = Stand(Settings(limits=LIMITS))
        self.stand.clock = self.clock
        self.fleet = Fleet(self.clock, self.stand.services, self.clock.seconds)
        self.made: list[Link] = []
        self.factory = self.make_factory(self.link, Settings(limits=LIMITS))

    def link(self, connection: Any) -> Link:
        """A link on a connection."""
        made = self.stand.link(connection, self.fleet, f"c{len(self.made)}")
        self.fleet.add(made)
        self.made.append(made)
        return made

    def after(self, seconds: int, *each_second: tuple[RawPeer, bytes]) -> None:
        """Time passes; each second this is said and all links are looked at."""
        for _ in range(seconds):
            for peer, data in each_second:
                peer.send(data)
            self.clock.advance(1)
            self.fleet.tick()

    def is_cut(self, peer: RawPeer) -> bool:
        """Whether the server let go of a connection."""
        return peer.is_closed

    def cut(self, why: str) -> int:
        """How many were cut off for this reason."""
        return self.stand.services.metrics.cut_off[why]

    @property
    def listed(self) -> int:
        """How many are listed as being in the middle of something."""
        stalls = self.fleet.stalls
        return len(stalls._messages) + len(stalls._frames) + len(stalls._unread)


class MessageTests(StallCase):
    """Messages that were begun."""

    def test_all_but_its_last_byte(self) -> None:
        """A message whose last byte does not come ends the connection, in its time and not before."""
        peer = self.connected()
        peer.send(text(MESSAGE)[:-1])
        self.after(19)
        self.assertFalse(self.is_cut(peer))
        self.after(1)
        self.assertTrue(self.is_cut(peer))
        self.assertEqual(self.cut("unfinished message"), 1)

    def test_byte_by_byte(self) -> None:
        """A byte a second makes it no younger."""
        peer = self.connected()
        data = text(MESSAGE)
        peer.send(data[:20])
        for place in range(20):
            self.after(1, (peer, data[20 + place : 21 + place]))
        self.assertTrue(self.is_cut(peer))

    def test_pings_between(self) -> None:
        """Nor do pings between its parts, which are a sign of life."""
        peer = self.connected()
        peer.send(frame(TEXT, MESSAGE, fin=False))
        self.after(19, (peer, frame(PING, b"")))
        self.assertFalse(self.is_cut(peer))
        self.after(1, (peer, frame(PING, b"")))
        self.assertTrue(self.is_cut(peer))

    def test_pieces_of_nothing(self) -> None:
        """Nor do fragments, with content or without."""
        peer = self.connected()
        peer.send(frame(TEXT, b"{", fin=False))
        self.after(20, (peer, frame(CONTINUATION, b"", fin=False)))
        self.assertTrue(self.is_cut(peer))

    def test_half_a_header(self) -> None:
        """The first bytes of a frame are the beginning of a message too."""
        peer = self.connected()
        peer.send(frame(TEXT, MESSAGE)[:3])
        self.after(20)
        self.assertTrue(self.is_cut(peer))

    def test_half_a_ping(self) -> None:
        """A ping that does not end is no sign of life."""
        peer = self.connected()
        peer.send(frame(PING, b"hello")[:-1])
        self.after(20)
        self.assertTrue(self.is_cut(peer))

    def test_ended(self) -> None:
        """A message that becomes whole in time is forgotten, and so is a frame."""
        peer = self.connected()
        for data in (text(MESSAGE), frame(BINARY, b"x" * 70_000), frame(PING, b"hello")):
            peer.send(data[:-1])
            self.assertEqual(self.listed, 1)
            self.after(19)
            peer.send(data[-1:])
            self.assertEqual(self.listed, 0)
            self.after(2)
        self.assertFalse(self.is_cut(peer))

    def test_one_after_the_other(self) -> None:
        """Messages that end within what begins the next have each their own time."""
        peer = self.connected()
        data = text(MESSAGE)
        peer.send(data[:-1])
        self.after(45, (peer, data[-1:] + data[:-1]))
        self.assertFalse(self.is_cut(peer))
        self.after(20)
        self.assertTrue(self.is_cut(peer))

    def test_pings_one_after_the_other(self) -> None:
        """The same of pings that are cut by segments."""
        peer = self.connected()
        data = frame(PING, b"hello")
        peer.send(data[:-1])
        self.after(45, (peer, data[-1:] + data[:-1]))
        self.assertFalse(self.is_cut(peer))

    def test_held(self) -> None:
        """While we do not read from it, it can't end its message; after that it has the rest of its time."""
        peer = self.connected()
        peer.send(text(MESSAGE)[:-1])
        self.after(10)
        self.made[0].hold("too fast")
        self.after(15)
        self.made[0].resume("too fast")
        self.after(9)
        self.assertFalse(self.is_cut(peer))
        self.after(1)
        self.assertTrue(self.is_cut(peer))

    def test_others(self) -> None:
        """Only those who stall are cut, and whoever is gone is forgotten."""
        good, bad, gone = self.connected(), self.connected(), self.connected()
        for peer in (bad, gone):
            peer.send(text(MESSAGE)[:-1])
        gone.lose()
        self.assertEqual(self.listed, 1)
        self.after(20, (good, frame(PING, b"")))
        self.assertEqual([self.is_cut(peer) for peer in (good, bad)], [False, True])
        self.assertEqual(self.listed, 0)


class UnreadTests(StallCase):
    """Answers that are not read; the transport says when it is full and when it is empty."""

    def setUp(self) -> None:
        """A connection that is registered."""
        super().setUp()
        self.peer = self.connected()
        self.transport: Any = self.peer.transport

    def fill(self, size: int) -> None:
        """So much waits to be written."""
        self.transport.dataBuffer = b"x" * size

    def test_cut(self) -> None:
        """Who takes nothing is cut in time and not before."""
        self.fill(100_000)
        self.made[0].pauseProducing()
        self.after(9)
        self.assertFalse(self.is_cut(self.peer))
        self.after(1)
        self.assertTrue(self.is_cut(self.peer))
        self.assertEqual(self.cut("unread answers"), 1)

    def test_slow(self) -> None:
        """Who takes something is slow, and stays; also when more is said meanwhile."""
        self.fill(50_000)
        self.made[0].pauseProducing()
        for size in range(100_000, 55_000, -5_000):
            self.fill(size)
            self.after(5)
        self.assertFalse(self.is_cut(self.peer))

    def test_a_byte_now_and_then(self) -> None:
        """A few bytes now and then are nothing."""
        self.made[0].pauseProducing()
        for size in range(100_000, 99_988, -1):
            self.fill(size)
            self.after(1)
        self.assertTrue(self.is_cut(self.peer))

    def test_read(self) -> None:
        """Who has read all in time is forgotten."""
        self.fill(100_000)
        self.made[0].pauseProducing()
        self.after(9)
        self.fill(0)
        self.made[0].resumeProducing()
        self.assertEqual(self.listed, 0)
        self.after(9)
        self.assertFalse(self.is_cut(self.peer))
