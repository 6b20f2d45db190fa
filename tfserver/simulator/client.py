"""The terminals' WebSocket connections: Autobahn and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autobahn.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol
from autobahn.websocket.util import parse_url
from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.endpoints import (
    HostnameEndpoint,
    TCP4ClientEndpoint,
    TCP6ClientEndpoint,
    wrapClientTLS,
)
from twisted.internet.interfaces import IAddress, IStreamClientEndpoint
from twisted.internet.protocol import Factory, connectionDone
from twisted.internet.ssl import Certificate, optionsForClientTLS
from twisted.logger import Logger
from twisted.python.failure import Failure

from tfserver.simulator.fleet import Listener

LARGEST = 4 * 1024 * 1024
"""Bytes of a message that a terminal takes (protocol §1.1)."""
PATIENCE = 30
"""Seconds that TCP gets to connect."""
_log = Logger()


class TerminalProtocol(WebSocketClientProtocol):
    """One connection; it is the `Link` of its terminal, and tells the `Listener`.

    What the listener raises is our own mistake: it is logged and the connection cut; Autobahn would hide it.
    """

    def __init__(self, listener: Listener) -> None:
        super().__init__()
        self._listener = listener

    def onOpen(self) -> None:
        """Autobahn: the handshake is over."""
        self._tell(self._listener.opened, self)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Autobahn: a whole message came."""
        self._tell(self._listener.received, payload)

    def onPing(self, payload: bytes) -> None:
        """Autobahn: the server looks whether we live."""
        super().onPing(payload)
        self._tell(self._listener.heard)

    def onPong(self, payload: bytes) -> None:
        """Autobahn: a pong came."""
        self._tell(self._listener.heard)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Twisted: the connection is gone; told only after Autobahn has tidied up."""
        super().connectionLost(reason)
        why = self.wasNotCleanReason or self.remoteCloseReason or reason.getErrorMessage()
        self._tell(self._listener.closed, str(why))

    def send(self, payload: bytes) -> None:
        """See `Link.send`; nothing is sent on a connection that is closing."""
        if self.state == WebSocketClientProtocol.STATE_OPEN:
            self.sendMessage(payload)

    def ping(self) -> None:
        """See `Link.ping`."""
        self.sendPing()

    def close(self) -> None:
        """See `Link.close`."""
        self.sendClose(1000)

    def abort(self) -> None:
        """See `Link.abort`."""
        transport: Any = self.transport
        transport.abortConnection()

    def _tell(self, function: Callable[..., None], *arguments: object) -> None:
        try:
            function(*arguments)
        except Exception:
            _log.failure("a simulated terminal failed")
            self.abort()


class _OneConnection(Factory):
    """Makes the protocol of one listener, with the options of the shared Autobahn factory."""

    noisy = False

    def __init__(self, shared: WebSocketClientFactory, listener: Listener) -> None:
        self._shared = shared
        self._listener = listener

    def buildProtocol(self, addr: IAddress | None) -> TerminalProtocol:
        """Twisted: TCP is connected."""
        protocol = TerminalProtocol(self._listener)
        protocol.factory = self._shared
        return protocol


class Dialler:
    """Connects listeners to one URL, ``ws://`` or ``wss://``; ``ca`` is the certificate (PEM) of who vouches
    for the server, if not the system's authorities do.

    ValueError from the constructor: the URL is not of that form, or there is no certificate.
    """

    def __init__(self, reactor: Any, url: str, ca: bytes | None = None) -> None:
        try:
            secure, host, port = parse_url(url)[:3]
        except Exception as error:
            raise ValueError(f"{url!r} is not a WebSocket URL: {error}") from error
        self._shared = WebSocketClientFactory(url, reactor=reactor, useragent=None)
        # the fleet has its own deadlines; Autobahn's timers would outlive the connection
        self._shared.setProtocolOptions(
            openHandshakeTimeout=0,
            closeHandshakeTimeout=0,
            serverConnectionDropTimeout=0,
            maxMessagePayloadSize=LARGEST,
            tcpNoDelay=True,
        )
        self._endpoint = _endpoint(reactor, host, port)
        if secure:
            options = optionsForClientTLS(host.strip("[]"), None if ca is None else _authority(ca))
            self._endpoint = wrapClientTLS(options, self._endpoint)

    def __call__(self, listener: Listener) -> Callable[[], None]:
        """Begin to connect; see `tfserver.simulator.fleet.Dial`."""
        attempt = self._endpoint.connect(_OneConnection(self._shared, listener))
        connected: list[TerminalProtocol] = []
        attempt.addCallbacks(connected.append, lambda failure: listener.closed(failure.getErrorMessage()))

        def give_up() -> None:
            """End it, connected or not."""
            if connected:
                connected[0].abort()
            else:
                attempt.cancel()

        return give_up


def _authority(pem: bytes) -> Certificate:
    try:
        found: Certificate = Certificate.loadPEM(pem)
    except Exception as error:
        raise ValueError(f"the CA file holds no certificate: {error}") from error
    return found


def _endpoint(reactor: Any, host: str, port: int) -> IStreamClientEndpoint:
    """The endpoint for a host; an address needs no look-up, which would be a thread for each connection."""
    literal = host.strip("[]")
    if isIPAddress(literal):
        return TCP4ClientEndpoint(reactor, literal, port, PATIENCE)
    if isIPv6Address(literal):
        return TCP6ClientEndpoint(reactor, literal, port, PATIENCE)
    return HostnameEndpoint(reactor, host, port, PATIENCE)
