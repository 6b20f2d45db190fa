"""The people's side: health, metrics and the API on one port."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.http import datetimeToString
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from tfserver.config import LimitSettings, Web
from tfserver.metrics import Metrics
from tfserver.web.channel import PeopleChannel, refusal
from tfserver.web.cors import Cors
from tfserver.web.crowd import Crowd
from tfserver.web.dashboard.screens import prepare
from tfserver.web.desk import Desk, Room
from tfserver.web.document import Document
from tfserver.web.exchange import Exchange
from tfserver.web.problem import Problem
from tfserver.web.request import PeopleRequest
from tfserver.web.route import Route
from tfserver.web.router import Router
from tfserver.web.routes import MOST_BODY_BYTES, PAGES, ROUTES
from tfserver.web.sources import Sources
from tfserver.web.visitors import Visitors

__all__ = ["Pages", "Sources"]

QUIET: Final = (b"/healthz", b"/readyz", b"/metrics")
"""Balancers and monitors ask these all the time: a line only when the answer is no."""
LEAVE_SECONDS: Final = 5.0
MOST_LARGE: Final = 4
"""Bodies of many megabytes that are read at a time: they lie on the disk until they are whole."""


class PeopleSite(Site):
    """All connections of people: bounded, each a channel of ours, without HTTP/2."""

    protocol = PeopleChannel  # type: ignore[assignment]
    requestFactory = PeopleRequest
    displayTracebacks = False
    noisy = False
    most_body_bytes = MOST_BODY_BYTES

    def __init__(
        self, reactor: Any, pages: Pages, crowd: Crowd, visitors: Visitors, metrics: Metrics
    ) -> None:
        # every path is in the table of routes; Twisted's tree of resources is not asked
        super().__init__(
            Resource(), reactor=reactor, logFormatter=_access_line, parsePOSTFormSubmission=False
        )
        self.timeOut = None  # the channel has its own
        self.crowd = crowd
        self.visitors = visitors
        self.metrics = metrics
        self.answer = pages.answer
        self.bound_of = pages.bound_of
        self.large_bodies = Room(MOST_LARGE, HTTPStatus.SERVICE_UNAVAILABLE, "too many large bodies")
        self._date = (-1, b"")

    def buildProtocol(self, addr: Any) -> Any:
        """A new connection; one too many is told so."""
        if not self.crowd.has_room(addr):
            return Refusing(self.reactor)
        channel = super().buildProtocol(addr)
        self.crowd.enter(channel, addr)
        return channel

    def acceptableProtocols(self) -> list[bytes]:
        """HTTP/1.1 alone: the bounds here know of no other."""
        return [b"http/1.1"]

    def date(self) -> bytes:
        """Now, as the header ``Date`` has it."""
        second = int(self.reactor.seconds())
        if self._date[0] != second:
            self._date = second, datetimeToString(second)
        return self._date[1]

    def log(self, request: Any) -> None:
        """A line for the access log, unless it would only say that all is well."""
        if request.code != HTTPStatus.OK or request.path not in QUIET:
            super().log(request)


class Refusing(Protocol):
    """A connection too many."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._alarm: Any = None

    def connectionMade(self) -> None:
        """Say so, and close, whether anybody reads it or not. A handshake of TLS is not worth it."""
        transport: Any = self.transport
        if hasattr(transport, "getPeerCertificate"):
            transport.abortConnection()
            return
        problem = Problem(HTTPStatus.SERVICE_UNAVAILABLE, "too many connections; come again later")
        transport.write(refusal(problem, False))
        transport.loseConnection()
        self._alarm = self._reactor.callLater(LEAVE_SECONDS, transport.abortConnection)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """It is over."""
        if self._alarm is not None and self._alarm.active():
            self._alarm.cancel()


def _access_line(_: str, request: Request) -> str:
    """A line of the access log: without the query, where somebody may have put a token."""
    assert isinstance(request, PeopleRequest)
    method = request.method.decode("ascii", "backslashreplace")[:20]
    return f"{request.visitor.address} {method} {request.shown_path} {request.code}"


class Pages:
    """All routes, over the sources they are made from."""

    def __init__(
        self,
        reactor: Any,
        sources: Sources,
        settings: Web,
        limits: LimitSettings,
        routes: Sequence[Route] = ROUTES,
        pages: Sequence[Route] = PAGES,
    ) -> None:
        self._reactor = reactor
        self._settings = settings
        self._visitors = Visitors(limits)
        self._router = Router((*routes, *pages))
        prepare()
        self.desk = Desk(reactor, sources, Document(routes), settings)
        self._cors = Cors(settings.cors_origins)

    def site(self) -> PeopleSite:
        """The factory to listen with."""
        metrics = self.desk.sources.metrics
        crowd = Crowd(self._settings.connections, self._visitors, metrics)
        return PeopleSite(self._reactor, self, crowd, self._visitors, metrics)

    def bound_of(self, method: bytes, path: bytes) -> int:
        """How many bytes the body of a request may have."""
        try:
            body = self._router.find(path).route(method.decode("latin-1")).body
        except Problem:
            return 0
        return body.most_bytes if body is not None else 0

    def answer(self, request: PeopleRequest) -> None:
        """Answer by the table."""
        Exchange(request, self._router, self.desk, self._cors).begin()
