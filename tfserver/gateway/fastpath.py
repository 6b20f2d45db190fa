"""Short cuts through Autobahn for what terminals really send; anything unusual takes Autobahn's own path.

Each short cut is a mixin with a switch of its own (``fast.*`` in the settings), and keeps every check that
Autobahn makes on the same bytes. They lean on internals of Autobahn, so they are used only with the versions
they were checked with. What each is worth: docs/performance.md.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import re
from collections.abc import Callable
from importlib import metadata
from typing import Any, Final

from autobahn.wamp.types import TransportDetails
from autobahn.websocket.protocol import TrafficStats
from twisted.internet import tcp
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from tfserver.config import Fast
from tfserver.gateway.protocol import MOST_HEADER_BYTES, MOST_MESSAGE_BYTES, TerminalProtocol

CHECKED: Final = frozenset({"26.10.1", "26.10.2"})
_MAGIC: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_TEXT, _BINARY, _PING, _PONG = 0x81, 0x82, 0x89, 0x8A


class FastReceive(TerminalProtocol):
    """Whole, masked, unfragmented frames go straight to the message: text, binary, ping and pong.

    A frame that is fragmented, unmasked, longer than 65,535 bytes, incomplete, reserved or a close is left to
    Autobahn, together with all that follows it in the same read.
    """

    def dataReceived(self, data: bytes) -> None:
        """Bytes came."""
        inside = self.data or self.current_frame is not None or self.inside_message
        if inside or self.state != self.STATE_OPEN:
            super().dataReceived(data)
            return
        position = 0
        while position < len(data):
            end = self._whole_frame(data, position)
            if not end:
                super().dataReceived(data[position:] if position else data)
                return
            position = end
            if self.state != self.STATE_OPEN and position < len(data):
                super().dataReceived(data[position:])
                return

    def _whole_frame(self, data: bytes, start: int) -> int:
        """Deliver the frame that starts here and return where it ends, or 0 when it is not for us."""
        size = len(data) - start
        if size < 6:
            return 0
        opcode, length = data[start], data[start + 1] - 0x80
        if length < 0 or opcode not in _DELIVER:
            return 0
        begin = start + 6
        if length >= 126:
            # 126 announces two bytes of length; it must not be used for less, nor in a control frame.
            length = (data[start + 2] << 8) | data[start + 3] if length == 126 else 0
            if length < 126 or opcode >= _PING or size < 8:
                return 0
            begin = start + 8
        end = begin + length
        if end > len(data) or length > MOST_MESSAGE_BYTES:
            return 0
        _DELIVER[opcode](self, _unmasked(data[begin - 4 : begin], data[begin:end], length))
        return end


def _unmasked(key: bytes, payload: bytes, length: int) -> bytes:
    """XOR as one large integer: for frames of this size faster than any byte-wise masker."""
    wide = int.from_bytes((key * ((length >> 2) + 1))[:length], "little")
    return (int.from_bytes(payload, "little") ^ wide).to_bytes(length, "little")


def _message(connection: TerminalProtocol, payload: bytes) -> None:
    connection.onMessage(payload, False)


def _ping(connection: TerminalProtocol, payload: bytes) -> None:
    connection.onPing(payload)


def _pong(connection: TerminalProtocol, payload: bytes) -> None:
    connection.onPong(payload)


_DELIVER: Final[dict[int, Callable[[TerminalProtocol, bytes], None]]] = {
    _TEXT: _message,
    _BINARY: _message,
    _PING: _ping,
    _PONG: _pong,
}


class FastSend(TerminalProtocol):
    """A message is one frame and one write."""

    def sendMessage(
        self,
        payload: bytes,
        isBinary: bool = False,
        fragmentSize: int | None = None,
        sync: bool = False,
        doNotCompress: bool = False,
    ) -> None:
        """Send one message; what is not a plain text message goes Autobahn's way."""
        length = len(payload)
        plain = not (isBinary or fragmentSize or sync) and length <= 0xFFFF
        if not plain or self.state != self.STATE_OPEN or self.send_queue or self._perMessageCompress:
            super().sendMessage(payload, isBinary, fragmentSize, sync, doNotCompress)
        else:
            self._put(_framed(_TEXT, payload, length))

    def sendPong(self, payload: bytes | None = None) -> None:
        """Answer a ping."""
        if self.state == self.STATE_OPEN and not self.send_queue:
            found = payload or b""
            self._put(_framed(_PONG, found, len(found)))
        else:
            super().sendPong(payload)

    def sendData(self, data: bytes, sync: bool = False, chopsize: int | None = None) -> None:
        """Raw bytes, without the arguments of a log line nobody reads."""
        if sync or chopsize or self.send_queue:
            super().sendData(data, sync, chopsize)
        else:
            self._put(data)

    def _put(self, data: bytes) -> None:
        transport: Any = self.transport
        transport.write(data)


