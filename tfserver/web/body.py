"""Bodies of requests: read strictly into classes, every mistake named by its field."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any, Final, Generic, Protocol, TypeVar

import msgspec

from tfserver.person import GROUP_NAME, LOCAL_TIME
from tfserver.store import accounts
from tfserver.web.problem import Problem, bad_fields, bad_input

MOST_BYTES: Final = 64 * 1024
MEDIA: Final = "application/json"
LARGE_BYTES: Final = 1024 * 1024
"""Bodies of routes that take more than this have a bound of their own while they come (``request.py``)."""
_UNSAID: Final = ("", "application/x-www-form-urlencoded")
"""The last is what curl and urllib say of any body when nobody tells them."""

_ECHOES: Final = ("Invalid enum value", "Invalid value")
"""Beginnings of msgspec's messages that go on with what was sent."""

ACCOUNT_NAME: Final = f"^{accounts.NAME.pattern}$"
LANGUAGE: Final = f"^{accounts.LANGUAGE.pattern}$"
_PATTERNS: Final = {
    repr(LOCAL_TIME): "expected a day as in 2026-04-01, or a moment as in 2026-04-01 08:00:00",
    repr(ACCOUNT_NAME): str(accounts.BadName()),
    repr(LANGUAGE): "expected a language as BCP 47 writes it: ar, pt-BR",
    repr(GROUP_NAME): "expected the name of a group: 1 to 64 letters, digits, dots, dashes and underscores",
}
"""What a pattern is in words, by how msgspec writes it down."""

_NAME: Final = re.compile("[A-Za-z_][A-Za-z0-9_-]{0,39}")
"""How names of fields look."""

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


def media_of(body: Body) -> tuple[str, ...]:
    """What a body may be: JSON, unless it says something else."""
    media: str | tuple[str, ...] = getattr(body, "media", MEDIA)
    return (media,) if isinstance(media, str) else media


def reader_of(body: Body, content_type: str | None) -> Body:
    """Who reads a body that is said to be this: the body itself, unless it has ``readers`` by media type."""
    found: Body = getattr(body, "readers", {}).get(given_media(content_type), body)
    return found


def check_media(content_type: str | None, taken: tuple[str, ...] = (MEDIA,)) -> None:
    """Problem 415 for a body that says it is something else; where several are taken it has to say which."""
    if given_media(content_type) not in (taken if len(taken) > 1 else (*taken, *_UNSAID)):
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"send {' or '.join(taken)}")


def given_media(content_type: str | None) -> str:
    """What a body says it is, in small letters and without parameters."""
    return (content_type or "").partition(";")[0].strip().lower()


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
            name = what.removeprefix(beginning).removesuffix("`")
            if not _NAME.fullmatch(name):
                # no name but a value, which may be private: this is shown, and kept in the audit
                return path or "body", f"{message}, whose name is no name of any field"
            return f"{path}.{name}" if path else name, message
    if what.startswith(_ECHOES):
        # what was sent may have been meant for another field
        return path or "body", "expected one of the values that GET /api/v1/openapi.json lists"
    words = _PATTERNS.get(what.partition(" matching regex ")[2])
    return path or "body", words or what.replace("`", "'")


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
