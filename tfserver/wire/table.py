"""The handler table: which class reads a word, and who answers it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import msgspec

from tfserver.wire.message import Request, Response, Unknown

R = TypeVar("R", bound=Request)
Handler = Callable[[R, Any], Coroutine[Any, Any, Response]]


@dataclass(frozen=True, slots=True)
class Row:
    """A doubtful word of the V3 generation: what is always answered to it (protocol §4.5-§4.8)."""

    word: str
    response: Response


class Shortcut(Protocol):
    """A strictly decoded message."""

    def told(self) -> tuple[Request, dict[str, Any]]:
        """The request, and the fields its answer repeats; UNSET ones were not sent.

        Raises ValidationError for what is not plain after all.
        """


class HandlerTable:
    """Words to request classes and handlers; every word has an answer."""

    def __init__(self) -> None:
        self._types: dict[str, type[Request]] = {}
        self._handlers: dict[type[Request], Handler[Any]] = {}
        self._rows: dict[str, Row] = {}
        self._shortcuts: dict[bytes, Callable[[bytes], Shortcut]] = {}

    def handles(self, request: type[R]) -> Callable[[Handler[R]], Handler[R]]:
        """Enter a coroutine as the one that answers a request class."""

        def enter(handler: Handler[R]) -> Handler[R]:
            if request.word() in self._types or request.word() in self._rows:
                raise ValueError(f"{request.word()} has a handler already")
            self._types[request.word()] = request
            self._handlers[request] = handler
            return handler

        return enter

    def row(self, row: Row) -> None:
        """Enter a word that is always answered the same."""
        if row.word in self._rows or row.word in self._types:
            raise ValueError(f"{row.word} has an answer already")
        self._rows[row.word] = row

    def type_of(self, word: str) -> type[Request]:
        """The class that reads a word; Unknown for words without one."""
        return self._types.get(word, Unknown)

    def row_of(self, word: str) -> Row | None:
        """The fixed answer to a word, if it has one."""
        return self._rows.get(word)

    def handler_of(self, request: Request) -> Handler[Any]:
        """Who answers a typed request."""
        return self._handlers[type(request)]

    def shortcut(self, beginning: bytes, decode: Callable[[bytes], Shortcut]) -> None:
        """Enter a decoder for messages that begin like this and follow the documents to the letter."""
        self._shortcuts[beginning] = decode

    def read_plain(self, payload: bytes) -> tuple[Request, dict[str, Any]] | None:
        """A request and the fields its answer repeats, if a shortcut fits; what is odd does not."""
        for beginning, decode in self._shortcuts.items():
            if payload.startswith(beginning):
                try:
                    return decode(payload).told()
                except (msgspec.MsgspecError, UnicodeDecodeError):
                    return None
        return None

    def words(self) -> Iterator[str]:
        """All words that have an answer of their own."""
        yield from self._types
        yield from self._rows


table = HandlerTable()
handles = table.handles