def _framed(first: int, payload: bytes, length: int) -> bytes:
    if length < 126:
        return b"%c%c%b" % (first, length, payload)
    return b"%c\x7e%b%b" % (first, length.to_bytes(2, "big"), payload)


class FastDirect(FastSend):
    """All answers of a reactor turn go to the kernel together, without a round through the reactor each.

    Sent one by one between two requests, each would wake the far end from its sleep; on a virtual machine
    that alone costs more than the whole request.
    """

    _out = b""

    def _put(self, data: bytes) -> None:
        if type(self.transport) is not tcp.Server:
            super()._put(data)
            return
        if not self._out:
            _turn.add(self)
        self._out += data

    def flush(self) -> None:
        """Hand over what was put."""
        data, self._out = self._out, b""
        transport: Any = self.transport
        if not data or transport is None:
            return
        sent = 0
        waits = transport.dataBuffer or transport._tempDataBuffer or transport.disconnecting
        if transport.connected and not waits:
            try:
                sent = transport.socket.send(data)
            except OSError:
                # A full buffer, or a loss that the reactor finds and reports in its own time.
                sent = 0
        if sent < len(data):
            transport.write(data[sent:])

    def _closeConnection(self, abort: bool = False) -> None:
        """Nothing that was said before the end is left behind."""
        self.flush()
        super()._closeConnection(abort)


class _Turn:
    """The connections that have something to send at the end of this turn of the reactor."""

    def __init__(self) -> None:
        self._waiting: list[FastDirect] = []

    def add(self, connection: FastDirect) -> None:
        """Flush this one too."""
        if not self._waiting:
            from twisted.internet import reactor

            reactor.callLater(0, self.flush)
        self._waiting.append(connection)

    def flush(self) -> None:
        """The turn is over."""
        waiting, self._waiting = self._waiting, []
        for connection in waiting:
            try:
                connection.flush()
            except Exception:
                _log.failure("our own mistake in sending; the others go on")


