"""Reading query parameters: each a clear error when it is not what was expected."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from http import HTTPStatus

from twisted.web.server import Request

from tfserver.web.problem import Problem, bad_input

_CURSOR = re.compile(r"\d{1,19}(-\d{1,19})?", re.ASCII)


class Query:
    """The parameters of one request; an unknown one is refused: a typing error never widens a search."""

    def __init__(self, request: Request, known: tuple[str, ...]) -> None:
        self._values: dict[str, str] = {}
        for raw, found in (request.args or {}).items():
            name = raw.decode("utf-8", "replace")
            if name not in known:
                raise Problem(
                    HTTPStatus.UNPROCESSABLE_ENTITY,
                    f"unknown parameter '{name}'",
                    [(name, f"expected one of {', '.join(known)}")],
                )
            self._values[name] = found[-1].decode("utf-8", "replace")

    def text(self, name: str) -> str:
        """A text, empty when it was not given."""
        return self._values.get(name, "")

    def integer(self, name: str, default: int | None, least: int, most: int) -> int | None:
        """A whole number in bounds."""
        text = self.text(name)
        if not text:
            return default
        if not re.fullmatch(r"-?\d{1,19}", text, re.ASCII) or not least <= int(text) <= most:
            raise bad_input(name, f"expected a whole number from {least} to {most}")
        return int(text)

    def limit(self) -> int:
        """How many rows a page may have."""
        return self.integer("limit", 100, 1, 1000) or 100

    def cursor(self, name: str = "after") -> str:
        """A place in a feed, ``0`` for its beginning."""
        text = self.text(name) or "0"
        if not _CURSOR.fullmatch(text):
            raise bad_input(name, "expected a cursor as given in 'next', or 0")
        return text

    def instant(self, name: str) -> datetime | None:
        """An instant in RFC 3339 with an offset."""
        text = self.text(name)
        if not text:
            return None
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            found = None
        if found is None or found.tzinfo is None:
            raise bad_input(name, "expected an instant with an offset, e.g. 2026-04-02T08:00:00Z")
        try:
            return found.astimezone(UTC)
        except OverflowError as wrong:
            raise bad_input(name, "expected an instant between the years 1 and 9999") from wrong

    def choices(self, name: str, allowed: tuple[str, ...]) -> tuple[str, ...]:
        """A comma-separated list, empty when it was not given."""
        found = tuple(part for part in self.text(name).split(",") if part)
        for part in found:
            if part not in allowed:
                raise bad_input(name, f"expected some of {', '.join(allowed)}")
        return found
