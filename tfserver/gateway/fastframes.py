"""Short cuts for frames and bytes; see ``fastpath``."""

from __future__ import annotations

import errno
from typing import Any, Final

from twisted.internet import tcp
from twisted.internet.main import CONNECTION_DONE, CONNECTION_LOST
from twisted.logger import Logger

from tfserver.gateway.protocol import MOST_MESSAGE_BYTES, TerminalProtocol

_TEXT, _BINARY, _PING, _PONG = 0x81, 0x82, 0x89, 0x8A
_TAKEN: Final = frozenset({_TEXT, _BINARY, _PING, _PONG})
_OPEN: Final = TerminalProtocol.STATE_OPEN
_INTEGER: Final = int.from_bytes
READ_BYTES: Final = 16 * 1024
"""A fleet's messages are shorter; a photo takes some rounds more."""


class FastReceive(TerminalProtocol):
    """Whole, masked, unfragmented frames go straight to the message: text, binary, ping and pong.

    A frame that is fragmented, unmasked, longer than 65,535 bytes, incomplete, reserved or a close is left to
    Autobahn, together with all that follows it in the same read.
    """

    def dataReceived(self, data: bytes) -> None:
        """Bytes came."""
        if self.data or self.current_frame is not None or self.inside_message or self.state != _OPEN:
            super().dataReceived(data)
            return
        position, size = 0, len(data)
        while position < size:
            end = self._whole_frame(data, position, size)
            if not end:
                super().dataReceived(data[position:] if position else data)
                return
            position = end
            if position < size and self.state != _OPEN:
                super().dataReceived(data[position:])
                return

    def _whole_frame(self, data: bytes, start: int, size: int) -> int:
        """Deliver the frame that starts here and return where it ends, or 0 when it is not for us."""
        if size - start < 6:
            return 0
        opcode, length, begin = data[start], data[start + 1], start + 6
        if length < 0x80 or opcode not in _TAKEN:
            return 0
        if length < 0xFE:
            length -= 0x80
        else:
            # 126 announces two bytes of length; it must not be used for less, nor in a control frame.
            length = (data[start + 2] << 8) | data[start + 3] if length == 0xFE else 0
            if length < 126 or opcode >= _PING or size - start < 8:
                return 0
            begin = start + 8
        end = begin + length
        if end > size or length > MOST_MESSAGE_BYTES:
            return 0
        # XOR as one large integer: for frames of this size faster than any byte-wise masker.
        key = _INTEGER((data[begin - 4 : begin] * ((length >> 2) + 1))[:length], "little")
        payload = (_INTEGER(data[begin:end], "little") ^ key).to_bytes(length, "little")
        if opcode <= _BINARY:
            self.onMessage(payload, False)
        elif opcode == _PING:
            self.onPing(payload)
        else:
            self.onPong(payload)
        return end


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
        unusual = isBinary or fragmentSize or sync or self.send_queue or self._perMessageCompress
        if unusual or length > 0xFFFF or self.state != _OPEN:
            super().sendMessage(payload, isBinary, fragmentSize, sync, doNotCompress)
            return
        if self.ring is not None:
            self.ring.said(payload)
        if length < 126:
            self._put(b"\x81%c%b" % (length, payload))
        else:
            self._put(b"\x81\x7e%b%b" % (length.to_bytes(2, "big"), payload))

    def sendPong(self, payload: bytes | None = None) -> None:
        """Answer a ping."""
        if self.state == _OPEN and not self.send_queue:
            found = payload or b""
            self._put_now(b"\x8a%c%b" % (len(found), found))
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

    _put_now = _put


class DirectServer(tcp.Server):
    """A connection whose bytes go straight to its protocol."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        # What is set later would make a dictionary of each instance (CPython's key-sharing).
        self.producer = None
        self.streamingProducer = False
        self.logstr = self.repstr = "terminal"

    def doRead(self) -> Any:
        """There is something to read, or the end."""
        try:
            data = self.socket.recv(READ_BYTES)
        except OSError as failed:
            # Reading again would find the end of what was reset: an error is told once.
            return None if failed.errno == errno.EWOULDBLOCK else CONNECTION_LOST
        if not data:
            return CONNECTION_DONE
        self.protocol.dataReceived(data)
        return None


PLAIN_TCP: Final = frozenset({tcp.Server, DirectServer})


class FastDirect(FastSend):
    """All answers of a reactor turn go to the kernel together, without a round through the reactor each.

    Sent one by one between two requests, each would wake the far end from its sleep; on a virtual machine
    that alone costs more than the whole request.
    """

    _out = b""

    def _put(self, data: bytes) -> None:
        if self._out:
            self._out += data
        elif type(self.transport) in PLAIN_TCP:
            self._out = data
            if not _turn.waiting:
                _turn.begin()
            _turn.waiting.append(self)
        else:
            super()._put(data)

    def _put_now(self, data: bytes) -> None:
        """Among idle terminals it is alone, and the turn need not end for it."""
        if type(self.transport) in PLAIN_TCP:
            self._out += data
            self.flush()
        else:
            super()._put(data)

    def flush(self) -> None:
        """Hand over what was put."""
        data, self._out = self._out, b""
        transport: Any = self.transport
        if not data or transport is None:
            return
        sent = 0
        if transport.connected and not (
            transport.dataBuffer or transport._tempDataLen or transport.disconnecting
        ):
            try:
                sent = transport.socket.send(data)
            except OSError:
                # A full buffer, or a loss that the reactor finds and reports in its own time.
                sent = 0
        if sent < len(data):
            transport.write(data[sent:])

    def _closeConnection(self, abort: bool = False) -> None:
        """Nothing that was said before the end is left behind: it may come within this very event."""
        self.flush()
        super()._closeConnection(abort)


class _Turn:
    """The connections that have something to send at the end of this turn of the reactor."""

    def __init__(self) -> None:
        self.waiting: list[FastDirect] = []
        self._reactor: Any = None

    def begin(self) -> None:
        """There is something to send now."""
        if self._reactor is None:
            from twisted.internet import reactor

            self._reactor = reactor
        self._reactor.callLater(0, self.flush)

    def flush(self) -> None:
        """The turn is over."""
        waiting, self.waiting = self.waiting, []
        for connection in waiting:
            try:
                connection.flush()
            except Exception:
                _log.failure("our own mistake in sending; the others go on")


_log: Final = Logger()
_turn: Final = _Turn()
