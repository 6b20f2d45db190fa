"""Connections whose bytes go straight to their protocol: they read what Twisted's own do in less room."""

from __future__ import annotations

import errno
import gc
from functools import partial
from typing import Any, cast

from twisted.internet import reactor as global_reactor
from twisted.internet import tcp
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.main import CONNECTION_DONE, CONNECTION_LOST
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactor
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase

from tests.gateway.raw_frames import PING, frame, handshake, text
from tests.gateway.raw_peer import ClockTimer, EchoLink
from tests.gateway.test_websocket_socket import Client
from tfserver.config import Fast, Settings
from tfserver.gateway import fastpath
from tfserver.gateway.factory import TerminalFactory
from tfserver.gateway.fastframes import READ_BYTES, DirectServer
from tfserver.metrics import Metrics

reactor: Any = global_reactor
KINDS: tuple[type[tcp.Server], ...] = (tcp.Server, DirectServer)


class Reader(Protocol):
    """Collects what it is given, piece by piece."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.ended: Deferred[type[BaseException] | None] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        """Twisted: bytes came."""
        self.pieces.append(data)

    def connectionLost(self, reason: Failure = Failure(ConnectionDone())) -> None:  # noqa: B008
        """Twisted: it is over."""
        self.ended.callback(reason.type)


class Socket:
    """A socket that gives what it was told to give, once each."""

    def __init__(self, *given: bytes | OSError) -> None:
        self._given = list(given)

    def recv(self, size: int) -> bytes:
        """The next of it."""
        found = self._given.pop(0)
        if isinstance(found, OSError):
            raise found
        return found

    def fileno(self) -> int:
        """None that is open."""
        return -1

    def setblocking(self, _: bool) -> None:
        """It never waits."""


class ReadTests(SynchronousTestCase):
    """One event."""

    def read(self, kind: type[tcp.Server], *given: bytes | OSError) -> tuple[Any, list[bytes]]:
        """What the reactor is told, and what the protocol was given."""
        reader, made = Reader(), cast(Any, kind)
        server = made(Socket(*given), reader, ("192.0.2.7", 1), None, 1, MemoryReactor())
        return server.doRead(), reader.pieces

    def assert_same(self, *given: bytes | OSError) -> Any:
        """Both kinds tell and give the same."""
        found = self.read(DirectServer, *given)
        self.assertEqual(found, self.read(tcp.Server, *given))
        return found

    def test_bytes(self) -> None:
        """Bytes go to the protocol."""
        self.assertEqual(self.assert_same(b"some bytes"), (None, [b"some bytes"]))

    def test_end(self) -> None:
        """The end is the end."""
        self.assertEqual(self.assert_same(b""), (CONNECTION_DONE, []))

    def test_nothing_there(self) -> None:
        """An event without anything to read is none."""
        again = BlockingIOError(errno.EWOULDBLOCK, "nothing there")
        self.assertEqual(self.assert_same(again, again), (None, []))

    def test_reset(self) -> None:
        """A reset is a loss: the kernel tells it once, and calls it an end when it is asked again."""
        for number in (errno.ECONNRESET, errno.ETIMEDOUT, errno.EHOSTUNREACH):
            self.assertEqual(self.assert_same(OSError(number, "lost"), b""), (CONNECTION_LOST, []))


def _that(reader: Reader) -> Reader:
    return reader


def _is_switched(client: Client) -> bool:
    return client.data.endswith(b"\r\n\r\n")


class SocketTests(TestCase):
    """Over 127.0.0.1, with both kinds of connection."""

    timeout = 20

    @inlineCallbacks
    def both(self, act: Any) -> Any:
        """What comes of it with either kind: the pieces that were read, and why it ended."""
        found = []
        for kind in KINDS:
            reader, factory = Reader(), Factory()
            factory.protocol = partial(_that, reader)
            port = reactor.listenTCP(0, factory, interface="127.0.0.1")
            port.transport = kind
            endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port)
            client: Client = yield connectProtocol(endpoint, Client())
            act(client.transport)
            why = yield reader.ended
            yield client.ended
            yield port.stopListening()
            found.append((reader.pieces, why))
        return found

    @inlineCallbacks
    def test_long(self) -> Any:
        """What is longer than one reading comes in pieces of at most that length, whole and in order."""
        data = bytes(range(256)) * 64 * 5 + b"rest"

        def act(transport: Any) -> None:
            transport.write(data)
            transport.loseConnection()

        for (pieces, why), kind in zip((yield self.both(act)), KINDS, strict=True):
            self.assertEqual((b"".join(pieces), why), (data, ConnectionDone), kind)
        self.assertLessEqual(max(map(len, pieces)), READ_BYTES)

    @inlineCallbacks
    def test_reset(self) -> Any:
        """A connection that is cut is lost, not done."""
        found = yield self.both(lambda transport: transport.abortConnection())
        self.assertEqual(found, [([], ConnectionLost)] * 2)


class RoomTests(TestCase):
    """What an open connection takes."""

    timeout = 20

    def setUp(self) -> None:
        """Listen as the gateway does."""
        self.links: list[EchoLink] = []
        self.factory = TerminalFactory(reactor, Settings(), Metrics(), self.echo)
        self.factory._batched_timer = ClockTimer(Clock())  # Autobahn leaves timers behind
        self.port = reactor.listenTCP(0, self.factory, interface="127.0.0.1")
        self.assertTrue(fastpath.transport_for(self.port, self.factory, self.factory.shortcuts))
        self.addCleanup(self.port.stopListening)

    def echo(self, connection: Any) -> Any:
        """A link that sends everything back."""
        self.links.append(EchoLink(connection))
        return self.links[-1]

    def assert_lean(self, thing: Any) -> None:
        """No dictionary hangs on it: its attributes stand in the instance, with the names in its class.

        Looking at ``__dict__`` would make one; so do more than thirty attributes, and some orders of setting.
        """
        found = [held for held in gc.get_referents(thing) if type(held) is dict]
        self.assertEqual(found, [], type(thing))

    async def test_no_dictionaries(self) -> None:
        """After its handshake, and after it has talked, neither the connection nor its protocol has one."""
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", self.port.getHost().port)
        # As after an outage many are made before the first one talks: what is set only then finds no room.
        early = [await connectProtocol(endpoint, Client()) for _ in range(60)]
        for n in range(3):
            client: Client = await connectProtocol(endpoint, Client())
            client.transport.write(handshake())  # type: ignore[union-attr]
            await client.until(partial(_is_switched, client))
            protocol = self.links[n].connection
            self.assertIs(type(protocol.transport), DirectServer)
            self.assert_lean(protocol)
            self.assert_lean(protocol.transport)
            client.transport.write(frame(PING, b"?") + text("hello"))  # type: ignore[union-attr]
            await client.until(client.has(3 + 7))
            self.assert_lean(protocol)
            self.assert_lean(protocol.transport)
            client.transport.loseConnection()  # type: ignore[union-attr]
            await client.ended
        for client in early:
            client.transport.abortConnection()  # type: ignore[union-attr]
        await self.all_gone()

    async def test_said_before_the_end(self) -> None:
        """A refusal is read in full before the connection ends in the same turn."""
        self.factory.draining = True
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", self.port.getHost().port)
        client: Client = await connectProtocol(endpoint, Client())
        client.transport.write(handshake())  # type: ignore[union-attr]
        await client.ended
        self.assertTrue(client.data.startswith(b"HTTP/1.1 503 "), client.data)
        await self.all_gone()

    async def test_handed_over_before_the_end(self) -> None:
        """What was said is with the transport when its end begins: it may end within the same event."""
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", self.port.getHost().port)
        client: Client = await connectProtocol(endpoint, Client())
        client.transport.write(handshake())  # type: ignore[union-attr]
        await client.until(partial(_is_switched, client))
        protocol = self.links[0].connection
        protocol.sendMessage(b"goodbye")
        protocol.dropConnection()
        self.assertEqual(protocol._out, b"")
        await client.ended
        self.assertEqual(client.frames()[0].payload, b"goodbye")
        await self.all_gone()

    @inlineCallbacks
    def all_gone(self) -> Any:
        """The server has noticed the ends."""
        while self.factory.countConnections:
            turn: Deferred[None] = Deferred()
            reactor.callLater(0, turn.callback, None)
            yield turn

    def test_only_plain_tcp(self) -> None:
        """Only a plain TCP port gets direct connections, and only if they are switched on."""
        self.assertIs(self.port.transport, DirectServer)
        factory = TerminalFactory(reactor, Settings(fast=Fast(direct=False)), Metrics(), self.echo)
        port = tcp.Port(0, factory)
        self.assertTrue(fastpath.transport_for(port, factory, factory.shortcuts))
        self.assertIs(port.transport, tcp.Server)
        other: Any = type("OtherPort", (tcp.Port,), {})(0, self.factory)
        wrapped: Any = tcp.Port(0, Factory())
        for odd in (other, wrapped):
            self.assertFalse(fastpath.transport_for(odd, self.factory, self.factory.shortcuts))
            self.assertIs(odd.transport, tcp.Server)
