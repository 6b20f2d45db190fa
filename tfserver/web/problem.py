"""Errors of the HTTP API as RFC 9457 ``application/problem+json``."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import msgspec
from twisted.web.iweb import IRequest


class Problem(Exception):
    """An answer that is an error; ``errors`` lists ``(field, message)`` of bad input."""

    def __init__(self, status: HTTPStatus, detail: str, errors: list[tuple[str, str]] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = errors or []


def bad_input(field: str, message: str) -> Problem:
    """A 422 for one field: what was expected there."""
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"{field}: {message}", [(field, message)])


def write_problem(request: IRequest, problem: Problem) -> bytes:
    """The body of an error answer; sets status and headers."""
    request.setResponseCode(problem.status)
    request.setHeader("Content-Type", "application/problem+json")
    if problem.status is HTTPStatus.UNAUTHORIZED:
        request.setHeader("WWW-Authenticate", 'Bearer realm="tfserver"')
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": problem.status.phrase,
        "status": int(problem.status),
        "detail": problem.detail,
    }
    if problem.errors:
        body["errors"] = [{"field": field, "message": message} for field, message in problem.errors]
    return msgspec.json.encode(body)
