"""Short cuts for the beginning of a connection; see ``fastpath``."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import re
from functools import lru_cache
from typing import Any, Final

from autobahn.wamp.types import TransportDetails
from autobahn.websocket.protocol import TrafficStats
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure

from tfserver.gateway.fastframes import PLAIN_TCP
from tfserver.gateway.protocol import MOST_HEADER_BYTES, TerminalProtocol

_MAGIC: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Lean(TerminalProtocol):
    """A connection without what Autobahn makes for each and nobody here reads.

    That is statistics, futures, details of the transport, copies of all options, and log lines that print
    them. TLS keeps Autobahn's own way, which looks at certificates.
    """

    _transport_details = TransportDetails()
    peer = ""
    trafficStats = TrafficStats()
    """One for all: its numbers are not told anywhere."""

    def __init__(self) -> None:
        # All that is set on each later: else a dictionary is made of each instance (CPython's key-sharing).
        self.factory: Any = None
        self.transport = None
        self.connected = 0
        self.state = self.STATE_CONNECTING
        self.data = b""
        self.openHandshakeTimeoutCall: Any = None
        self._link = None
        self._out = b""

    def connectionMade(self) -> None:
        """A connection was accepted."""
        transport: Any = self.transport
        if type(transport) not in PLAIN_TCP:
            super().__init__()
            self.trafficStats = TrafficStats()
            super().connectionMade()
            return
        with contextlib.suppress(OSError):  # a peer that is gone already
            transport.setTcpNoDelay(True)
        factory = self.factory
        self.openHandshakeTimeoutCall = factory._batched_timer.call_later(
            factory.openHandshakeTimeout, self.onOpenHandshakeTimeout
        )
        self.factory.countConnections += 1

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """A connection ended; Autobahn's way without its log lines."""
        self._connectionLost(reason)  # type: ignore[arg-type]  # Autobahn says str and means a Failure


class _NobodyWaits:
    """Stands for the futures of a connection: nobody awaits them."""

    def callback(self, _: object) -> None:
        """It came to be, or ended."""

    errback = callback


_NOBODY_WAITS: Final = _NobodyWaits()
INITIAL: Final[dict[str, Any]] = {
    "is_open": _NOBODY_WAITS,
    "is_closed": _NOBODY_WAITS,
    "_perMessageCompress": None,
    "trackedTimings": None,
    "send_state": 0,
    "send_queue": (),
    "triggered": False,
    "current_frame": None,
    "inside_message": False,
    "wasMaxFramePayloadSizeExceeded": False,
    "wasMaxMessagePayloadSizeExceeded": False,
    "closedByMe": False,
    "failedByMe": False,
    "droppedByMe": False,
    "wasClean": False,
    "wasNotCleanReason": None,
    "wasServerConnectionDropTimeout": False,
    "wasOpenHandshakeTimeout": False,
    "wasCloseHandshakeTimeout": False,
    "wasServingFlashSocketPolicyFile": False,
    "localCloseCode": None,
    "localCloseReason": None,
    "remoteCloseCode": None,
    "remoteCloseReason": None,
    "openHandshakeTimeoutCall": None,
    "closeHandshakeTimeoutCall": None,
    "autoPingTimeoutCall": None,
    "autoPingPending": None,
    "autoPingPendingCall": None,
    "autoPingPendingSeq": 0,
    "autoPingPendingSent": None,
}
"""What Autobahn sets on each connection when it is made; here the class has it."""


class FastHandshake(TerminalProtocol):
    """The plain upgrade in one segment: GET, version 13, no origin, no extension, no sub-protocol.

    Any other request, and any that is not exactly in order, is answered by Autobahn.
    """

    websocket_version = 13

    def dataReceived(self, data: bytes) -> None:
        """Bytes came."""
        is_first = self.state == self.STATE_CONNECTING and not self.data
        key = _key_of(data) if is_first and len(data) <= MOST_HEADER_BYTES else None
        if key is None:
            super().dataReceived(data)
            return
        refused = self.factory.refuses(self)
        if refused is not None:
            self.failHandshake(refused, 503)
            return
        accept = base64.b64encode(hashlib.sha1(key + _MAGIC).digest())
        self.sendData(_SWITCHING % accept)
        # What Autobahn does between its answer and ``onOpen``.
        self.state = self.STATE_OPEN
        if self.openHandshakeTimeoutCall is not None:
            self.openHandshakeTimeoutCall.cancel()
            self.openHandshakeTimeoutCall = None
        self._onOpen()


_SWITCHING: Final = (
    b"HTTP/1.1 101 Switching Protocols\r\nServer: tfserver\r\nUpgrade: WebSocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Accept: %b\r\n\r\n"
)
_KEYED: Final = re.compile(rb"\r\nsec-websocket-key:[ \t]*([a-z0-9+/]{22}==)[ \t]*\r\n", re.IGNORECASE)
# Possessive: a value of blanks that ends badly would be tried at every cut between the two classes.
_UPGRADE: Final = re.compile(rb"GET [!-\"$-~]+ HTTP/1\.1\r\n((?:[A-Za-z0-9-]++:[ \t]*+[ -~]*+\r\n)++)\r\n")
_ASKED: Final = frozenset({b"host", b"upgrade", b"connection", b"sec-websocket-version"})
_HARMLESS: Final = frozenset({b"user-agent", b"pragma", b"cache-control", b"accept", b"accept-encoding"})
_HOST: Final = re.compile(rb"[A-Za-z0-9.-]+(?::\d{1,5})?")


def _key_of(request: bytes) -> bytes | None:
    """The key of an upgrade that has each header once and nothing beyond; None leaves it to Autobahn."""
    found = _KEYED.search(request) if request.endswith(b"\r\n\r\n") else None
    if found is None or not _is_plain(request[: found.start() + 2] + request[found.end() :]):
        return None
    return found[1]


@lru_cache(256)
def _is_plain(request: bytes) -> bool:
    """Whether an upgrade is plain, its key aside: that is all in which those of one firmware differ."""
    found = _UPGRADE.fullmatch(request)
    headers: dict[bytes, bytes] = {}
    for line in found[1].split(b"\r\n")[:-1] if found else ():
        name, _, value = line.partition(b":")
        name = name.lower()
        if name in headers or (name not in _ASKED and name not in _HARMLESS):
            return False
        headers[name] = value.strip()
    return bool(
        headers.get(b"upgrade", b"").lower() == b"websocket"
        and headers.get(b"connection", b"").lower() == b"upgrade"
        and headers.get(b"sec-websocket-version") == b"13"
        and _HOST.fullmatch(headers.get(b"host", b""))
    )
