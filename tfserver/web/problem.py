"""Errors of the HTTP API as RFC 9457 ``application/problem+json``."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

import msgspec

MEDIA: Final = "application/problem+json"
RETRY_SECONDS: Final = 2
_LATER: Final = (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS)


class FieldError(msgspec.Struct, frozen=True):
    """What is wrong with one field."""

    field: str
    message: str


class ProblemBody(msgspec.Struct, frozen=True, omit_defaults=True):
    """How an error reads."""

    title: str
    status: int
    detail: str
    type: str = msgspec.field(default="about:blank")
    errors: list[FieldError] = []


class Problem(Exception):
    """An answer that is an error; ``errors`` lists ``(field, message)`` of bad input."""

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        errors: list[tuple[str, str]] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = errors or []
        self._headers = headers or {}

    @property
    def headers(self) -> dict[str, str]:
        """What stands in the head of the answer: for some statuses something always does."""
        found = dict(self._headers)
        if self.status is HTTPStatus.UNAUTHORIZED:
            found["WWW-Authenticate"] = 'Bearer realm="tfserver"'
        if self.status in _LATER:
            found.setdefault("Retry-After", str(RETRY_SECONDS))
        return found

    def body(self) -> dict[str, Any]:
        """What stands in the body."""
        told = {
            "type": "about:blank",
            "title": self.status.phrase,
            "status": int(self.status),
            "detail": self.detail,
        }
        if self.errors:
            told["errors"] = [{"field": field, "message": message} for field, message in self.errors]
        return told


def bad_input(field: str, message: str) -> Problem:
    """A 422 for one field: what was expected there."""
    return bad_fields([(field, message)])


def bad_fields(errors: list[tuple[str, str]]) -> Problem:
    """A 422 for all fields that are wrong."""
    told = "; ".join(f"{field}: {message}" for field, message in errors)
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, told[:2000], errors)
