"""Autobahn and nothing else: frames to a Link, a Link's messages to frames (protocol §1.1).

Each callback is wrapped: Autobahn drops the connection for an exception in one, swallows it in another and
shows it to the peer in a third.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from autobahn.twisted.websocket import WebSocketServerProtocol
from autobahn.util import encode_truncate
from autobahn.websocket.types import ConnectionDeny, ConnectionRequest
from twisted.logger import Logger

from tfserver.gateway.pace import Pace
from tfserver.gateway.recorder import Closed, Ring

MOST_HEADER_BYTES: Final = 16 * 1024
MOST_MESSAGE_BYTES: Final = 4 * 1024 * 1024
MOST_FRAGMENTS: Final = 65_536
_TLS_HELLO: Final = b"\x16\x03"
_ORIGIN: Final = re.compile(rb"\r\nOrigin:[^\r\n]*", re.IGNORECASE)
GREETING: Final = b"tfserver: terminals connect here by WebSocket.\n"


class Keeper(Protocol):
    """What a connection asks of its factory, beside what Autobahn does."""

    def refuses(self, connection: TerminalProtocol, forwarded: Sequence[str], path: str) -> str | None:
        """Why a new connection is refused, or None. ``forwarded`` is what its X-Forwarded-For says."""

    pace: Pace

    def opened(self, connection: TerminalProtocol) -> Any:
        """The handshake is done; the link that takes the messages."""

    def gone(self, connection: TerminalProtocol) -> None:
        """A connection ended."""

    def not_shaken(self, address: str, why: str) -> None:
        """A connection came to nothing before it was a WebSocket."""


class TerminalProtocol(WebSocketServerProtocol):
    """One connection of a terminal."""

    factory: Keeper
    _log = Logger()
    _link: Any = None
    may_say = 0.0
    """Frames until somebody looks whether they come too fast; see ``Pace``."""
    paid_at = 0.0
    ring: Ring | None = None
    """Where what is said is remembered."""
    _fragments = 0
    _why_not = ""
    """Why there was no handshake."""

    def onConnect(self, request: ConnectionRequest) -> None:
        """Any path, any host, any origin (protocol §1.1); only bounds refuse."""
        forwarded = request.headers.get("x-forwarded-for")
        refused = self.factory.refuses(self, [forwarded] if forwarded else (), request.path)
        if refused is not None:
            raise ConnectionDeny(503, refused)

    def processHandshake(self) -> None:
        """Autobahn itself would collect a header without end."""
        if len(self.data) > MOST_HEADER_BYTES and b"\r\n\r\n" not in self.data[:MOST_HEADER_BYTES]:
            self.dropConnection(abort=True)
            return
        head, end, rest = self.data.partition(b"\r\n\r\n")
        if not end:
            return
        # any origin is accepted, also what Autobahn can't read as a URL
        self.data = _ORIGIN.sub(b"", head) + end + rest
        try:
            super().processHandshake()
        except Exception:
            # a query that only Autobahn's own status page would understand
            self.sendServerStatus()
            self.dropConnection()

    def _closeConnection(self, abort: bool = False) -> None:
        """Autobahn aborts after a finished closing handshake, and our close frame would be thrown away."""
        super()._closeConnection(abort and not self.wasClean)

    def onOpen(self) -> None:
        """The handshake is done."""
        self._guarded(self._opened)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Text and binary frames go the same way (protocol §7 #4)."""
        self.may_say -= 1
        if self.may_say < 0:
            self.factory.pace.exhausted(self)
        if self.ring is not None:
            self.ring.heard(payload)
        try:
            self._link.received(payload)
        except Exception:
            self._mistake()

    def onPing(self, payload: bytes) -> None:
        """Terminals ping every few seconds; the answer is a pong."""
        self._counted()
        if self._link is not None:
            self._link.heard()
        self.sendPong(payload)

    def onPong(self, payload: bytes) -> None:
        """A sign of life."""
        self._counted()
        if self._link is not None:
            self._link.heard()

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        """The connection is gone, or never came to be."""
        link, self._link = self._link, None
        if self.ring is not None:
            self.ring.close(self._closed(link, code, reason))
        elif link is None:
            self._tell_not_shaken(reason)
        self.factory.gone(self)
        if link is not None:
            self._guarded(link.lost)

    def failHandshake(self, reason: str, code: int = 400, responseHeaders: Any = None) -> None:
        """What came is no upgrade, or is refused."""
        self._why_not = reason
        super().failHandshake(reason, code, responseHeaders)

    def sendServerStatus(self, redirectUrl: str | None = None, redirectAfter: int = 0) -> None:
        """A plain GET gets a short answer instead of a hang."""
        self._why_not = "plain HTTP, without the upgrade to a WebSocket"
        head = (
            b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
        )
        self.sendData(head % len(GREETING) + GREETING)

    def sendRedirect(self, url: str) -> None:
        """Autobahn would send a browser anywhere that a query says."""
        self.sendServerStatus()

    def sendMessage(self, payload: bytes, *args: Any, **kwargs: Any) -> None:
        """An answer that is ready after the connection began to close goes nowhere; that is no mistake."""
        if self.state == self.STATE_OPEN:
            if self.ring is not None:
                self.ring.said(payload)
            super().sendMessage(payload, *args, **kwargs)

    def send_now(self, payload: bytes) -> bool:
        """Send one message without waiting for the reactor; whether all of it is in the kernel's hands.

        Behind TLS nobody can tell: what is encrypted waits for the end of the turn.
        """
        self.sendMessage(payload)
        self.flush()
        transport: Any = self.transport
        if not hasattr(transport, "dataBuffer"):
            return True
        if transport.dataBuffer or transport._tempDataBuffer:
            transport.doWrite()
        return not (transport.dataBuffer or transport._tempDataBuffer)

    def flush(self) -> None:
        """Hand over what was put together for the end of the turn: nothing, unless a short cut does so."""

    def sendClose(self, code: int | None = None, reason: str | None = None) -> None:
        """Autobahn allows 1000 and 3000-4999; a server also says 1001, 1008, 1011 (RFC 6455 §7.4.1)."""
        self.sendCloseFrame(code, encode_truncate(reason, 123))

    def onMessageBegin(self, isBinary: bool) -> None:
        """A message begins."""
        super().onMessageBegin(isBinary)
        self._fragments = 0
        self._link.begun()

    def _dataReceived(self, data: bytes) -> None:
        """Bytes that no short cut takes: what they leave unfinished has a bound in time and memory."""
        super()._dataReceived(data)
        if self._link is not None:
            self._link.left(len(data), self.inside_message, bool(self.data or self.current_frame))

    def onMessageFrameBegin(self, length: int) -> None:
        """Fragments without content would grow Autobahn's list and never reach the limit of a message."""
        super().onMessageFrameBegin(length)
        # a long message is as much work as many short ones; long ones never take the short cut
        self.may_say -= length >> 14
        self._fragments += 1
        if self._fragments > 1:
            self._counted()
        if self._fragments > MOST_FRAGMENTS and not self.failedByMe:
            self._max_message_size_exceeded(0, 0, "too many fragments")

    def onFrameData(self, payload: bytes) -> bool | None:
        """Autobahn would collect a control frame of any length after it has refused it."""
        if self.failedByMe and self.current_frame.opcode > 7:
            return None
        return super().onFrameData(payload)

    def address(self) -> str:
        """The peer's host."""
        assert self.transport is not None
        return str(getattr(self.transport.getPeer(), "host", "local"))

    def _closed(self, link: Any, code: int | None, reason: str | None) -> Closed:
        """Who ended the connection, and why."""
        if link is not None and link.is_cut:
            said = self.localCloseReason
            told = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
            told = told or "it was silent, or did not take what was said"
            return Closed("server", self.localCloseCode, told)
        return Closed("terminal", code, str(reason or "")[:200])

    def _tell_not_shaken(self, reason: str | None) -> None:
        """What a look at the bytes says of a connection that never was a WebSocket; a probe that says nothing
        is none of a terminal's."""
        data = self.data or b""
        why = self._why_not
        if data[:2] == _TLS_HELLO:
            why = "it speaks TLS (wss:) to a port without"
        elif not why and "SSL" in str(reason):
            why = "it does not speak TLS (wss:) as this port does, or does not trust the certificate"
        elif not why and data:
            why = "what it said is no WebSocket handshake, or not all of one"
        if why:
            self.factory.not_shaken(self.address(), why)

    @property
    def link(self) -> Any:
        """What takes the messages, as long as there is a connection."""
        return self._link

    def _counted(self) -> None:
        """Another frame came, beside whole messages."""
        self.may_say -= 1
        if self.may_say < 0:
            self.factory.pace.exhausted(self)

    def _opened(self) -> None:
        self._link = self.factory.opened(self)
        self.registerProducer(self._link, True)

    def _guarded(self, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception:
            self._mistake()

    def _mistake(self) -> None:
        about = {} if self._link is None else self._link.context.about
        self._log.failure("our own mistake; the connection is closed", **about)
        self.sendClose(1011, "internal error")
