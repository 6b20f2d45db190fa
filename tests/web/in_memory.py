"""The people's side without a socket: requests as bytes against the real Site, over stores that stand in."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from tests.gateway.stand_ins import Face
from tfserver.metrics import Metrics
from tfserver.model import Terminal
from tfserver.store.tokens import Role, Token
from tfserver.web.site import Pages, Sources

ADMIN, OPERATOR, READER = "tfs_admin-secret", "tfs_operator-secret", "tfs_reader-secret"
TOKENS = {
    ADMIN: Token("a", Role.ADMIN, 1),
    OPERATOR: Token("o", Role.OPERATOR, 1),
    READER: Token("r", Role.READER, 1),
}


class Answer(NamedTuple):
    """What came back; ``body`` is decoded when it is JSON."""

    status: int
    headers: dict[str, str]
    body: Any
    raw: bytes


class Feed:
    """A stream of punches: one a place, from ``1-0`` on."""

    def __init__(self, *rows: dict[str, Any]) -> None:
        self.rows = list(rows)
        self.scanned = 0

    def page(self, after: str, limit: int) -> list[tuple[str, str]]:
        """Entries behind a cursor."""
        start = int(after.partition("-")[0])
        found = [(f"{at + 1}-0", json.dumps(self.rows[at])) for at in range(start, len(self.rows))[:limit]]
        self.scanned += len(found)
        return found


class PagesCase(SynchronousTestCase):
    """All pages over stand-ins; an unknown token is not accepted."""

    def setUp(self) -> None:
        """Stores in which there is nothing."""
        self.terminals = Face(page=lambda after, limit: [], get=None, claimants=[], change=None, decide=True)
        self.feed = Feed()
        self.punches = Face(page=lambda *args: self.feed.page(*args), quarantine=[])
        self.tokens = Face(find=TOKENS.get)
        self.metrics = Metrics()
        self.unready: str | None = None
        self.draining = False
        sources: Any = (self.terminals, self.punches, self.tokens, self.metrics)
        self.pages = Pages(Sources(*sources, lambda: self.unready, lambda: self.draining))
        self.site = self.pages.site()
        self.site.timeOut = None
        self.is_closed = False

    def with_terminals(self, *terminals: Terminal) -> None:
        """Let the registry hold these."""
        found = {terminal.sn.upper(): terminal for terminal in terminals}

        def page(after: str, limit: int) -> list[Terminal]:
            return [found[sn] for sn in sorted(found) if sn > after][:limit]

        self.terminals.given.update(page=page, get=lambda sn: found.get(sn.upper()))

    def get(self, path: str, token: str | None = READER, **headers: str) -> Answer:
        """A GET with a token."""
        return self.ask("GET", path, b"", token, **headers)

    def patch(self, path: str, body: Any, token: str | None = OPERATOR) -> Answer:
        """A PATCH with a token; the body is encoded unless it is bytes."""
        return self.ask("PATCH", path, body if isinstance(body, bytes) else json.dumps(body).encode(), token)

    def ask(self, method: str, path: str, body: bytes, token: str | None, **headers: str) -> Answer:
        """One request and its answer."""
        if token is not None:
            headers = {"Authorization": f"Bearer {token}", **headers}
        lines = [f"{method} {path} HTTP/1.1", "Host: gate.example", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        head = "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode("latin-1")
        return read_answer(self.exchange(head + body))

    def exchange(self, *segments: bytes) -> bytes:
        """All that comes back to these segments on one connection, until the server closes it."""
        protocol = self.site.buildProtocol(None)
        transport = StringTransport(lenient=True)
        protocol.makeConnection(transport)
        for segment in segments:
            if not transport.disconnecting:
                protocol.dataReceived(segment)
        self.is_closed = bool(transport.disconnecting or transport.disconnected)
        return bytes(transport.value())

    def assert_problem(self, answer: Answer, status: int, *fields: str) -> None:
        """The answer is a problem (RFC 9457) of this status, about these fields."""
        self.assertEqual(answer.status, status, answer.raw)
        self.assertEqual(answer.headers["content-type"], "application/problem+json")
        self.assertLessEqual({"type", "title", "status", "detail"}, set(answer.body))
        self.assertEqual(answer.body["status"], status)
        self.assertIsInstance(answer.body["title"], str)
        self.assertTrue(answer.body["detail"])
        self.assertEqual([error["field"] for error in answer.body.get("errors", [])], list(fields))
        self.assertTrue(all(error["message"] for error in answer.body.get("errors", [])))


def read_answer(data: bytes) -> Answer:
    """Read one HTTP answer that ends with its connection."""
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    if headers.get("transfer-encoding") == "chunked":
        body = _joined(body)
    try:
        decoded = json.loads(body)
    except ValueError:
        decoded = body.decode("utf-8", "replace")
    return Answer(int(lines[0].split(" ", 2)[1]) if lines[0] else 0, headers, decoded, data)


def _joined(body: bytes) -> bytes:
    whole = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        whole += body[: int(size, 16)]
        body = body[int(size, 16) + 2 :]
    return whole
