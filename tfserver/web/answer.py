"""What a handler gives back, when it is more than an object that is shown as JSON."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final, NamedTuple

JSON: Final = "application/json"
TEXT: Final = "text/plain; charset=utf-8"


class Answer(NamedTuple):
    """An answer: bytes go out as they are, everything else as JSON. None has no body."""

    body: Any = None
    status: HTTPStatus = HTTPStatus.OK
    headers: dict[str, str] = {}
    media: str = JSON


class Streamed(NamedTuple):
    """The handler writes its answer itself, and ends it."""
