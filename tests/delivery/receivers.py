"""Receivers of webhooks on this machine: well-behaved ones, and ones that say exactly what a test wants."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from twisted.internet import reactor as the_reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from tfserver.config import Webhooks
from tfserver.delivery.names import Names
from tfserver.delivery.sending import Sender

HOST = "hook.example"
reactor: Any = the_reactor
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Got(NamedTuple):
    """One request; ``line`` is the number of its connection."""

    line: int
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Scripted(Factory):
    """Answers the requests of all connections by a function of their number, from 0; None is silence. After
    the answers ``closing`` the connection is closed."""

    noisy = False

    def __init__(self, answer: Callable[[int], bytes | None], *closing: int) -> None:
        self.got: list[Got] = []
        self.lines: list[Any] = []
        self.closed = 0
        self._waiting: Deferred[None] | None = None
        self.answer = answer
        self.closing = closing

    def buildProtocol(self, addr: Any) -> Protocol:
        """A connection."""
        return _Speaker(self)

    def all_closed(self) -> Deferred[None]:
        """Tells when no connection is left."""
        self._waiting = Deferred()
        self.lose(0)
        return self._waiting

    def lose(self, count: int) -> None:
        """So many connections are gone."""
        self.closed += count
        if self._waiting is not None and self.closed == len(self.lines):
            waiting, self._waiting = self._waiting, None
            waiting.callback(None)


class _Speaker(Protocol):
    transport: Any

    def __init__(self, scripted: Scripted) -> None:
        self._scripted = scripted
        self._data = b""

    def connectionMade(self) -> None:
        """One more."""
        self._number = len(self._scripted.lines)
        self._scripted.lines.append(self.transport)

    def dataReceived(self, data: bytes) -> None:
        """Answer whole requests."""
        self._data += data
        head, found, body = self._data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value.strip() for name, _, value in (one.partition(":") for one in lines[1:])
        }
        if not found or len(body) < int(headers.get("content-length", 0)):
            return
        self._data = b""
        method, path, _ = lines[0].split(" ")
        number = len(self._scripted.got)
        self._scripted.got.append(Got(self._number, method, path, headers, body))
        answer = self._scripted.answer(number)
        if answer is not None:
            self.transport.write(answer)
        if number in self._scripted.closing:
            self.transport.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """One less."""
        self._scripted.lose(1)


class Page(Resource):
    """A receiver as people write them: keeps what came, answers ``status`` with ``headers``."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.status = 200
        self.headers: dict[str, str] = {}
        self.got: list[Got] = []

    def render_POST(self, request: Request) -> bytes:
        """Keep it."""
        headers = {
            name.decode().lower(): values[0].decode("latin-1")
            for name, values in request.requestHeaders.getAllRawHeaders()
        }
        assert request.content is not None
        channel: Any = request.channel
        line = channel.transport.getPeer().port
        path = request.uri.decode()
        self.got.append(Got(line, "POST", path, headers, request.content.read()))
        request.setResponseCode(self.status)
        for name, value in self.headers.items():
            request.setHeader(name, value)
        return b"thanks"


def site(page: Page) -> Site:
    """The page as a factory."""
    found = Site(page)
    found.noisy = False
    found.displayTracebacks = False
    found.log = lambda request: None  # type: ignore[method-assign]
    return found


class SenderCase(TestCase):
    """A sender to receivers on this machine, which all hosts lead to unless a test says otherwise."""

    timeout = 30

    def setUp(self) -> None:
        """Hosts and the sender."""
        self.addresses: dict[str, list[str]] = {}
        self.looked_up: list[str] = []

    def sender(self, seconds: float = 20.0, allow_private: bool = True) -> Sender:
        """A sender that is stopped with the test."""
        settings = Webhooks(seconds=seconds, allow_private=allow_private)
        found = Sender(reactor, settings, Names(reactor, allow_private, self.lookup))
        self.addCleanup(lambda: self.wait(found.stop()))
        return found

    def wait(self, coroutine: Any) -> Any:
        """A coroutine as trial waits for it."""
        return Deferred.fromCoroutine(coroutine)

    def lookup(self, host: str, port: int) -> list[str]:
        """What a name server would say."""
        self.looked_up.append(host)
        found = self.addresses.get(host, ["127.0.0.1"])
        if not found:
            raise OSError("no such host")
        return found

    def listen(self, factory: Any, tls: Any = None) -> int:
        """Let somebody listen; the port."""
        if tls is None:
            port = reactor.listenTCP(0, factory, interface="127.0.0.1")
        else:
            port = reactor.listenSSL(0, factory, tls, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        number: int = port.getHost().port
        return number

    def scripted(self, answer: Callable[[int], bytes | None] | bytes | None, *closing: int) -> Scripted:
        """A scripted receiver; ``port`` is set on it."""
        factory = Scripted(answer if callable(answer) else lambda number: answer, *closing)
        self.port = self.listen(factory)
        self.addCleanup(lambda: [line.abortConnection() for line in factory.lines])
        return factory

    @property
    def url(self) -> str:
        """Where the scripted receiver is."""
        return f"http://{HOST}:{self.port}/in?key=a%2Fb"
