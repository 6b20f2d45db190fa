"""Who may do what over HTTP: bearer tokens with roles; never a token in a query."""

from __future__ import annotations

from http import HTTPStatus

from twisted.web.server import Request

from tfserver.store.tokens import Role, Token, Tokens
from tfserver.web.problem import Problem

_MAY_ACT = (Role.ADMIN, Role.OPERATOR)


async def authenticate(request: Request, tokens: Tokens) -> Token:
    """The token of a request; Problem 401 without an accepted one."""
    scheme, _, secret = (request.getHeader(b"Authorization") or b"").decode("utf-8", "replace").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise Problem(HTTPStatus.UNAUTHORIZED, "send 'Authorization: Bearer <token>'")
    token = await tokens.find(secret.strip())
    if token is None:
        raise Problem(HTTPStatus.UNAUTHORIZED, "this token is not accepted")
    return token


def must_act(token: Token) -> None:
    """Problem 403 for a token that may only look."""
    if token.role not in _MAY_ACT:
        raise Problem(HTTPStatus.FORBIDDEN, f"a token with role {token.role.value} may only read")
