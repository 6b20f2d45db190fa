"""The same protocol over real sockets: what a transport in memory can't show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet import reactor as global_reactor
from twisted.internet.defer import Deferred, gatherResults, inlineCallbacks
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from tests.gateway.raw_frames import (
    CLOSE,
    MASK,
    TEXT,
    Received,
    accept_key,
    close,
    fragments,
    frame,
    handshake,
    length,
    read_frames,
    text,
)
from tests.gateway.raw_peer import ClockTimer, EchoLink, WireCase
from tfserver.config import Settings
from tfserver.metrics import Metrics

reactor: Any = global_reactor


class Client(Protocol):
    """A socket's far end: collects bytes, and says when enough came or the connection ended."""

    def __init__(self) -> None:
        self.data = b""
        self.ended: Deferred[type[Exception]] = Deferred()
        self._waiting: tuple[Callable[[], bool], Deferred[None]] | None = None

    def dataReceived(self, data: bytes) -> None:
        """Twisted: bytes came."""
        self.data += data
        if self._waiting is not None and self._waiting[0]():
            waiting, self._waiting = self._waiting[1], None
            waiting.callback(None)

    def connectionLost(self, reason: Failure = Failure(ConnectionDone())) -> None:  # noqa: B008
        """Twisted: it is over."""
        self.ended.callback(reason.type)

    def until(self, enough: Callable[[], bool]) -> Deferred[None]:
        """Fires once ``enough()`` holds."""
        waiting: Deferred[None] = Deferred()
        if enough():
            waiting.callback(None)
        else:
            self._waiting = (enough, waiting)
        return waiting

    def frames(self) -> list[Received]:
        """All frames behind the handshake."""
        return read_frames(self.data.partition(b"\r\n\r\n")[2])

    def has(self, size: int) -> Callable[[], bool]:
        """Whether so many bytes of frames came."""
        return lambda: len(self.data.partition(b"\r\n\r\n")[2]) >= size


