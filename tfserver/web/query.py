"""Query parameters as data: each with its type, what it is for, and what is said when it is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl

from tfserver.web.problem import bad_fields

MOST_PARAMETERS: Final = 50
MOST_TEXT: Final = 200
_PLACE: Final = re.compile(r"\d{1,19}(-\d{1,19})?", re.ASCII)
_CURSOR: Final = re.compile(r"[A-Za-z0-9_.:~!-]{1,64}")


class Parameter(NamedTuple):
    """One parameter. ``read`` turns its text into a value, or raises ValueError with what was expected."""

    name: str
    told: str
    schema: dict[str, Any]
    read: Callable[[str], Any]
    default: Any = None
    is_required: bool = False


class Query:
    """The parameters of one request. Unknown ones are refused: a typing error never widens a search."""

    def __init__(self, raw: bytes, known: Sequence[Parameter]) -> None:
        errors: list[tuple[str, str]] = []
        given = self.given = dict[str, str]()
        for name, text in _pairs(raw):
            if name in given:
                errors.append((name, "expected once; several values are separated by commas"))
            given[name] = text
        names = [parameter.name for parameter in known]
        for name in given:
            if name not in names:
                expected = f"expected one of {', '.join(names)}" if names else "expected none here"
                errors.append((name, f"unknown parameter; {expected}"))
        self._values: dict[str, Any] = {}
        for parameter in known:
            try:
                self._values[parameter.name] = _value(parameter, given.get(parameter.name, ""))
            except ValueError as wrong:
                errors.append((parameter.name, str(wrong)))
        if errors:
            raise bad_fields(errors)

    def __getitem__(self, name: str) -> Any:
        """The value of a parameter, its default when it was not given."""
        return self._values[name]

    def get(self, name: str) -> Any:
        """The value of a parameter that a route may not have, None then."""
        return self._values.get(name)


def _pairs(raw: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(raw.decode("latin-1"), keep_blank_values=True, max_num_fields=MOST_PARAMETERS)
    except ValueError as wrong:
        raise bad_fields([("query", f"expected at most {MOST_PARAMETERS} parameters")]) from wrong


def _value(parameter: Parameter, text: str) -> Any:
    if text:
        return parameter.read(text)
    if parameter.is_required:
        raise ValueError(f"expected {parameter.told}")
    return parameter.default


def text(name: str, told: str, most: int = MOST_TEXT) -> Parameter:
    """A text, empty when it was not given."""

    def read(given: str) -> str:
        """Any text that is not too long."""
        if len(given) > most:
            raise ValueError(f"expected at most {most} characters")
        return given

    return Parameter(name, told, {"type": "string", "maxLength": most}, read, "")


def integer(name: str, told: str, least: int, most: int, default: int | None = None) -> Parameter:
    """A whole number in bounds."""

    def read(given: str) -> int:
        """Digits, perhaps with a sign."""
        if not re.fullmatch(r"-?\d{1,19}", given, re.ASCII) or not least <= int(given) <= most:
            raise ValueError(f"expected a whole number from {least} to {most}")
        return int(given)

    schema: dict[str, Any] = {"type": "integer", "minimum": least, "maximum": most}
    if default is not None:
        schema["default"] = default
    return Parameter(name, told, schema, read, default)


def place(name: str, told: str, is_required: bool = False) -> Parameter:
    """A place in a feed, ``0`` for its beginning."""

    def read(given: str) -> str:
        """As it stood in ``next``."""
        if not _PLACE.fullmatch(given):
            raise ValueError("expected a cursor as given in 'next', or 0")
        return given

    schema = {"type": "string", "pattern": f"^{_PLACE.pattern}$"}
    return Parameter(name, told, schema, read, "0", is_required)


def cursor(name: str, told: str) -> Parameter:
    """The place of the next page of a list, empty for its first."""

    def read(given: str) -> str:
        """As it stood in ``next``."""
        if not _CURSOR.fullmatch(given):
            raise ValueError("expected a cursor as given in 'next'")
        return given

    return Parameter(name, told, {"type": "string", "pattern": f"^{_CURSOR.pattern}$"}, read, "")


def instant(name: str, told: str) -> Parameter:
    """An instant in RFC 3339 with an offset, None when it was not given."""

    def read(given: str) -> datetime:
        """An aware instant in UTC."""
        try:
            found = datetime.fromisoformat(given)
        except ValueError:
            found = None
        if found is None or found.tzinfo is None or len(given) > 40:
            raise ValueError("expected an instant with an offset, e.g. 2026-04-02T08:00:00Z")
        try:
            return found.astimezone(UTC)
        except OverflowError as wrong:
            raise ValueError("expected an instant between the years 1 and 9999") from wrong

    return Parameter(name, told, {"type": "string", "format": "date-time"}, read)


def choices(name: str, told: str, allowed: Sequence[str]) -> Parameter:
    """A comma-separated list, empty when it was not given."""

    def read(given: str) -> tuple[str, ...]:
        """Those that were chosen."""
        found = tuple(given.split(","))
        if any(part not in allowed for part in found):
            raise ValueError(f"expected some of {', '.join(allowed)}")
        return found

    schema = {"type": "array", "items": {"type": "string", "enum": list(allowed)}}
    return Parameter(name, told, schema, read, ())


LIMIT: Final = integer("limit", "how many rows a page may have", 1, 1000, 100)
CURSOR: Final = cursor("cursor", "the page behind this place, as given in `next`")
