"""Connections of people: how long each part may take, and what can't be read in one way only."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from tests.web.in_memory import READER, Connection, PagesCase, joined, read_answer
from tfserver.model import Terminal
from tfserver.web.channel import MOST_HEAD_BYTES, MOST_HEADERS, MOST_LINE_BYTES, Phase
from tfserver.web.request import MOST_PIECES

GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
ASK = f"GET /api/v1/terminals HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {READER}\r\n\r\n".encode()


class ChannelCase(PagesCase):
    """One connection at a time."""

    def setUp(self) -> None:
        """Somebody has connected."""
        super().setUp()
        self.here = Connection(self.site)

    def seconds(self, phase: Phase) -> float:
        """How long a phase may take."""
        assert phase.value is not None
        return float(phase.value)

    def assert_refused(self, status: int, *segments: bytes) -> None:
        """The answer is a whole problem with the headers of all answers, and the connection ends."""
        connection = Connection(self.site)
        connection.say(*segments)
        answer = connection.answer()
        self.assert_problem(answer, status)
        self.assertTrue(connection.is_closed)
        self.assertEqual(answer.headers["connection"], "close")
        self.assertEqual(answer.headers["x-content-type-options"], "nosniff")
        self.assertIn("default-src 'none'", answer.headers["content-security-policy"])


class SlowTests(ChannelCase):
    """A byte more gives no more time."""

    def drip(self, data: bytes, seconds: float, every: float = 1.0) -> None:
        """Send a byte each second for so long."""
        for place in range(int(seconds / every)):
            self.here.say(data[place : place + 1])
            self.clock.advance(every)

    def test_nothing_said(self) -> None:
        """Who says nothing is let go in silence."""
        self.clock.advance(self.seconds(Phase.HEAD) - 0.1)
        self.assertFalse(self.here.is_closed)
        self.clock.advance(0.2)
        self.assertTrue(self.here.is_closed)
        self.assertEqual(self.here.data, b"")

    def test_slow_head(self) -> None:
        """A head that comes byte by byte has the time that any head has."""
        self.drip(GET * 10, self.seconds(Phase.HEAD) - 1)
        self.assertFalse(self.here.is_closed)
        self.drip(GET[9:] * 10, 2)
        self.assert_problem(self.here.answer(), 408)
        self.assertTrue(self.here.is_closed)
        self.assertEqual(self.metrics.http_refused["slow"], 1)

    def test_slow_body(self) -> None:
        """So has a body, whether it tells its length or not."""
        for told in (b"Content-Length: 1000", b"Transfer-Encoding: chunked"):
            self.here = Connection(self.site)
            self.here.say(b"POST /api/v1/tokens HTTP/1.1\r\nHost: x\r\n" + told + b"\r\n\r\n")
            body, before = b"1\r\n \r\n" * 1000, int(self.seconds(Phase.BODY)) - 1
            self.drip(body, before)
            self.assertFalse(self.here.is_closed, told)
            self.drip(body[before:], 2)
            self.assert_problem(self.here.answer(), 408)

    def test_idle(self) -> None:
        """Between two requests a connection may rest longer; the next has all its time again."""
        self.here.say(GET + b"\r\n")
        self.assertEqual(self.here.answer().status, 200)
        self.clock.advance(self.seconds(Phase.IDLE) - 1)
        self.here.say(GET)
        self.clock.advance(self.seconds(Phase.HEAD) - 1)
        self.here.say(b"\r\n")
        self.assertEqual(self.here.data.count(b"HTTP/1.1 200"), 2)
        answered = len(self.here.data)
        self.clock.advance(self.seconds(Phase.IDLE))
        self.assertTrue(self.here.is_closed)
        self.assertEqual(len(self.here.data), answered, "an idle connection is let go in silence")

    def test_while_it_is_answered(self) -> None:
        """An answer that takes its time is no slow request."""
        waiting: Deferred[list[Terminal]] = Deferred()
        self.terminals.given["page"] = waiting
        self.here.say(ASK)
        self.clock.advance(9)
        waiting.callback([])
        self.assertEqual(self.here.answer().status, 200)
        self.clock.advance(9)
        self.assertFalse(self.here.is_closed)

    def test_answer_that_nobody_takes(self) -> None:
        """A connection that is to close, and does not, is cut."""
        self.here.say(GET + b"Connection: close\r\n\r\n")
        self.assertTrue(self.here.is_closed)
        self.assertFalse(self.here.is_aborted)
        self.clock.advance(self.seconds(Phase.CLOSING))
        self.assertTrue(self.here.is_aborted)

    def test_nothing_is_left(self) -> None:
        """A connection that is over leaves no alarm behind."""
        for said in (b"", GET, GET + b"\r\n"):
            self.here = Connection(self.site)
            self.here.say(said)
            self.here.leave()
        Connection(self.site).leave()
        self.clock.advance(0)
        left = [call for call in self.clock.getDelayedCalls() if "_ring" in str(call.func)]
        self.assertEqual(len(left), 1, "that of the first connection, which is still there")


class BoundTests(ChannelCase):
    """How large a head may be, and how many pieces a body may have."""

    def test_long_line(self) -> None:
        """A line has a bound, that of the request as well."""
        for line in (b"GET /" + b"a" * 2 * MOST_LINE_BYTES, GET + b"X-A: " + b"a" * 2 * MOST_LINE_BYTES):
            self.assert_refused(431, line)

    def test_many_bytes(self) -> None:
        """So have all lines together."""
        lines = [b"X-%d: %b\r\n" % (n, b"a" * 1000) for n in range(MOST_HEAD_BYTES // 1000 + 1)]
        self.assert_refused(400, GET, *lines)

    def test_many_headers(self) -> None:
        """So has their number."""
        self.assert_refused(400, GET, b"X: y\r\n" * (MOST_HEADERS + 1), b"\r\n")
        most = b"X: y\r\n" * (MOST_HEADERS - 2) + b"Connection: close\r\n\r\n"
        self.assertEqual(read_answer(self.exchange(GET + most)).status, 200)

    def test_many_pieces(self) -> None:
        """A body of a byte a chunk is refused before it is large."""
        head = b"POST /api/v1/tokens HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        self.assert_refused(413, head, *[b"1\r\n \r\n" * 1000] * (MOST_PIECES // 1000 + 1))
        self.assertEqual(self.tokens.calls, [])

    def test_answer_that_was_begun(self) -> None:
        """What comes while a request is answered is not kept without end."""
        self.terminals.given["page"] = Deferred()
        self.here.say(ASK)
        self.here.say(*[b"x" * 10_000] * 3)
        self.assertEqual(self.here.transport.producerState, "paused")


class SmugglingTests(ChannelCase):
    """What a proxy in front could read in another way is refused."""

    def test_lengths(self) -> None:
        """Two lengths, a length beside chunks, and what is no length."""
        first = b"POST /api/v1/tokens HTTP/1.1\r\nHost: x\r\n"
        for lines in (
            b"Content-Length: 5\r\nContent-Length: 6\r\n",
            b"Content-Length: 5\r\nContent-Length: 5\r\n",
            b"Content-Length: 5, 5\r\n",
            b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
            b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            b"Transfer-Encoding: gzip, chunked\r\n",
            b"Transfer-Encoding: identity\r\n",
            b"Transfer-Encoding: xchunked\r\n",
            b"Transfer-Encoding : chunked\r\n",
            b"Transfer-Encoding:\x0bchunked\r\n",
            b"Content-Length: +5\r\n",
            b"Content-Length: -5\r\n",
            b"Content-Length: 0x5\r\n",
            b"Content-Length: 5_0\r\n",
            b"Content-Length:\r\n",
            b"Content-Length: " + b"9" * 5000 + b"\r\n",
            b"Content-Length : 5\r\n",
            b"X: y\r\n Content-Length: 5\r\n",
            b"X: y\r\n\tz\r\n",
            b" X: y\r\n",
            b"X\x00: y\r\n",
            b"X: y\x00\r\n",
            b": y\r\n",
            b"no colon\r\n",
        ):
            self.assert_refused(400, first + lines + b"\r\n", b"{}   ")
        self.assertEqual(self.tokens.calls, [])
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_bare_line_feeds(self) -> None:
        """A line feed alone ends no line."""
        self.assert_refused(400, b"GET /healthz HTTP/1.1\nHost: x\n\n\r\n\r\n")

    def test_chunks(self) -> None:
        """A chunk that is not quite one ends the connection."""
        head = b"POST /api/v1/tokens HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        for chunk in (b"-1\r\n", b"0x2\r\n{}\r\n", b"2\n{}\n", b"2\r\n{}x\r\n", b" 2\r\n{}\r\n", b"z\r\n"):
            self.assert_refused(400, head + chunk + b"0\r\n\r\n")

    def test_first_lines(self) -> None:
        """Only one form of the first line is read."""
        for line in (
            b"GET  /healthz HTTP/1.1",
            b"GET /healthz",
            b"GET /healthz HTTP/2.0",
            b"GET /healthz HTTP/1.1 ",
            b"GET /health z HTTP/1.1",
            b"G\xe9T /healthz HTTP/1.1",
            b"PRI * HTTP/2.0",
            b"\x16\x03\x01\x02\x00",
        ):
            self.assert_refused(400, line + b"\r\nHost: x\r\n\r\n")

    def test_hosts(self) -> None:
        """HTTP/1.1 says once whom it asks (RFC 9112 §3.2); HTTP/1.0 need not."""
        for lines in (b"", b"Host: a\r\nHost: b\r\n"):
            answer = read_answer(self.exchange(b"GET /healthz HTTP/1.1\r\n" + lines + b"\r\n"))
            self.assert_problem(answer, 400)
        self.assertEqual(read_answer(self.exchange(b"GET /healthz HTTP/1.0\r\n\r\n")).status, 200)

    def test_pipelined(self) -> None:
        """What came behind a request is dropped with the connection, however soon the answer was there."""
        self.here.say((GET + b"\r\n") * 50)
        self.assertEqual(self.here.data.count(b"HTTP/1.1 200"), 1)
        self.assertTrue(self.here.is_closed)
        later = Connection(self.site)
        waiting: Deferred[list[Terminal]] = Deferred()
        self.terminals.given["page"] = waiting
        later.say(ASK, ASK)
        waiting.callback([])
        self.assertEqual(later.data.count(b"HTTP/1.1 200"), 1)
        self.assertTrue(later.is_closed)

    def test_line_end_behind_a_body(self) -> None:
        """Old clients send a line end behind a body; that is no request."""
        body = b"{}"
        head = b"POST /api/v1/tokens HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n"
        self.here.say(head + body + b"\r\n")
        self.assertEqual(self.here.answer().status, 401)
        self.assertFalse(self.here.is_closed)

    def test_old_version(self) -> None:
        """HTTP/1.0 is answered once and closed, chunks or not."""
        self.here.say(b"GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        self.assertEqual(self.here.answer().status, 200)
        self.assertTrue(self.here.is_closed)


class HeaderTests(ChannelCase):
    """What every answer tells browsers."""

    def assert_told(self, headers: dict[str, Any]) -> None:
        """All of it, and not who we are in detail."""
        self.assertEqual(headers["server"], "tfserver")
        self.assertEqual(headers["x-content-type-options"], "nosniff")
        self.assertEqual(headers["referrer-policy"], "no-referrer")
        self.assertEqual(headers["x-frame-options"], "DENY")
        self.assertEqual(headers["cross-origin-opener-policy"], "same-origin")
        self.assertEqual(headers["cross-origin-resource-policy"], "same-origin")
        self.assertIn("camera=()", headers["permissions-policy"])
        told = headers["content-security-policy"]
        self.assertTrue(told.startswith("default-src 'none'"))
        self.assertIn("frame-ancestors 'none'", told)
        self.assertNotIn("unsafe", told)
        self.assertNotIn("strict-transport-security", headers)

    def test_everywhere(self) -> None:
        """Answers, errors, heads, exports, texts and streams have them."""
        export = {"Accept": "text/csv"}
        for answer in (
            self.get("/api/v1/terminals"),
            self.get("/healthz", None),
            self.get("/nothing"),
            self.get("/api/v1/terminals", None),
            self.get("/api/v1/openapi.json"),
            self.ask("HEAD", "/api/v1/terminals", b"", READER),
            self.ask("OPTIONS", "/api/v1/terminals", b"", None),
            self.ask("BREW", "/api/v1/terminals", b"", None),
            self.get("/api/v1/punches?limit=1", **export),
            read_answer(self.exchange(b"rubbish\r\n")),
        ):
            self.assert_told(answer.headers)
        stream = self.begin("GET", "/api/v1/stream")
        self.clock.advance(1)
        self.assert_told(stream.answer().headers)
        self.assertIn(b"retry", joined(stream.data.partition(b"\r\n\r\n")[2]))
