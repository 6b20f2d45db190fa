"""Bodies of requests: read strictly into classes, every mistake named by its field."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final, Generic, Protocol, TypeVar

import msgspec

from tfserver.web.problem import Problem, bad_fields, bad_input

MOST_BYTES: Final = 64 * 1024
MEDIA: Final = "application/json"
_TAKEN: Final = ("", MEDIA, "application/x-www-form-urlencoded")
"""What a body may call itself; the last is what curl and urllib say of any body when nobody tells them."""

_ECHOES: Final = ("Invalid enum value", "Invalid value")
"""Beginnings of msgspec's messages that go on with what was sent."""

T = TypeVar("T")


class Body(Protocol):
    """How the body of a route is read. ``name`` is that of its schema."""

    most_bytes: int
    name: str

    def read(self, data: bytes) -> Any:
        """The body as a value; Problem when it is none."""


class JsonBody(Generic[T]):
    """A body that is one JSON object of a class."""

    most_bytes = MOST_BYTES

    def __init__(self, kind: type[T]) -> None:
        self.kind = kind
        self.name = kind.__name__

    def read(self, data: bytes) -> T:
        """The object; Problem 400 for what is no JSON and 422 for what is another object."""
        try:
            return msgspec.json.decode(data, type=self.kind)
        except msgspec.ValidationError as wrong:
            raise bad_fields([told(str(wrong))]) from wrong
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
            raise no_json(wrong) from wrong


def check_media(content_type: str | None) -> None:
    """Problem 415 for a body that says it is something else than JSON."""
    media = (content_type or "").partition(";")[0].strip().lower()
    if media not in _TAKEN:
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"send {MEDIA}")


def check_size(data: bytes, most: int) -> None:
    """Problem 413 for a body beyond its bound."""
    if len(data) > most:
        raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a body may have {most} bytes here")


def no_json(wrong: Exception) -> Problem:
    """A 400 for a body that can't be read at all."""
    return Problem(HTTPStatus.BAD_REQUEST, f"the body is not JSON: {wrong}"[:300])


def told(wrong: str) -> tuple[str, str]:
    """msgspec's words as a field and what was expected there."""
    what, _, where = wrong.partition(" - at ")
    path = where.strip("`").removeprefix("$").removeprefix(".")
    for beginning, message in (
        ("Object contains unknown field `", "unknown field"),
        ("Object missing required field `", "missing"),
    ):
        if what.startswith(beginning):
            name = what.removeprefix(beginning).removesuffix("`")[:100]
            return f"{path}.{name}" if path else name, message
    if what.startswith(_ECHOES):
        # what was sent may have been meant for another field
        return path or "body", "expected one of the values that GET /api/v1/openapi.json lists"
    return path or "body", what.replace("`", "'")


def json_object(data: bytes) -> dict[str, Any]:
    """Any JSON object."""
    try:
        found = msgspec.json.decode(data)
    except msgspec.ValidationError as wrong:
        raise bad_fields([told(str(wrong))]) from wrong
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
        raise no_json(wrong) from wrong
    if not isinstance(found, dict):
        raise bad_input("body", "expected an object")
    return found
