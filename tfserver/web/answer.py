"""What a handler gives back, when it is more than an object that is shown as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, Final, NamedTuple

JSON: Final = "application/json"
TEXT: Final = "text/plain; charset=utf-8"


class Gradual(NamedTuple):
    """A body that takes a while to make: others have their turn between its parts."""

    parts: Iterator[str]


class Answer(NamedTuple):
    """An answer: bytes go out as they are, everything else as JSON. None has no body."""

    body: Any = None
    status: HTTPStatus = HTTPStatus.OK
    headers: dict[str, str] = {}
    media: str = JSON


class Streamed(NamedTuple):
    """The handler writes its answer itself, and ends it."""