class SocketTests(TestCase):
    """Over 127.0.0.1; the kind of factory is the one of ``WireCase``."""

    timeout = 20

    def setUp(self) -> None:
        """Listen."""
        self.links: list[EchoLink] = []
        self.factory = WireCase.factory_maker(reactor, Settings(), Metrics(), self.echo)
        self.factory._batched_timer = ClockTimer(Clock())  # Autobahn leaves timers behind
        self.port = reactor.listenTCP(0, self.factory, interface="127.0.0.1")
        self.addCleanup(self.port.stopListening)
        self.clients: list[Client] = []

    def tearDown(self) -> Any:
        """End what is still connected, on both sides."""
        for client in self.clients:
            client.transport.abortConnection()  # type: ignore[union-attr]
        ended = [client.ended for client in self.clients]
        return self._all_gone(ended)

    @inlineCallbacks
    def _all_gone(self, ended: list[Deferred[type[Exception]]]) -> Any:
        yield gatherResults(ended)
        while any(not link.is_lost for link in self.links) or self.factory.countConnections:
            turn: Deferred[None] = Deferred()
            reactor.callLater(0, turn.callback, None)
            yield turn

    def echo(self, connection: Any) -> EchoLink:
        """A link that sends everything back."""
        self.links.append(EchoLink(connection))
        return self.links[-1]

    async def dialled(self) -> Client:
        """A connection without a handshake."""
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", self.port.getHost().port)
        client: Client = await connectProtocol(endpoint, Client())
        self.clients.append(client)
        return client

    async def connected(self) -> Client:
        """A connection after its handshake."""
        client = await self.dialled()
        client.transport.write(handshake())  # type: ignore[union-attr]
        await client.until(lambda: client.data.endswith(b"\r\n\r\n"))
        return client

    async def ended(self, client: Client) -> type[Exception]:
        """Wait until the server has ended the connection; why it ended."""
        self.clients.remove(client)
        return await client.ended

    async def test_handshake(self) -> None:
        """The answer to a handshake has the accept key of its key."""
        client = await self.dialled()
        client.transport.write(handshake(Sec_WebSocket_Key="AQIDBAUGBwgJCgsMDQ4PEA=="))
        await client.until(lambda: client.data.endswith(b"\r\n\r\n"))
        self.assertTrue(client.data.startswith(b"HTTP/1.1 101 "))
        self.assertIn(accept_key("AQIDBAUGBwgJCgsMDQ4PEA==").encode(), client.data)

    async def test_fragments(self) -> None:
        """A message in frames of one byte, each written alone, arrives whole."""
        client = await self.connected()
        for part in fragments(b"a message in many parts", 1):
            client.transport.write(part)
        await client.until(client.has(2 + 23))
        self.assertEqual(client.frames(), [Received(TEXT, b"a message in many parts")])

    async def test_large_message(self) -> None:
        """A message of 4 MiB arrives and comes back."""
        client = await self.connected()
        message = b"m" * (4 * 1024 * 1024)
        client.transport.write(text(message))
        await client.until(client.has(10 + len(message)))
        self.assertEqual(client.frames(), [Received(TEXT, message)])

    async def test_close(self) -> None:
        """A close frame is answered, and then the server ends the TCP connection in order."""
        client = await self.connected()
        client.transport.write(close(1000, b"bye"))
        reason = await self.ended(client)
        [answer] = client.frames()
        self.assertEqual((answer.opcode, answer.code), (CLOSE, 1000))
        self.assertIs(reason, ConnectionDone)
        self.assertTrue(self.links[0].is_lost)

    async def test_invalid_code(self) -> None:
        """The answer to an invalid close code arrives before the connection ends."""
        client = await self.connected()
        client.transport.write(close(1005))
        await self.ended(client)
        self.assertEqual([found.code for found in client.frames()], [1002])

    async def test_our_close(self) -> None:
        """When the server closes, its close frame arrives, and the answer ends the connection."""
        client = await self.connected()
        self.links[0].connection.sendClose(1001, "server is going away")
        await client.until(client.has(4))
        client.transport.write(close(1001))
        await self.ended(client)
        self.assertEqual([found.code for found in client.frames()], [1001])

    async def test_too_large(self) -> None:
        """A frame that announces too much is refused with 1009 while its payload still comes."""
        client = await self.connected()
        client.transport.write(b"\x81" + length(1 << 30) + MASK + b"x" * 1_000_000)
        await client.until(client.has(4))
        self.assertEqual(client.frames()[0].code, 1009)

    async def test_protocol_error(self) -> None:
        """A frame with a reserved bit is refused with 1002."""
        client = await self.connected()
        client.transport.write(frame(TEXT, b"x", rsv=2))
        await client.until(client.has(4))
        self.assertEqual(client.frames()[0].code, 1002)

    async def test_plain_get(self) -> None:
        """A plain GET gets its whole short answer, and the connection ends in order."""
        client = await self.dialled()
        client.transport.write(b"GET / HTTP/1.1\r\nHost: gate.example\r\n\r\n")
        reason = await self.ended(client)
        head, _, body = client.data.partition(b"\r\n\r\n")
        self.assertTrue(head.startswith(b"HTTP/1.1 200 "))
        self.assertIn(f"Content-Length: {len(body)}".encode(), head)
        self.assertIs(reason, ConnectionDone)

    async def test_refused_handshake(self) -> None:
        """A handshake that is refused gets its whole answer before the connection ends."""
        client = await self.dialled()
        client.transport.write(handshake(Sec_WebSocket_Version="8"))
        await self.ended(client)
        self.assertTrue(client.data.startswith(b"HTTP/1.1 4"))
        self.assertIn(b"Sec-WebSocket-Version: 13", client.data)

    async def test_gone_without_a_word(self) -> None:
        """A connection that is cut is noticed, and counted no more."""
        client = await self.connected()
        self.clients.remove(client)
        client.transport.abortConnection()
        await client.ended
        await self._all_gone([])
        self.assertTrue(self.links[0].is_lost)