_log: Final = Logger()
_turn: Final = _Turn()


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
        self.is_open = self.is_closed = _NOBODY_WAITS

    def connectionMade(self) -> None:
        """A connection was accepted."""
        if type(self.transport) is not tcp.Server:
            super().__init__()
            self.trafficStats = TrafficStats()
            super().connectionMade()
            return
        with contextlib.suppress(OSError):  # a peer that is gone already
            self.transport.setTcpNoDelay(True)
        self.state = self.STATE_CONNECTING
        self.data = b""
        self.openHandshakeTimeoutCall = self.factory._batched_timer.call_later(
            self.openHandshakeTimeout, self.onOpenHandshakeTimeout
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
_INITIAL: Final[dict[str, Any]] = {
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
    """The plain upgrade of terminals: GET, version 13, no origin, no extension, no sub-protocol.

    Any other request, and any that is not exactly in order, is answered by Autobahn.
    """

    def processHandshake(self) -> None:
        """The bytes of a request, perhaps not all of it yet."""
        found = _UPGRADE.fullmatch(self.data) if len(self.data) <= MOST_HEADER_BYTES else None
        key = _key_of(found) if found else None
        if key is None:
            super().processHandshake()
            return
        refused = self.factory.refuses(self)
        if refused is not None:
            self.failHandshake(refused, 503)
            return
        self.data = b""
        accept = base64.b64encode(hashlib.sha1(key + _MAGIC).digest())
        self.sendData(_SWITCHING % accept)
        self._switch()

    def _switch(self) -> None:
        """What Autobahn does between its answer and ``onOpen``."""
        self.state = self.STATE_OPEN
        if self.openHandshakeTimeoutCall is not None:
            self.openHandshakeTimeoutCall.cancel()
            self.openHandshakeTimeoutCall = None
        self.inside_message = False
        self.current_frame: Any = None
        self.websocket_version = 13
        self._onOpen()


_SWITCHING: Final = (
    b"HTTP/1.1 101 Switching Protocols\r\nServer: tfserver\r\nUpgrade: WebSocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Accept: %b\r\n\r\n"
)
_UPGRADE: Final = re.compile(rb"GET [!-\"$-~]+ HTTP/1\.1\r\n((?:[A-Za-z0-9-]+:[ \t]*[ -~]*\r\n)+)\r\n")
_ASKED: Final = frozenset(
    {b"host", b"upgrade", b"connection", b"sec-websocket-key", b"sec-websocket-version"}
)
_HARMLESS: Final = frozenset({b"user-agent", b"pragma", b"cache-control", b"accept", b"accept-encoding"})
_KEY: Final = re.compile(rb"[A-Za-z0-9+/]{22}==")
_HOST: Final = re.compile(rb"[A-Za-z0-9.-]+(?::\d{1,5})?")


def _key_of(request: re.Match[bytes]) -> bytes | None:
    """The key of an upgrade that has each header once and nothing beyond; None leaves it to Autobahn."""
    headers: dict[bytes, bytes] = {}
    for line in request[1].split(b"\r\n")[:-1]:
        name, _, value = line.partition(b":")
        name = name.lower()
        if name in headers or (name not in _ASKED and name not in _HARMLESS):
            return None
        headers[name] = value.strip()
    fits = (
        headers.get(b"upgrade", b"").lower() == b"websocket"
        and headers.get(b"connection", b"").lower() == b"upgrade"
        and headers.get(b"sec-websocket-version") == b"13"
        and _HOST.fullmatch(headers.get(b"host", b""))
    )
    key = headers.get(b"sec-websocket-key", b"")
    return key if fits and _KEY.fullmatch(key) else None


_MIXINS: Final[dict[str, type[TerminalProtocol]]] = {
    "receive": FastReceive,
    "send": FastSend,
    "direct": FastDirect,
    "handshake": FastHandshake,
    "lean": Lean,
}


def applies(settings: Fast) -> tuple[list[str], str]:
    """The short cuts that are switched on and fit this Autobahn, and why the others don't."""
    found = metadata.version("autobahn")
    if found not in CHECKED:
        return [], f"not checked with Autobahn {found}"
    return [name for name in _MIXINS if getattr(settings, name)], ""


def protocol_for(factory: Any, names: list[str]) -> type[TerminalProtocol]:
    """The connection class with these short cuts, for connections of this factory."""
    if not names:
        return TerminalProtocol
    found = {name: getattr(factory, name) for name in TerminalProtocol.CONFIG_ATTRS}
    options = {name: staticmethod(value) if callable(value) else value for name, value in found.items()}
    initial = _INITIAL if "lean" in names else {}
    # FastDirect is a FastSend already.
    mixins = [_MIXINS[name] for name in names if not (name == "send" and "direct" in names)]
    return type("FastProtocol", tuple(mixins), {**options, **initial})
