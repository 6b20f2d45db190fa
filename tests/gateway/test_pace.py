"""How fast a connection may speak."""

from __future__ import annotations

import math
from typing import Any

from tests.gateway.raw_frames import frame, text
from tests.gateway.raw_peer import EchoLink, RawPeer, WireCase
from tfserver.config import LimitSettings, Settings
from tfserver.gateway.pace import REST_SECONDS, WHY

PER_SECOND = 2
BURST = 20
PING, CONTINUED = 9, 0


class HeldLink(EchoLink):
    """Notes for what it is held."""

    def __init__(self, connection: Any) -> None:
        super().__init__(connection)
        self.held: set[str] = set()

    def hold(self, why: str) -> None:
        """Read no more."""
        self.held.add(why)

    def resume(self, why: str) -> None:
        """Read on."""
        self.held.discard(why)


class PaceTests(WireCase):
    """Two messages a second, twenty at once."""

    def setUp(self) -> None:
        """A connection from an address that counts."""
        super().setUp()
        limits = LimitSettings(messages_per_second=PER_SECOND)
        self.factory = self.make_factory(self.held, Settings(limits=limits))
        self.peer = self.connected()

    def held(self, connection: Any) -> HeldLink:
        """A link that can be held."""
        self.links.append(HeldLink(connection))
        return self.links[-1]  # type: ignore[return-value]

    def is_held(self, place: int = 0) -> bool:
        """Whether a connection is not read from."""
        link: Any = self.links[place]
        return bool(link.held == {WHY})

    def say(self, count: int, peer: RawPeer | None = None) -> None:
        """So many messages."""
        for _ in range(count):
            (peer or self.peer).send(text("x"))

    def test_burst(self) -> None:
        """What may come at once is heard without a stop; one more stops the reading, and is heard too."""
        self.say(BURST)
        self.assertFalse(self.is_held())
        self.say(1)
        self.assertTrue(self.is_held())
        self.assertEqual(len(self.links[0].messages), BURST + 1)

    def test_goes_on(self) -> None:
        """When it is paid for, reading goes on."""
        self.say(BURST + 1)
        self.clock.advance(1)
        self.assertTrue(self.is_held())
        self.clock.advance(REST_SECONDS + 0.1)
        self.assertFalse(self.is_held())
        self.say(2)
        self.assertTrue(self.is_held())

    def test_all_of_one_read_is_heard(self) -> None:
        """What had arrived before the stop is not lost, and paid for afterwards."""
        self.peer.send(text("x") * (BURST + 9))
        self.assertEqual(len(self.links[0].messages), BURST + 9)
        self.clock.pump([1] * 4)
        self.assertTrue(self.is_held())
        self.clock.pump([1] * 3)
        self.assertFalse(self.is_held())

    def test_steady(self) -> None:
        """Whoever speaks no faster than that is never stopped, however long."""
        for _ in range(10 * BURST):
            self.clock.advance(1 / PER_SECOND)
            self.say(1)
            self.assertFalse(self.is_held())

    def test_control_frames(self) -> None:
        """Pings count, and so do the pieces of a message."""
        for _ in range(BURST + 1):
            self.peer.send(frame(PING, b""))
        self.assertTrue(self.is_held())
        other = self.connected("192.0.2.8")
        other.send(frame(1, b"x", fin=False))
        for _ in range(BURST + 1):
            other.send(frame(CONTINUED, b"", fin=False))
        self.assertTrue(self.is_held(1))

    def test_long_messages(self) -> None:
        """A long message counts as many short ones, in one frame or in several."""
        self.peer.send(text("x" * (BURST << 14)))
        self.assertTrue(self.is_held())
        other = self.connected("192.0.2.8")
        for _ in range(2):
            other.send(frame(1, b"x" * (BURST << 13), fin=False) + frame(CONTINUED, b"x" * (BURST << 13)))
        self.assertTrue(self.is_held(1))

    def test_others(self) -> None:
        """Another connection is not concerned, also from the same address."""
        other = self.connected()
        self.say(BURST + 1)
        self.say(BURST, other)
        self.assertEqual((self.is_held(0), self.is_held(1)), (True, False))

    def test_exempt(self) -> None:
        """Exempt addresses are not counted."""
        peer = self.connected("127.0.0.1")
        self.say(5 * BURST, peer)
        self.assertFalse(self.is_held(1))
        self.assertEqual(self.links[1].connection.may_say, math.inf)

    def test_gone_meanwhile(self) -> None:
        """A connection that ends while it is held is not asked to go on."""
        self.say(BURST + 1)
        self.peer.lose()
        self.clock.pump([1] * 4)
        self.assertTrue(self.is_held())
        self.assertEqual(self.factory.pace._resting, set())

    def test_clock_set_back(self) -> None:
        """A clock that is set back takes nothing away."""
        self.say(BURST)
        self.clock.rightNow -= 500
        self.say(1)
        self.clock.advance(1.5)
        self.assertFalse(self.is_held())

    def test_counted(self) -> None:
        """Each stop is counted."""
        self.say(BURST + 5)
        self.assertEqual(self.metrics.notes, {"too many messages in a second": 1})
