"""Connections to receivers: to an address that was judged, with TLS verified against the name asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP6ClientEndpoint, wrapClientTLS
from twisted.internet.error import ConnectError
from twisted.internet.interfaces import IAddress, IOpenSSLClientConnectionCreator, IStreamClientEndpoint
from twisted.internet.protocol import Factory, connectionDone
from twisted.internet.ssl import TLSVersion, optionsForClientTLS
from twisted.python.failure import Failure
from twisted.web._newclient import HTTP11ClientProtocol

from tfserver.delivery.addresses import Target
from tfserver.delivery.names import Names

CONNECT_SECONDS: Final = 5.0
"""For one address, so that the next has a chance when this one is silent."""
MOST_ANSWER_BYTES: Final = 256 * 1024
"""Of head and body as they come, with all that HTTP puts between."""
_MOST_CONTEXTS: Final = 200


class Line(HTTP11ClientProtocol):
    """One connection. ``heard`` counts the bytes of the present answer; ``born`` is when it was made."""

    transport: Any

    def __init__(self, target: Target, born: float) -> None:
        super().__init__()
        self.target = target
        self.born = born
        self.heard = 0
        self.is_lost = False
        self._is_spoilt = False
        self.when_lost: Callable[[Line], None] = lambda line: None

    @property
    def is_free(self) -> bool:
        """Whether the next request may go over it."""
        return not self.is_lost and not self._is_spoilt and bool(self.state == "QUIESCENT")

    def request(self, request: Any) -> Deferred[Any]:
        """Send a request; its answer comes when its head is there."""
        self.heard = 0
        return super().request(request)

    def dataReceived(self, data: bytes) -> None:
        """Take a bounded answer, and nothing that nobody asked for."""
        self.heard += len(data)
        if self.heard > MOST_ANSWER_BYTES or self.state == "QUIESCENT":
            self._is_spoilt = True
            self.transport.abortConnection()
        else:
            super().dataReceived(data)

    def _finishResponse(self, rest: bytes) -> None:
        # more than one answer: the next message might take what is left for its own
        self._is_spoilt = bool(rest)
        super()._finishResponse(rest)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """It is of no use any more."""
        self.is_lost = True
        super().connectionLost(reason)
        self.when_lost(self)

    def close(self) -> None:
        """End it in peace; a receiver may be slow to do its part."""
        self.transport.loseConnection()

    def hang_up(self) -> None:
        """Close it at once, whatever is on its way."""
        if not self.is_lost:
            self.transport.abortConnection()


class _One(Factory):
    """Makes the one line that it was given."""

    noisy = False

    def __init__(self, line: Line) -> None:
        self._line = line

    def buildProtocol(self, addr: IAddress | None) -> Line:
        """The line."""
        return self._line


class Connector:
    """Makes lines."""

    def __init__(self, reactor: Any, names: Names) -> None:
        self._reactor = reactor
        self._names = names
        self._contexts: dict[str, IOpenSSLClientConnectionCreator] = {}

    async def connect(self, target: Target) -> Line:
        """A new line. Raises what names raise, and ConnectError of the last address that was tried."""
        failed = ConnectError()
        for address in await self._names.addresses(target.host, target.port):
            line = Line(target, self._reactor.seconds())
            endpoint = self._endpoint(address, target)
            try:
                await endpoint.connect(_One(line))
            except ConnectError as wrong:
                failed = wrong
            else:
                return line
        raise failed

    def _endpoint(self, address: str, target: Target) -> IStreamClientEndpoint:
        kind = TCP6ClientEndpoint if ":" in address else TCP4ClientEndpoint
        plain = kind(self._reactor, address, target.port, timeout=CONNECT_SECONDS)
        return wrapClientTLS(self._context(target.host), plain) if target.is_secure else plain

    def _context(self, host: str) -> IOpenSSLClientConnectionCreator:
        """How TLS is done with a host; the system's roots are read once for each."""
        if host not in self._contexts:
            if len(self._contexts) >= _MOST_CONTEXTS:
                self._contexts.clear()
            least = {"raiseMinimumTo": TLSVersion.TLSv1_2}
            self._contexts[host] = optionsForClientTLS(
                host, acceptableProtocols=[b"http/1.1"], extraCertificateOptions=least
            )
        return self._contexts[host]
