"""The people's side: health, metrics and the API on one port."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

import msgspec
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from tfserver.config import Web
from tfserver.web.cors import Cors
from tfserver.web.desk import Desk
from tfserver.web.document import Document
from tfserver.web.exchange import Exchange
from tfserver.web.problem import MEDIA, Problem
from tfserver.web.route import Route
from tfserver.web.router import Router
from tfserver.web.routes import MOST_BODY_BYTES, ROUTES
from tfserver.web.sources import Sources

__all__ = ["Pages", "Sources"]

IDLE_SECONDS: Final = 60
_LARGE: Final = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
_TOO_LARGE: Final = (
    b"HTTP/1.1 413 Content Too Large\r\nContent-Type: %b\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b"
)


class BoundedRequest(Request):
    """A request whose body has a bound: that of the route which takes most. Each route then has its own."""

    _taken = 0

    def handleContentChunk(self, data: bytes) -> None:
        """Count what comes, with or without a length told beforehand."""
        was_small, self._taken = self._taken <= MOST_BODY_BYTES, self._taken + len(data)
        if self._taken <= MOST_BODY_BYTES:
            super().handleContentChunk(data)
        elif was_small:
            problem = Problem(_LARGE, f"no body may have more than {MOST_BODY_BYTES} bytes")
            told = msgspec.json.encode(problem.body())
            transport: Any = self.channel.transport
            transport.write(_TOO_LARGE % (MEDIA.encode(), len(told), told))
            self.loseConnection()

    def process(self) -> None:
        """A body that was cut is no body."""
        if self._taken <= MOST_BODY_BYTES:
            super().process()


class _Everything(Resource):
    """All paths: the table of routes knows what is there."""

    isLeaf = True

    def __init__(self, router: Router, desk: Desk, cors: Cors) -> None:
        super().__init__()
        self._given = (router, desk, cors)

    def render(self, request: Request) -> int:
        """Answer by the table."""
        Exchange(request, *self._given).begin()
        return NOT_DONE_YET


def _access_line(_: str, request: Request) -> str:
    """A line of the access log: without the query, where somebody may have put a token."""
    path = request.uri.partition(b"?")[0].decode("ascii", "backslashreplace")[:200]
    who = getattr(request.getClientAddress(), "host", "local")
    return f"{who} {request.method.decode('ascii', 'backslashreplace')[:20]} {path} {request.code}"


class Pages:
    """All routes, over the sources they are made from."""

    def __init__(
        self, reactor: Any, sources: Sources, settings: Web, routes: Sequence[Route] = ROUTES
    ) -> None:
        self._router = Router(routes)
        self.desk = Desk(reactor, sources, Document(routes))
        self._cors = Cors(settings.cors_origins)

    def site(self) -> Site:
        """The factory to listen with."""
        root = _Everything(self._router, self.desk, self._cors)
        site = Site(root, timeout=IDLE_SECONDS, logFormatter=_access_line, parsePOSTFormSubmission=False)
        site.requestFactory = BoundedRequest
        site.displayTracebacks = False
        site.noisy = False
        return site
