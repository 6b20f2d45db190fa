"""The people's side without a socket: requests as bytes against the real Site, over stores that stand in."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from tests.gateway.stand_ins import Face
from tests.web.briefs import brief_of
from tests.web.people import People
from tests.web.running import a_store, an_archive, some_processes
from tests.web.samples import a_webhook, an_account, an_order
from tfserver.config import LimitSettings, ModelProfile, Web
from tfserver.metrics import Metrics
from tfserver.model import Decided, Terminal
from tfserver.store.accounts import Listed
from tfserver.store.archive.finding import Found as FoundRows
from tfserver.store.archive.latest import Latest as LatestRows
from tfserver.store.briefs import Brief
from tfserver.store.events import BEGINNING, Ends
from tfserver.store.inquiries import Found
from tfserver.store.models import NOTHING
from tfserver.store.principals import Role
from tfserver.store.proven import Proof
from tfserver.store.tokens import Token
from tfserver.web.problem import Problem
from tfserver.web.router import Router
from tfserver.web.routes import PAGES, ROUTES
from tfserver.web.site import Pages, Sources

ADMIN, OPERATOR, READER = "tfs_admin-secret", "tfs_operator-secret", "tfs_reader-secret"
NO_ROWS = LatestRows([], "0-0", True, "0-0")
BOUND = "tfs_bound-secret"
"""The token of an administrator of the sites north and east only."""
TOKENS = {
    ADMIN: Token("a", Role.ADMIN, 1, "Ana", templates=True),
    OPERATOR: Token("o", Role.OPERATOR, 1),
    READER: Token("r", Role.READER, 1),
}
BOUND_TOKEN = Token("b", Role.ADMIN, 1, "Bo", ("north", "east"), templates=True)
_MOST_TURNS = 1000
_PROMISED = Router((*ROUTES, *PAGES))
"""Made once: it takes many times as long as an answer."""


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

    def page(self, after: str, limit: int, kinds: tuple[str, ...] = ()) -> list[tuple[str, str]]:
        """Entries behind a cursor."""
        start = int(after.partition("-")[0])
        found = [(f"{at + 1}-0", json.dumps(self.rows[at])) for at in range(start, len(self.rows))[:limit]]
        self.scanned += len(found)
        return found

    def back(self, before: str, after: str, limit: int) -> list[tuple[str, str]]:
        """Entries between two places, the last one first."""
        first, last = int(after.partition("-")[0]), int(before.partition("-")[0] or len(self.rows) + 1)
        found = [(f"{at}-0", json.dumps(row)) for at, row in enumerate(self.rows, 1) if first < at < last]
        return found[::-1][:limit]

    def last(self, limit: int) -> list[str]:
        """The newest entries, the last one first."""
        return [json.dumps(row) for row in reversed(self.rows[-limit:])]


class Connection:
    """One connection of somebody who asks; what was answered so far stands in ``data``."""

    def __init__(self, site: Any) -> None:
        self.transport = StringTransport(lenient=True)
        self.transport.abortConnection = self._abort  # type: ignore[method-assign]
        self.is_aborted = False
        self._protocol = site.buildProtocol(None)
        self._protocol.makeConnection(self.transport)

    def say(self, *segments: bytes) -> None:
        """Send bytes as long as the server takes them."""
        for segment in segments:
            if not self.transport.disconnecting:
                self._protocol.dataReceived(segment)

    def leave(self) -> None:
        """The connection is lost."""
        self.transport.disconnected = True
        self._protocol.connectionLost(Failure(ConnectionLost()))

    @property
    def producer(self) -> Any:
        """What the transport pauses when it is full."""
        return self.transport.producer

    @property
    def data(self) -> bytes:
        """All that came back."""
        return bytes(self.transport.value())

    @property
    def is_closed(self) -> bool:
        """Whether the server has closed it."""
        return bool(self.transport.disconnecting or self.transport.disconnected)

    def answer(self) -> Answer:
        """What came back, read as one answer."""
        return read_answer(self.data)

    def _abort(self) -> None:
        self.is_aborted = True
        self.leave()


class PagesCase(SynchronousTestCase):
    """All pages over stand-ins; an unknown token is not accepted."""

    web = Web()
    limits = LimitSettings(exempt=["192.168.0.0/16"])
    """Requests come from 192.168.1.1, which has no bounds."""

    def setUp(self) -> None:
        """Stores in which there is nothing."""
        self.clock = Clock()
        self.accepted = {**TOKENS, BOUND: BOUND_TOKEN}
        self.terminals = Face(page=lambda after, limit: [], get=None, claimants=[], change=True, decide=True)
        self.terminals.given.update(decided=Decided(), set_path=True, these=[], briefs=[], changes=[])
        self.marks = Face(forget_gaps=1)
        self.terminals.given.update(proof=Proof(), these_briefs=[])
        self.terminals.__dict__.update(marks=self.marks, models=Face(get=NOTHING))
        self.feed = Feed()
        self.archive = Face(find=lambda after, *_: FoundRows([], after, True, 0, "0-0"), place="0-0")
        self.archive.given.update(forgotten="0-0", doubted=("0-0", []), by_hour=("0-0", []), latest=NO_ROWS)
        self.punches = Face(page=lambda *args: self.feed.page(*args), quarantine=[], clear_quarantine=3)
        self.punches.given.update(newest=lambda: f"{len(self.feed.rows)}-0", check_archive=None)
        self.punches.given.update(last=lambda limit: self.feed.last(limit), archived="0-0")
        self.punches.given["back"] = lambda *args: self.feed.back(*args)
        self.sessions = Face(find=None, use=None, begin=None, end=None, enter=None, end_all=None)
        self.accounts = Face(exist=True, check=None, get=an_account(), all=[Listed(an_account(), 2000)])
        self.accounts.given.update(listed=Listed(an_account(), None), change=an_account(), delete=None)
        self.accounts.given.update(create=lambda account, _: account, renew_password=None)
        self.tokens = Face(find=self.accepted.get, all=lambda: [*self.accepted.values()], revoke=None)
        self.tokens.given["issue"] = lambda secret, entry, key: entry
        self.commander = Face(order=an_order(), ended=an_order(), get=None, listing=([], None), forget=True)
        self.commander.given.update(backfills=([], None), cancel=an_order())
        self.commander.given["profile"] = ModelProfile()
        self.commander.__dict__["profiles"] = ["door-phone"]
        self.audit = Face(write=None, page=[])
        self.events = Face(ends=Ends(BEGINNING, BEGINNING), page=[])
        self.webhooks = Face(all=[], get=None, add=a_webhook(), change=a_webhook(), delete=None)
        self.webhooks.given.update(dead_letters=([], None), redeliver=0)
        self.names = Face(addresses=["93.184.216.34"])
        self.names.__dict__["allow_private"] = False
        self.inquiries = Face(ask=Found([], True))
        self.people = People()
        self.health = Face(processes=some_processes(), store=a_store(), archive=an_archive())
        self.metrics = Metrics()
        self.unready: str | None = None
        self.draining = False
        self.pages = Pages(self.clock, self.sources(), self.web, self.limits)
        self.site = self.pages.site()
        self.is_closed = False

    def sources(self) -> Sources:
        """The stand-ins as the pages know them."""
        faces: dict[str, Any] = {
            "terminals": self.terminals,
            "punches": self.punches,
            "tokens": self.tokens,
            "sessions": self.sessions,
            "accounts": self.accounts,
            "commander": self.commander,
            "audit": self.audit,
            "events": self.events,
            "webhooks": self.webhooks,
            "names": self.names,
            "feed": self.punches,
            "archive": self.archive,
            "inquiries": self.inquiries,
            "people": self.people,
            "health": self.health,
        }
        return Sources(
            metrics=self.metrics, unready=lambda: self.unready, draining=lambda: self.draining, **faces
        )

    def with_terminals(self, *terminals: Terminal) -> None:
        """Let the registry hold these."""
        found = {terminal.sn.upper(): terminal for terminal in terminals}

        def page(after: str, limit: int) -> list[Terminal]:
            return [found[sn] for sn in sorted(found) if sn > after][:limit]

        def these(sns: list[str]) -> list[Terminal]:
            return [found[sn.upper()] for sn in sns if sn.upper() in found]

        def briefs(after: str, limit: int) -> list[Brief]:
            return [brief_of(each) for each in page(after, limit)]

        def these_briefs(sns: list[str]) -> list[Brief]:
            return [brief_of(each) for each in these(sns)]

        def decided(sn: str) -> Decided:
            terminal = found.get(sn.upper())
            return Decided(terminal.site if terminal else "")

        self.terminals.given.update(
            these=these,
            page=page,
            briefs=briefs,
            these_briefs=these_briefs,
            get=lambda sn: found.get(sn.upper()),
            decided=decided,
        )

    def set_bound(self, owner: Any, name: str, value: Any) -> None:
        """Let a bound, or what is called, be another one until the end of the test."""
        SynchronousTestCase.patch(self, owner, name, value)

    def get(self, path: str, token: str | None = READER, **headers: str) -> Answer:
        """A GET with a token."""
        return self.ask("GET", path, b"", token, **headers)

    def patch(self, path: str, body: Any, token: str | None = OPERATOR) -> Answer:
        """A PATCH with a token; the body is encoded unless it is bytes."""
        return self.ask("PATCH", path, encoded(body), token)

    def post(self, path: str, body: Any, token: str | None = OPERATOR, **headers: str) -> Answer:
        """A POST with a token; the body is encoded unless it is bytes."""
        return self.ask("POST", path, encoded(body), token, **headers)

    def delete(self, path: str, token: str | None = ADMIN) -> Answer:
        """A DELETE with a token."""
        return self.ask("DELETE", path, b"", token)

    def ask(self, method: str, path: str, body: bytes, token: str | None, **headers: str) -> Answer:
        """One request and its answer; its status has to be one of those that its row promises."""
        connection = self.begin(method, path, body, token, **headers)
        for _ in range(_MOST_TURNS):
            # a page is made in several turns of the reactor
            if connection.data:
                break
            self.clock.advance(0)
        answer = connection.answer()
        self.is_closed = connection.is_closed
        self.assert_promised(method, path, answer.status)
        return answer

    def begin(
        self, method: str, path: str, body: bytes = b"", token: str | None = READER, **headers: str
    ) -> Connection:
        """A request that may not be answered yet. An underscore in the name of a header is a hyphen."""
        if token is not None:
            headers = {"Authorization": f"Bearer {token}", **headers}
        lines = [f"{method} {path} HTTP/1.1", "Host: gate.example", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        head = "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode("latin-1")
        connection = Connection(self.site)
        connection.say(head + body)
        return connection

    def exchange(self, *segments: bytes) -> bytes:
        """All that comes back to these segments on one connection, until the server closes it."""
        connection = Connection(self.site)
        connection.say(*segments)
        self.is_closed = connection.is_closed
        return connection.data

    def assert_promised(self, method: str, path: str, status: int) -> None:
        """The table says that this route may answer so."""
        try:
            route = _PROMISED.find(path.partition("?")[0].encode()).route(method)
        except Problem:
            return
        promised = {*map(int, route.answers), *map(int, route.refused_with()), 500}
        self.assertIn(status, promised, f"{method} {path}")

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

    def noted(self) -> list[tuple[str, str, str, str]]:
        """What the audit was told: actor, what, sn, outcome."""
        return [args[:4] for args in self.audit.asked("write")]


def encoded(body: Any) -> bytes:
    """A body as bytes."""
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def read_answer(data: bytes) -> Answer:
    """Read one HTTP answer that ends with its connection."""
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    if headers.get("transfer-encoding") == "chunked":
        body = joined(body)
    try:
        decoded = json.loads(body)
    except ValueError:
        decoded = body.decode("utf-8", "replace")
    return Answer(int(lines[0].split(" ", 2)[1]) if lines[0] else 0, headers, decoded, data)


def joined(body: bytes) -> bytes:
    """The chunks of a body as one."""
    whole = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        whole += body[: int(size, 16)]
        body = body[int(size, 16) + 2 :]
    return whole
