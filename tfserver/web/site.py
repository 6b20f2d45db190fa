"""The people's side: health, metrics and the API on one port."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, cast

import msgspec
from klein import Klein
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.iweb import IRequest
from twisted.web.server import Request, Site
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from tfserver.errors import StoreError
from tfserver.metrics import Metrics
from tfserver.store.punches import Punches
from tfserver.store.terminals import Terminals
from tfserver.store.tokens import Token, Tokens
from tfserver.web.api import punches as punches_api
from tfserver.web.api import terminals as terminals_api
from tfserver.web.auth import authenticate, must_act
from tfserver.web.problem import Problem, write_problem
from tfserver.web.query import Query

MOST_BODY_BYTES: Final = 64 * 1024
IDLE_SECONDS: Final = 60

_TOO_LARGE_BODY: Final = msgspec.json.encode(
    {
        "type": "about:blank",
        "title": HTTPStatus.REQUEST_ENTITY_TOO_LARGE.phrase,
        "status": 413,
        "detail": f"a body may have {MOST_BODY_BYTES} bytes",
    }
)
_TOO_LARGE: Final = (
    b"HTTP/1.1 413 Content Too Large\r\nContent-Type: application/problem+json\r\n"
    b"Connection: close\r\nContent-Length: %d\r\n\r\n%b"
)

Answer = Callable[[Token], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Sources:
    """What the pages are made from. ``unready`` says why no punch would be taken now, or None."""

    terminals: Terminals
    punches: Punches
    tokens: Tokens
    metrics: Metrics
    unready: Callable[[], str | None]
    draining: Callable[[], bool]


class BoundedRequest(Request):
    """A request whose body has a bound."""

    _taken = 0

    def handleContentChunk(self, data: bytes) -> None:
        """Count what comes, with or without a length told beforehand."""
        was_small, self._taken = self._taken <= MOST_BODY_BYTES, self._taken + len(data)
        if self._taken <= MOST_BODY_BYTES:
            super().handleContentChunk(data)
        elif was_small:
            transport: Any = self.channel.transport
            transport.write(_TOO_LARGE % (len(_TOO_LARGE_BODY), _TOO_LARGE_BODY))
            self.loseConnection()

    def process(self) -> None:
        """A body that was cut is no body."""
        if self._taken <= MOST_BODY_BYTES:
            super().process()


def _access_line(_: str, request: Request) -> str:
    """A line of the access log: without the query, where somebody may have put a token."""
    path = request.uri.partition(b"?")[0].decode("ascii", "backslashreplace")[:200]
    who = getattr(request.getClientAddress(), "host", "local")
    return f"{who} {request.method.decode('ascii', 'backslashreplace')[:20]} {path} {request.code}"


def _body(request: Request) -> bytes:
    content: bytes = request.content.read() if request.content else b""
    return content


class Pages:
    """All routes."""

    app = Klein()
    _log = Logger()

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def site(self) -> Site:
        """The factory to listen with."""
        site = Site(self.app.resource(), timeout=IDLE_SECONDS, logFormatter=_access_line)
        site.requestFactory = BoundedRequest
        site.displayTracebacks = False
        site.noisy = False
        return site

    @app.route("/healthz")
    def healthz(self, request: Request) -> bytes:
        """Whether a balancer should send terminals here."""
        if self._sources.draining():
            request.setResponseCode(HTTPStatus.SERVICE_UNAVAILABLE)
            return b"draining\n"
        return b"ok\n"

    @app.route("/readyz")
    def readyz(self, request: Request) -> bytes:
        """Whether a punch would be taken now."""
        why = "draining" if self._sources.draining() else self._sources.unready()
        if why is not None:
            request.setResponseCode(HTTPStatus.SERVICE_UNAVAILABLE)
        return (why or "ready").encode() + b"\n"

    @app.route("/metrics")
    def metrics(self, request: Request) -> bytes:
        """Prometheus text."""
        request.setHeader("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self._sources.metrics.store_ready = self._sources.unready() is None
        return self._sources.metrics.exposition()

    @app.route("/api/v1/terminals", methods=["GET"])
    async def terminals(self, request: Request) -> bytes:
        """A page of terminals."""

        def make(_: Token) -> Awaitable[Any]:
            """Any token may look."""
            return terminals_api.listing(self._sources.terminals, Query(request, terminals_api.PARAMETERS))

        return await self._answer(request, make)

    @app.route("/api/v1/terminals/<sn>", methods=["GET"])
    async def terminal(self, request: Request, sn: str) -> bytes:
        """One terminal."""
        return await self._answer(request, lambda _: terminals_api.one(self._sources.terminals, sn))

    @app.route("/api/v1/terminals/<sn>", methods=["PATCH"])
    async def change_terminal(self, request: Request, sn: str) -> bytes:
        """Approve, deny, name, place."""

        async def change(token: Token) -> Any:
            """Only who may act."""
            must_act(token)
            return await terminals_api.change(self._sources.terminals, sn, _body(request))

        return await self._answer(request, change)

    @app.route("/api/v1/punches", methods=["GET"])
    async def punches(self, request: Request) -> bytes:
        """The feed."""

        def make(_: Token) -> Awaitable[Any]:
            """Any token may look."""
            return punches_api.feed(self._sources.punches, Query(request, punches_api.PARAMETERS))

        return await self._answer(request, make)

    @app.route("/api/v1/quarantine", methods=["GET"])
    async def quarantine(self, request: Request) -> bytes:
        """What could not be read."""

        def make(_: Token) -> Awaitable[Any]:
            """Any token may look."""
            query = Query(request, ("after", "limit"))
            return punches_api.quarantine(self._sources.punches, self._sources.terminals, query)

        return await self._answer(request, make)

    @app.route("/api/v1/quarantine", methods=["DELETE"])
    async def clear_quarantine(self, request: Request) -> bytes:
        """Make room in the quarantine."""

        async def clear(token: Token) -> Any:
            """Only who may act; the log says who did."""
            must_act(token)
            found = await punches_api.clear_quarantine(self._sources.punches, Query(request, ("until",)))
            self._log.info("token {id} cleared the quarantine: {found}", id=token.id, found=found)
            return found

        return await self._answer(request, clear)

    async def _answer(self, request: Request, make: Answer) -> bytes:
        token = await authenticate(request, self._sources.tokens)
        found = await make(token)
        request.setHeader("Content-Type", "application/json")
        request.setHeader("Cache-Control", "no-store")
        return msgspec.json.encode(found)

    @app.handle_errors(Problem)
    def problem(self, request: IRequest, failure: Failure) -> bytes:
        """An error said on purpose."""
        return write_problem(request, cast(Problem, failure.value))

    @app.handle_errors(StoreError)
    def store_away(self, request: IRequest, failure: Failure) -> bytes:
        """The store did not answer."""
        return write_problem(request, Problem(HTTPStatus.SERVICE_UNAVAILABLE, f"the store: {failure.value}"))

    @app.handle_errors(HTTPException)
    def no_such_page(self, request: IRequest, failure: Failure) -> bytes:
        """No route, or not that method."""
        wrong = cast(HTTPException, failure.value)
        status = HTTPStatus(wrong.code or HTTPStatus.NOT_FOUND)
        if status < HTTPStatus.BAD_REQUEST:
            # werkzeug would redirect doubled slashes
            status = HTTPStatus.NOT_FOUND
        if isinstance(wrong, MethodNotAllowed) and wrong.valid_methods:
            request.setHeader("Allow", ", ".join(wrong.valid_methods))
        return write_problem(request, Problem(status, f"nothing here answers this: {status.phrase}"))

    @app.handle_errors(Exception)
    def mistake(self, request: IRequest, failure: Failure) -> bytes:
        """Our own mistake: the log has it, the answer does not."""
        self._log.failure("our own mistake in {path}", failure=failure, path=request.path)
        return write_problem(request, Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "see the server's log"))
