"""Who may do what over HTTP: bearer tokens with roles and sites; never a token in a query."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from twisted.web.server import Request

from tfserver.store.tokens import Role, Token
from tfserver.web.problem import Problem
from tfserver.web.route import Route, Scope

_RANKS: Final = {Role.READER: 0, Role.OPERATOR: 1, Role.ADMIN: 2}


def bearer_of(request: Request) -> str | None:
    """What a request sends as its token, None without the header; Problem 401 for another kind of it."""
    given: bytes | None = request.getHeader(b"Authorization")
    if given is None:
        return None
    scheme, _, secret = given.decode("utf-8", "replace").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise Problem(HTTPStatus.UNAUTHORIZED, "send 'Authorization: Bearer <token>'")
    return secret.strip()


def check_role(token: Token, route: Route) -> None:
    """Problem 403 for a token whose role, sites or grants don't reach the route."""
    assert route.role is not None
    if not has_role(token, route.role):
        told = f"this needs a token with role {route.role.value}; yours has {token.role.value}"
        raise Problem(HTTPStatus.FORBIDDEN, told)
    if route.scope is Scope.ALL_SITES and token.sites:
        raise Problem(HTTPStatus.FORBIDDEN, "this is not for tokens that are bound to sites")
    if route.templates:
        check_templates(token)


def has_role(token: Token, role: Role) -> bool:
    """Whether a token has this role, or one above."""
    return _RANKS[token.role] >= _RANKS[role]


def check_templates(token: Token) -> None:
    """Problem 403 for a token that may not have what stands in credentials."""
    if not token.templates:
        told = "what stands in credentials is only for tokens that were made with 'templates': ask an admin"
        raise Problem(HTTPStatus.FORBIDDEN, told)


def reaches(sites: tuple[str, ...], site: str) -> bool:
    """Whether a token of these sites reaches what is at a site; what has none is only for unbound tokens."""
    return not sites or site in sites


def actor(token: Token) -> str:
    """How the audit and orders name who did something."""
    return f"token {token.id} ({token.name})" if token.name else f"token {token.id}"
