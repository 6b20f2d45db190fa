"""A terminal that speaks in bytes, over a transport in memory, and the base class of tests that use it."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from tests.gateway import raw_frames
from tests.gateway.raw_frames import Received
from tfserver.config import Settings
from tfserver.gateway.factory import TerminalFactory
from tfserver.metrics import Metrics


class ClockTimer:
    """Autobahn's timers on a clock of ours: by itself it takes the global reactor."""

    def __init__(self, clock: Clock) -> None:
        self.call_later = clock.callLater


class Transport(StringTransport):
    """A transport in memory that takes it as lightly as TCP does when no producer was registered."""

    def unregisterProducer(self) -> None:
        """Forget the producer, if there is one."""
        self.producer = None


class EchoLink:
    """Stands in for a Link: keeps what it is told, and sends every message back."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.messages: list[bytes] = []
        self.heard_times = 0
        self.context = SimpleNamespace(about={"connection": "echo"})
        self.is_inside = False
        self.is_lost = False

    def received(self, payload: bytes) -> None:
        """A message came."""
        self.messages.append(payload)
        self.connection.sendMessage(payload)

    def heard(self) -> None:
        """A control frame came."""
        self.heard_times += 1

    def begun(self) -> None:
        """A message begins that comes in pieces."""

    def left(self, count: int, in_message: bool, in_frame: bool) -> None:
        """Something came in pieces."""
        self.is_inside = in_message

    def lost(self) -> None:
        """The connection is gone."""
        self.is_lost = True

    def pauseProducing(self) -> None:
        """The far end reads too slowly (IPushProducer)."""

    def resumeProducing(self) -> None:
        """It has caught up (IPushProducer)."""

    def stopProducing(self) -> None:
        """It is gone (IPushProducer)."""


class RawPeer:
    """One connection seen from its far end."""

    def __init__(self, factory: TerminalFactory, address: str) -> None:
        where = IPv4Address("TCP", address, 40_000)
        self.protocol: Any = factory.buildProtocol(where)
        self.transport = Transport(peerAddress=where)
        self.protocol.makeConnection(self.transport)
        self._is_lost = False

    def send(self, data: bytes) -> None:
        """One TCP segment."""
        self.protocol.dataReceived(data)

    def taken(self) -> bytes:
        """All bytes the server sent since the last time."""
        data = self.transport.value()
        self.transport.clear()
        return data

    def frames(self) -> list[Received]:
        """All frames the server sent since the last time."""
        return raw_frames.read_frames(self.taken())

    @property
    def is_closed(self) -> bool:
        """Whether the server let go of the connection."""
        return bool(self.transport.disconnecting or self.transport.disconnected)

    def lose(self) -> None:
        """The connection ends, as TCP sees it."""
        if not self._is_lost:
            self._is_lost = True
            self.protocol.connectionLost(Failure(ConnectionDone()))


class WireCase(SynchronousTestCase):
    """Raw bytes against the terminals' protocol. ``factory_maker`` is the one place that says which."""

    factory_maker: Callable[..., TerminalFactory] = TerminalFactory

    def setUp(self) -> None:
        """A clock for everything that takes time."""
        self.clock = Clock()
        self.links: list[EchoLink] = []
        self.metrics = Metrics()
        self.factory = self.make_factory(self.echo)

    def make_factory(
        self, make_link: Callable[[Any], Any], settings: Settings | None = None
    ) -> TerminalFactory:
        """A factory whose timers run on ``self.clock``."""
        factory = type(self).factory_maker(self.clock, settings or Settings(), self.metrics, make_link)
        factory._batched_timer = ClockTimer(self.clock)
        return factory

    def echo(self, connection: Any) -> EchoLink:
        """A link that sends everything back."""
        self.links.append(EchoLink(connection))
        return self.links[-1]

    def dial(self, address: str = "192.0.2.7", factory: TerminalFactory | None = None) -> RawPeer:
        """A connection without a handshake."""
        peer = RawPeer(factory or self.factory, address)
        self.addCleanup(peer.lose)
        return peer

    def connected(self, address: str = "192.0.2.7", factory: TerminalFactory | None = None) -> RawPeer:
        """A connection after its handshake."""
        peer = self.dial(address, factory)
        peer.send(raw_frames.handshake())
        self.assertIn(b" 101 ", peer.taken().partition(b"\r\n")[0])
        return peer

    def assert_echoed(self, peer: RawPeer, *messages: bytes) -> None:
        """These messages arrived, and were sent back as text frames, and nothing else was sent."""
        self.assertEqual(self.links[-1].messages, list(messages))
        self.assertEqual(peer.frames(), [Received(raw_frames.TEXT, message) for message in messages])

    def assert_closed_with(self, peer: RawPeer, code: int) -> None:
        """The last frame is a close frame with this code."""
        frames = peer.frames()
        self.assertEqual([frame.opcode for frame in frames if frame.opcode == raw_frames.CLOSE], [8], frames)
        self.assertEqual(frames[-1].code, code, frames)
