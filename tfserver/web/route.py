"""A route as data: who may ask it what, and how it may answer. Nothing is served that has no such row."""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, NamedTuple

from tfserver.store.principals import Role
from tfserver.web.answer import JSON
from tfserver.web.body import Body
from tfserver.web.query import Parameter

CHANGES: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class Scope(enum.Enum):
    """What a token that is bound to sites reaches of a route; what has no site is beyond it."""

    EVERYTHING = "the same for every token"
    ALL_SITES = "not for tokens that are bound to sites"
    ROWS = "a token that is bound to sites sees only their rows"
    TERMINAL = "the terminal has to be at a site of the token, or it is not found"
    ORDER = "the order's terminal has to be at a site of the token, or it is not found"
    WEBHOOK = "the webhook has to be for sites of the token alone, or it is not found"
    SITES = "a token that is bound to sites has to name some of them"
    BODY = "the terminal in the body has to be at a site of the token, or it is not found"


class Shape(NamedTuple):
    """How one status answers: a class for each media type, and words for people. No class is no body."""

    told: str
    kind: Any = None
    media: tuple[str, ...] = (JSON,)
    headers: dict[str, str] = {}
    """Names of headers that come along, and what they say."""


class Header(NamedTuple):
    """A header of the request that means something to a route."""

    name: str
    told: str
    pattern: str


API: Final = "/api/v1"
OK, CREATED, ACCEPTED = HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.ACCEPTED
READER, OPERATOR, ADMIN = Role.READER, Role.OPERATOR, Role.ADMIN
NOTHING: Final = {HTTPStatus.NO_CONTENT: Shape("done")}


def ok(kind: Any, told: str = "found") -> dict[HTTPStatus, Shape]:
    """A row that answers 200 with an object."""
    return {OK: Shape(told, kind)}


Handler = Callable[[Any], Awaitable[Any]]
"""Takes a ``tfserver.web.call.Call``; gives an Answer, a Streamed, or what is shown as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One row of the table. ``name`` is the operation's, and what the audit calls it."""

    method: str
    path: str
    name: str
    summary: str
    role: Role | None
    scope: Scope
    handler: Handler
    answers: dict[HTTPStatus, Shape]
    query: tuple[Parameter, ...] = ()
    headers: tuple[Header, ...] = ()
    body: Body | None = None
    refusals: tuple[HTTPStatus, ...] = ()
    """Statuses of its own, beside those that follow from the row."""
    templates: bool = False
    """It answers with what stands in credentials: only tokens that were given that may ask."""
    moves_people: bool = False
    """Who belongs on which terminals may be another afterwards: continuous groups are looked over soon."""
    audited: bool = False
    """It changes nothing, and is in the audit all the same."""
    yields: bool = False
    """It takes much time or memory, and gives way to punches while the process is pressed."""
    without_store: bool = False
    """It tells how the store is: while that is away it answers browsers that were signed in a while ago."""
    is_page: bool = False
    """It answers people with a page, also when something is wrong; who is not signed in is led to where they
    can."""

    @property
    def changes(self) -> bool:
        """Whether it changes something, so that it is noted in the audit."""
        return self.method in CHANGES

    @property
    def is_noted(self) -> bool:
        """Whether the audit has who asked it, and who was refused."""
        return self.changes or self.templates or self.audited

    def refused_with(self) -> list[HTTPStatus]:
        """All statuses of errors that it may answer with."""
        found = set(self.refusals)
        if self.role is not None:
            found |= {
                HTTPStatus.UNAUTHORIZED,
                HTTPStatus.UNPROCESSABLE_ENTITY,
                HTTPStatus.TOO_MANY_REQUESTS,
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                HTTPStatus.SERVICE_UNAVAILABLE,
            }
        is_for_all = self.role in (None, Role.READER) and not self.templates
        if not is_for_all or self.scope in (Scope.ALL_SITES, Scope.SITES):
            found.add(HTTPStatus.FORBIDDEN)
        if self.is_page and self.role is not None:
            found.add(HTTPStatus.SEE_OTHER)
        if self.yields:
            found.add(HTTPStatus.TOO_MANY_REQUESTS)
        if "{" in self.path or self.scope is Scope.BODY:
            found.add(HTTPStatus.NOT_FOUND)
        if self.body is not None:
            found |= {
                HTTPStatus.BAD_REQUEST,
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            }
        return sorted(found)
