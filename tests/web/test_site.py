"""Health, metrics, pages that are not there, and requests that are too large."""

from __future__ import annotations

from http import HTTPStatus

from twisted.internet.defer import Deferred

from tests.web.in_memory import OPERATOR, PagesCase, read_answer
from tfserver.errors import ScriptFailed, StoreError, StoreUnavailable
from tfserver.model import Terminal
from tfserver.web.desk import Room

SN = "ZXDM26010042"
BOUND = 64 * 1024
MOST = 512 * 1024


class OpenPagesTests(PagesCase):
    """What needs no token."""

    def test_healthz(self) -> None:
        """A balancer sends terminals here unless the process drains, whatever the store does."""
        self.unready = "store: away"
        self.assertEqual(self.get("/healthz", token=None).status, 200)
        self.draining = True
        self.assertEqual(self.get("/healthz", token=None).status, 503)

    def test_readyz(self) -> None:
        """Ready is who would take a punch now; who would not says why."""
        answer = self.get("/readyz", token=None)
        self.assertEqual((answer.status, answer.body), (200, "ready\n"))
        self.unready = "store: connection refused"
        answer = self.get("/readyz", token=None)
        self.assertEqual((answer.status, answer.body), (503, "store: connection refused\n"))
        self.unready, self.draining = None, True
        self.assertEqual(self.get("/readyz", token=None).status, 503)

    def test_metrics(self) -> None:
        """Metrics are Prometheus text, and tell whether the store is ready."""
        self.metrics.connections = 3
        answer = self.get("/metrics", token=None)
        self.assertEqual(answer.status, 200)
        self.assertTrue(answer.headers["content-type"].startswith("text/plain; version=0.0.4"))
        self.assertIn("tfserver_connections 3.0", answer.body.splitlines())
        self.assertIn("tfserver_store_ready 1.0", answer.body.splitlines())
        self.unready = "away"
        self.assertIn("tfserver_store_ready 0.0", self.get("/metrics", token=None).body.splitlines())

    def test_head(self) -> None:
        """A probe may ask with HEAD."""
        answer = self.ask("HEAD", "/healthz", b"", None)
        self.assertEqual((answer.status, answer.body), (200, ""))


class ErrorTests(PagesCase):
    """Errors that are not about input."""

    def test_no_such_page(self) -> None:
        """A page that is not there answers 404 as a problem."""
        for path in ("/api/v1/nothing", "/api/v2/terminals", "/nothing", "/api/v1/terminals/a/b"):
            self.assert_problem(self.get(path), 404)

    def test_strange_paths(self) -> None:
        """Paths that are no text, or oddly written, are the asker's mistake and not ours."""
        for path in (
            "/%ff",
            "/api/v1/terminals/%ff%fe",
            "/api/v1/terminals/",
            "//",
            "/%00",
            "/nothing?%ff=%ff",
        ):
            answer = self.get(path)
            self.assert_problem(answer, 404)

    def test_doubled_slashes(self) -> None:
        """A path with doubled slashes is not there."""
        self.assert_problem(self.get("/api//v1/terminals"), 404)

    def test_no_such_method(self) -> None:
        """A method that a page does not know answers 405 and names those it knows (RFC 9110 §15.5.6)."""
        for method, path, known in (
            ("POST", "/api/v1/punches", "GET"),
            ("DELETE", "/api/v1/terminals", "GET"),
            ("PUT", f"/api/v1/terminals/{SN}", "PATCH"),
        ):
            answer = self.ask(method, path, b"{}", OPERATOR)
            self.assert_problem(answer, 405)
            self.assertIn(known, answer.headers.get("allow", ""), "no Allow header")

    def test_store_away(self) -> None:
        """A store that does not answer is 503, on every page."""
        for failure in (StoreUnavailable("no connection"), StoreError("odd"), ScriptFailed("odd")):
            for face, name in (
                (self.terminals, "page"),
                (self.punches, "page"),
                (self.punches, "quarantine"),
            ):
                face.given[name] = failure
            for path in ("/api/v1/terminals", "/api/v1/punches", "/api/v1/quarantine"):
                self.assert_problem(self.get(path), 503)

    def test_too_many_requests(self) -> None:
        """Only so many requests are under way at once; who only asks for our health is not one of them."""
        self.pages.desk.requests = Room(1, HTTPStatus.SERVICE_UNAVAILABLE, "too many requests")
        waiting: Deferred[list[Terminal]] = Deferred()
        self.terminals.given["page"] = waiting
        first = self.begin("GET", "/api/v1/terminals")
        answer = self.get("/api/v1/punches")
        self.assert_problem(answer, 503)
        self.assertTrue(answer.headers["retry-after"].isdigit())
        self.assertEqual(self.get("/healthz", token=None).status, 200)
        waiting.callback([])
        self.assertEqual(first.answer().status, 200)
        self.assertEqual(self.get("/api/v1/punches").status, 200)

    def test_reader_that_left(self) -> None:
        """Nothing is read any more for somebody who hung up."""
        given_up: list[object] = []
        reading: Deferred[list[Terminal]] = Deferred(given_up.append)
        self.terminals.given["page"] = reading
        asked = self.begin("GET", "/api/v1/terminals")
        asked.leave()
        self.assertEqual(len(given_up), 1)
        self.assertEqual((asked.data, self.flushLoggedErrors()), (b"", []))

    def test_mistake_of_ours(self) -> None:
        """A mistake of ours is 500; the answer does not tell what it was, and the log does."""
        self.terminals.given["page"] = ValueError("inner workings")
        answer = self.get("/api/v1/terminals")
        self.assert_problem(answer, 500)
        self.assertNotIn(b"inner workings", answer.raw)
        self.assertNotIn(b"Traceback", answer.raw)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
        self.terminals.given["get"] = ValueError("inner workings")
        self.assert_problem(self.patch(f"/api/v1/terminals/{SN}", {"name": "x"}), 500)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_not_cached(self) -> None:
        """Answers of the API are JSON and are kept by nobody on the way."""
        answer = self.get("/api/v1/terminals")
        self.assertEqual(answer.headers["content-type"], "application/json")
        self.assertEqual(answer.headers["cache-control"], "no-store")


