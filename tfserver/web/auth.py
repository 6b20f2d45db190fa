"""Who may do what over HTTP: tokens and accounts with roles and sites; never a token in a query."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from twisted.web.server import Request

from tfserver.store.principals import Kind, Principal, Role
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


def check_role(who: Principal, route: Route) -> None:
    """Problem 403 for somebody whose role, sites or grants don't reach the route."""
    assert route.role is not None
    if not has_role(who, route.role):
        told = f"this needs the role {route.role.value}; your {who.kind.value} has {who.role.value}"
        raise Problem(HTTPStatus.FORBIDDEN, told)
    if route.scope is Scope.ALL_SITES and who.sites:
        raise Problem(HTTPStatus.FORBIDDEN, f"this is not for {who.kind.value}s that are bound to sites")
    if route.templates:
        check_templates(who)


def has_role(who: Principal, role: Role) -> bool:
    """Whether somebody has this role, or one above."""
    return _RANKS[who.role] >= _RANKS[role]


def check_templates(who: Principal) -> None:
    """Problem 403 for somebody who may not have what stands in credentials."""
    if not who.templates:
        told = "what stands in credentials is only for those who were given 'templates': ask an admin"
        raise Problem(HTTPStatus.FORBIDDEN, told)


def reaches(sites: tuple[str, ...], site: str) -> bool:
    """Whether somebody of these sites reaches what is at a site; what has none is only for the unbound."""
    return not sites or site in sites


def actor(who: Principal) -> str:
    """How the audit and orders name who did something."""
    if who.kind is Kind.ACCOUNT:
        return f"account {who.name}"
    return f"token {who.id} ({who.name})" if who.name else f"token {who.id}"
