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
        self.ring = None
        self._out = b""
        self.may_say = 0.0
        self.paid_at = 0.0

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
        opening = _opening(data) if is_first and len(data) <= MOST_HEADER_BYTES else None
        if opening is None:
            super().dataReceived(data)
            return
        key, forwarded, path = opening
        refused = self.factory.refuses(self, forwarded, path)
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
_PATH: Final = re.compile(r"[!-\"$-~]+")
_KEYED: Final = re.compile(rb"\r\nsec-websocket-key:[ \t]*([a-z0-9+/]{22}==)[ \t]*(?=\r\n)", re.IGNORECASE)
_FORWARDED: Final = (b"\r\nX-Forwarded-For:", b"\r\nx-forwarded-for:")
"""As nginx and all others write it, and as HAProxy does."""
# Possessive: a value of blanks that ends badly would be tried at every cut between the two classes.
_UPGRADE: Final = re.compile(rb" HTTP/1\.1\r\n((?:[A-Za-z0-9-]++:[ \t]*+[ -~]*+\r\n)++)\r\n")
_ASKED: Final = frozenset({b"host", b"upgrade", b"connection", b"sec-websocket-version"})
_HARMLESS: Final = frozenset(
    {b"user-agent", b"pragma", b"cache-control", b"accept", b"accept-encoding", b"x-forwarded-proto"}
)
_HOST: Final = re.compile(rb"[A-Za-z0-9.-]+(?::\d{1,5})?")


def _opening(request: bytes) -> tuple[bytes, tuple[str, ...], str] | None:
    """Key, X-Forwarded-For and path of an upgrade that has each header once and nothing beyond; None leaves
    it to Autobahn."""
    end = request.find(b" HTTP/1.1\r\n")
    if end < 0 or request[:4] != b"GET " or request[-4:] != b"\r\n\r\n":
        return None
    path = request[4:end].decode("latin-1")
    rest, forwarded = _without_forwarded(request[end:])
    found = _KEYED.search(rest)
    if found is None or _PATH.fullmatch(path) is None:
        return None
    if not _is_plain(rest[: found.start()] + rest[found.end() :]):
        return None
    return found[1], forwarded, path


def _without_forwarded(headers: bytes) -> tuple[bytes, tuple[str, ...]]:
    """The headers without X-Forwarded-For, and what it says."""
    for name in _FORWARDED:
        at = headers.find(name)
        if at >= 0:
            end = headers.index(b"\r\n", at + 2)
            said = headers[at + len(name) : end].decode("latin-1")
            if said.isascii() and said.isprintable():
                return headers[:at] + headers[end:], (said,)
    return headers, ()


@lru_cache(256)
def _is_plain(request: bytes) -> bool:
    """Whether what follows the path of an upgrade is plain, key and X-Forwarded-For aside: then those of one
    firmware are all the same."""
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