class BodyTests(PagesCase):
    """Bodies have a bound."""

    def setUp(self) -> None:
        """One terminal."""
        super().setUp()
        self.with_terminals(Terminal(SN))

    def head(self, *lines: str) -> bytes:
        """The head of a PATCH."""
        first = [f"PATCH /api/v1/terminals/{SN} HTTP/1.1", "Host: x", f"Authorization: Bearer {OPERATOR}"]
        return "\r\n".join([*first, "Connection: close", *lines, "", ""]).encode()

    def assert_refused(self, *segments: bytes) -> None:
        """Nothing was changed, and the answer, if there is one, says that the body was too large."""
        data = self.exchange(*segments)
        self.assertEqual(
            self.terminals.asked("change"), [], "the beginning of a body was taken for the whole"
        )
        self.assert_problem(read_answer(data), 413)

    def test_at_the_bound(self) -> None:
        """A body of exactly the bound is taken."""
        body = b'{"name":"x"}'.ljust(BOUND)
        self.assertEqual(self.patch(f"/api/v1/terminals/{SN}", body).status, 200)
        self.assertEqual(len(self.terminals.asked("change")), 1)

    def test_one_segment(self) -> None:
        """A body beyond the bound of its route, or of all, is refused, also when it comes with its head."""
        for size in (BOUND + 1, MOST, MOST + 1):
            body = b'{"name":"x"}'.ljust(size)
            self.assert_refused(self.head(f"Content-Length: {len(body)}") + body)

    def test_many_segments(self) -> None:
        """A body beyond the bound is refused when its beginning alone would be valid."""
        for bound in (BOUND, MOST):
            body = b'{"name":"x"}'.ljust(bound) + b" " * 100
            self.assert_refused(self.head(f"Content-Length: {len(body)}"), body[:bound], body[bound:])

    def test_chunked(self) -> None:
        """A body that does not tell its length has the same bounds."""
        chunk = b'{"name":"x"}'.ljust(0x8000)
        for count in (2, 16):
            parts = (chunk, *[b" " * 0x8000] * count)
            chunks = [b"8000\r\n" + part + b"\r\n" for part in parts]
            self.assert_refused(self.head("Transfer-Encoding: chunked"), *chunks, b"0\r\n\r\n")

    def test_endless(self) -> None:
        """A body of gigabytes is not collected until its end."""
        data = self.exchange(self.head("Content-Length: 10000000000"), b" " * MOST, b" ")
        self.assertTrue(self.is_closed, "still collecting")
        self.assertEqual(self.terminals.calls, [])
        self.assert_problem(read_answer(data), 413)

    def test_larger_for_commands(self) -> None:
        """A command may bring a photo."""
        body = b'{"cmd":"opendoor"}'.ljust(MOST)
        self.assertEqual(self.post(f"/api/v1/terminals/{SN}/commands", body).status, 202)

    def test_said_to_be_something_else(self) -> None:
        """A body has to be JSON; what curl says of any body is no claim to be a form."""
        path = f"/api/v1/terminals/{SN}"
        for media in ("text/plain", "multipart/form-data; boundary=x", "application/xml"):
            answer = self.ask("PATCH", path, b'{"name":"x"}', OPERATOR, Content_Type=media)
            self.assert_problem(answer, 415)
        self.assertEqual(self.terminals.asked("change"), [])
        for media in (
            "application/json",
            "application/json; charset=utf-8",
            "application/x-www-form-urlencoded",
        ):
            answer = self.ask("PATCH", path, b'{"name":"x"}', OPERATOR, Content_Type=media)
            self.assertEqual(answer.status, 200, media)

    def test_form(self) -> None:
        """The fields of a form in the body are no parameters of the query."""
        answer = self.post(
            f"/api/v1/terminals/{SN}/commands",
            b"wait=5&cmd=opendoor",
            Content_Type="application/x-www-form-urlencoded",
        )
        self.assert_problem(answer, 400)
        self.assertEqual(self.commander.calls, [])
