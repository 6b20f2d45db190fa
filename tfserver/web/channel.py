"""One connection of people: HTTP/1.1 read strictly, everything within a time that no byte makes longer."""

from __future__ import annotations

import enum
from http import HTTPStatus
from typing import Any, Final

import msgspec
from twisted.internet import interfaces
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel
from twisted.web.http_headers import Headers

from tfserver.web import policy
from tfserver.web.problem import MEDIA, Problem

MOST_HEADERS: Final = 100
MOST_HEAD_BYTES: Final = 16_384
MOST_LINE_BYTES: Final = 8192
_MOST_DIGITS: Final = 15
"""Of a length; int() raises for thousands of them."""


class Phase(enum.Enum):
    """Where a connection stands, and for how many seconds at most."""

    HEAD = 10.0
    BODY = 30.0
    BUSY = None
    """The answer is being made; whoever makes it has a deadline."""
    IDLE = 60.0
    CLOSING = 20.0


class PeopleChannel(HTTPChannel):
    """Twisted's channel, but for the deadlines, which it puts off with every byte, and the words of refusals.

    What is sent behind a request before its answer is dropped with the connection: no browser, proxy or
    library does that, and a flood of small requests in one packet would keep terminals waiting.
    """

    maxHeaders = MOST_HEADERS
    totalHeadersSize = MOST_HEAD_BYTES
    MAX_LENGTH = MOST_LINE_BYTES
    timeOut = None

    def __init__(self) -> None:
        super().__init__()
        self.is_tls = False
        self._phase = Phase.IDLE
        self._number = 0
        """How many requests were read whole."""
        self._watched: tuple[Phase, int] | None = None
        self._due: float | None = None
        self._alarm: Any = None

    def connectionMade(self) -> None:
        """Somebody is there, and has to say what it wants."""
        transport: Any = self.transport
        self.is_tls = interfaces.ISSLTransport(transport, None) is not None
        super().connectionMade()
        self._enter(Phase.HEAD)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """It is over."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        super().connectionLost(reason)
        factory: Any = self.factory
        factory.crowd.leave(self)

    def dataReceived(self, data: bytes) -> None:
        """Read on; a byte more does not give more time."""
        if self._phase is Phase.CLOSING:
            return
        # over HTTPChannel, which would begin its time-out anew
        super(HTTPChannel, self).dataReceived(data)
        self._look()

    def lineReceived(self, line: bytes) -> None:
        """A line of the head. Long ago headers could go on in the next line; now only smugglers do that."""
        if line[:1] in (b" ", b"\t"):
            self.refuse(HTTPStatus.BAD_REQUEST, "a header has to stand on one line")
            return
        super().lineReceived(line)

    def lineLengthExceeded(self, line: bytes) -> None:
        """A line of the head does not end."""
        told = f"no line may have more than {MOST_LINE_BYTES} bytes"
        self.refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, told)

    def headerReceived(self, line: bytes) -> bool:
        """Take a header, if there is only one way to read it."""
        name, _, value = line.partition(b":")
        name, value = name.lower(), value.strip(b" \t")
        if name == b"content-length" and not (value.isdigit() and len(value) <= _MOST_DIGITS):
            self.refuse(HTTPStatus.BAD_REQUEST, "Content-Length has to be a number")
            return False
        if name == b"transfer-encoding" and value.lower() != b"chunked":
            self.refuse(HTTPStatus.BAD_REQUEST, "the only Transfer-Encoding is chunked")
            return False
        if self._phase is Phase.CLOSING:
            return False
        return bool(super().headerReceived(line))

    def allContentReceived(self) -> None:
        """A request is whole; one that was refused meanwhile is none."""
        if self._phase is Phase.CLOSING:
            return
        self._number += 1
        self._enter(Phase.BUSY)
        super().allContentReceived()

    def requestDone(self, request: Any) -> None:
        """A request was answered."""
        behind = b"".join(self._dataBuffer) + self._buffer
        if behind.strip(b"\r\n"):
            self.persistent = 0
        self._phase = Phase.IDLE
        super().requestDone(request)
        self._look()

    def loseConnection(self) -> None:
        """Close, once what is under way was taken; not for ever if it is not."""
        self._enter(Phase.CLOSING)
        super().loseConnection()

    def refuse(self, status: HTTPStatus, detail: str) -> None:
        """Say why nothing more is read, and close."""
        if self._phase is Phase.CLOSING:
            return
        factory: Any = self.factory
        factory.metrics.http_refused["slow" if status is HTTPStatus.REQUEST_TIMEOUT else "malformed"] += 1
        transport: Any = self.transport
        transport.write(refusal(Problem(status, detail), self.is_tls))
        self.loseConnection()

    def _respondToBadRequestAndDisconnect(self) -> None:
        """Twisted's word for all that it can't read."""
        self.refuse(HTTPStatus.BAD_REQUEST, "this is no request of HTTP/1.1")

    def writeHeaders(self, version: bytes, code: bytes, reason: bytes, headers: Headers) -> None:
        """The head of an answer, with what every answer tells browsers."""
        parts = [version, b" ", code, b" ", reason, b"\r\n"]
        for name, values in headers.getAllRawHeaders():
            for value in values:
                parts += name, b": ", value, b"\r\n"
        is_secure = self.requests[0].visitor.is_secure
        parts += policy.lines(is_secure, headers.hasHeader(policy.CONTENT)), b"\r\n"
        transport: Any = self.transport
        transport.writeSequence(parts)

    def _look(self) -> None:
        """Find out where the connection stands now."""
        if self._phase in (Phase.BUSY, Phase.CLOSING):
            return
        if not self.line_mode:
            phase = Phase.BODY
        elif self.requests or self._buffer or not self._number:
            phase = Phase.HEAD
        else:
            phase = Phase.IDLE
        self._enter(phase)

    def _enter(self, phase: Phase) -> None:
        """Begin the time of a phase, unless it has begun."""
        self._phase = phase
        if self._watched == (phase, self._number):
            return
        self._watched = phase, self._number
        if phase.value is None:
            # an alarm that is set rings for nothing; that costs less than to call it off each time
            self._due = None
            return
        reactor: Any = self.factory.reactor
        self._due = reactor.seconds() + phase.value
        if self._alarm is None:
            self._alarm = reactor.callLater(phase.value, self._ring)
        elif self._alarm.getTime() > self._due:
            self._alarm.reset(phase.value)

    def _ring(self) -> None:
        self._alarm = None
        reactor: Any = self.factory.reactor
        if self._due is None:
            return
        left = self._due - reactor.seconds()
        if left > 0:
            self._alarm = reactor.callLater(left, self._ring)
        elif self._phase is Phase.CLOSING:
            transport: Any = self.transport
            transport.abortConnection()
        elif self._phase is Phase.IDLE or not (self._number or self.requests or self._buffer):
            self.loseConnection()
        else:
            self.refuse(HTTPStatus.REQUEST_TIMEOUT, "the request did not come within its time")


def refusal(problem: Problem, is_tls: bool) -> bytes:
    """A whole answer that ends its connection."""
    body = msgspec.json.encode(problem.body())
    headers = {
        "Content-Type": MEDIA,
        "Content-Length": str(len(body)),
        "Cache-Control": "no-store",
        "Connection": "close",
        **problem.headers,
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    first = f"HTTP/1.1 {problem.status.value} {problem.status.phrase}\r\n"
    return b"".join([first.encode(), lines.encode(), policy.lines(is_tls, False), b"\r\n", body])
