"""Where the store is: its URL, and the endpoint that leads there (design §2.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

import hiredis
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, UNIXClientEndpoint, connectProtocol, wrapClientTLS
from twisted.internet.error import ConnectError
from twisted.internet.interfaces import IProtocol, IProtocolFactory, IStreamClientEndpoint
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.ssl import optionsForClientTLS
from twisted.python.failure import Failure
from zope.interface import implementer

from tfserver.errors import ConfigError

CONNECT_SECONDS = 3.0
SCHEMES = ("redis", "rediss", "unix", "sentinel", "sentinels")


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed URL; ``str`` gives it back without the password."""

    scheme: str
    hosts: tuple[tuple[str, int], ...] = ()
    path: str = ""
    service: str = ""
    database: int = 0
    username: str = ""
    password: str = field(default="", repr=False)

    @property
    def tls(self) -> bool:
        """Whether the connection is encrypted."""
        return self.scheme in ("rediss", "sentinels")

    def __str__(self) -> str:
        who = f"{self.username}@" if self.username else ""
        where = ",".join(f"{_bracketed(host)}:{port}" for host, port in self.hosts) or self.path
        what = self.service or (str(self.database) if self.database else "")
        return f"{self.scheme}://{who}{where}" + (f"/{what}" if what and not self.path else "")


def parse(url: str, password: str = "") -> Address:
    """Read a store URL; ``password`` wins over one in the URL. Raises ConfigError."""
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES:
        # Never the URL itself: it may hold a password.
        raise ConfigError(
            f"store.url: expected one of {', '.join(f'{s}://' for s in SCHEMES)}, got '{parts.scheme}://'"
        )
    _refuse_leftovers(parts)
    who, _, where = parts.netloc.rpartition("@")
    username, _, secret = who.partition(":")
    secret = password or unquote(secret)
    if parts.scheme == "unix":
        if not parts.path or where:
            raise ConfigError("store.url: expected unix:///path/to/socket")
        return Address("unix", path=unquote(parts.path), username=unquote(username), password=secret)
    sentinel = parts.scheme.startswith("sentinel")
    if "," in where and not sentinel:
        raise ConfigError(f"store.url: {parts.scheme}:// expects one host; several are for sentinel://")
    name = parts.path.strip("/")
    if sentinel and not name:
        raise ConfigError("store.url: expected the name of the service, e.g. sentinel://h1:26379/main")
    return Address(
        parts.scheme,
        hosts=tuple(_host(text, 26379 if sentinel else 6379) for text in where.split(",")),
        service=name if sentinel else "",
        database=0 if sentinel else _database(name),
        username=unquote(username),
        password=secret,
    )


def _refuse_leftovers(parts: SplitResult) -> None:
    """What stands behind a raw ``/``, ``?`` or ``#`` may be half a password, so it is not repeated."""
    cut = parts.scheme != "unix" and "@" in parts.path
    if parts.query or parts.fragment or cut:
        raise ConfigError(
            "store.url: expected neither ? nor #; in a password write / ? # @ as %2F %3F %23 %40"
        )


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _host(text: str, default: int) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError as wrong:
        raise ConfigError(f"store.url: expected host:port, got '{text}'") from wrong
    if not host:
        raise ConfigError(f"store.url: expected host:port, got '{text}'")
    return host, port or default


def _database(text: str) -> int:
    if text and not (text.isascii() and text.isdigit()):
        raise ConfigError(f"store.url: expected the number of a database after the host, got '{text}'")
    return int(text or 0)


def endpoint_of(reactor: Any, address: Address) -> IStreamClientEndpoint:
    """The endpoint that leads to the (primary) server; connecting asks the sentinels anew each time."""
    if address.scheme == "unix":
        return UNIXClientEndpoint(reactor, address.path, timeout=CONNECT_SECONDS)
    if address.service:
        return SentinelEndpoint(reactor, address)
    return _tcp(reactor, *address.hosts[0], address.tls)


def _tcp(reactor: Any, host: str, port: int, tls: bool) -> IStreamClientEndpoint:
    plain = HostnameEndpoint(reactor, host, port, timeout=CONNECT_SECONDS)
    return wrapClientTLS(optionsForClientTLS(host), plain) if tls else plain


@implementer(IStreamClientEndpoint)
class SentinelEndpoint:
    """Asks the sentinels one after another where the primary is, then connects there."""

    def __init__(self, reactor: Any, address: Address) -> None:
        self._reactor = reactor
        self._address = address

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """Fire with the connected protocol, or fail when no sentinel knows a primary."""
        return Deferred.fromCoroutine(self._connect(protocolFactory))

    async def _connect(self, factory: IProtocolFactory) -> IProtocol:
        host, port = await self._primary()
        found: IProtocol = await _tcp(self._reactor, host, port, self._address.tls).connect(factory)
        return found

    async def _primary(self) -> tuple[str, int]:
        tried = []
        for host, port in self._address.hosts:
            endpoint = _tcp(self._reactor, host, port, self._address.tls)
            question = _Question(("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._address.service))
            try:
                await connectProtocol(endpoint, question)
                answer = await question.answer.addTimeout(CONNECT_SECONDS, self._reactor)
            except Exception as failed:
                tried.append(f"{host}:{port}: {failed}")
                continue
            finally:
                question.done()
            if isinstance(answer, list) and len(answer) == 2:
                return answer[0].decode(), int(answer[1])
            tried.append(f"{host}:{port}: knows no '{self._address.service}'")
        raise ConnectError(string="no sentinel told the primary: " + "; ".join(tried))


class _Question(Protocol):
    """One command, one reply, over."""

    def __init__(self, command: Sequence[str]) -> None:
        self.answer: Deferred[Any] = Deferred()
        self._command: tuple[Any, ...] = tuple(command)
        self._reader = hiredis.Reader()

    def connectionMade(self) -> None:
        """Ask the one question."""
        assert self.transport is not None
        self.transport.write(hiredis.pack_command(self._command))

    def dataReceived(self, data: bytes) -> None:
        """The answer, perhaps not all of it yet."""
        self._reader.feed(data)
        found = self._reader.gets()
        if found is not False and not self.answer.called:
            self.answer.callback(found)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """No answer will come."""
        if not self.answer.called:
            self.answer.errback(reason)

    def done(self) -> None:
        """Close, whatever became of it."""
        self.answer.addErrback(lambda _: None)
        if self.transport is not None:
            self.transport.loseConnection()
