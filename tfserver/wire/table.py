"""The handler table: which class reads a word, and who answers it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeVar

from tfserver.wire.message import Command, RawReply, Request, Response, Unknown

R = TypeVar("R", bound=Request)
Handler = Callable[[R, Any], Coroutine[Any, Any, Response]]


@dataclass(frozen=True, slots=True)
class Row:
    """A doubtful word of the V3 generation: what is always answered to it (protocol §4.5-§4.8)."""

    word: str
    response: Response


class Asker(Protocol):
    """Who said something plain, and wants the answer or why there is none."""

    context: Any

    def now(self) -> float:
        """Monotonic seconds."""

    def served(self, message: Any, outcome: bytes | Exception, now: float) -> bool:
        """Here it is; False when it comes too late to be given."""

    def received_odd(self, message: Any, payload: bytes) -> None:
        """It has to go the common way."""

    def close(self, code: int, reason: str) -> None:
        """Our own mistake."""


Asked = tuple[Any, Asker, bytes]
"""A message, who said it, and as it came."""


class Plain(NamedTuple):
    """The short way of a word that is nearly all of the traffic, for messages as the documents have them.

    ``decode`` reads a message that begins with ``beginning``, strictly: its result has ``sn``. ``serve``
    answers all messages of a reactor turn, each once, perhaps at once; it returns those that have to go the
    common way.
    """

    request: type[Request]
    beginning: bytes
    decode: Callable[[bytes], Any]
    serve: Callable[[Sequence[Asked]], list[Asked]]


class HandlerTable:
    """Words to request classes and handlers; every word has an answer."""

    def __init__(self) -> None:
        self._types: dict[str, type[Request]] = {}
        self._handlers: dict[type[Request], Handler[Any]] = {}
        self._rows: dict[str, Row] = {}
        self.plain: Plain | None = None

    def handles(self, request: type[R]) -> Callable[[Handler[R]], Handler[R]]:
        """Enter a coroutine as the one that answers a request class."""

        def enter(handler: Handler[R]) -> Handler[R]:
            """One handler for a word."""
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

    def enter_plain(self, plain: Plain) -> None:
        """Enter the one short way there is."""
        self.plain = plain

    def without_plain(self) -> HandlerTable:
        """The same table without a short way."""
        found = HandlerTable()
        found._types, found._handlers, found._rows = self._types, self._handlers, self._rows
        return found

    def words(self) -> Iterator[str]:
        """All words that have an answer of their own."""
        yield from self._types
        yield from self._rows


table = HandlerTable()
handles = table.handles


C = TypeVar("C", bound=Command[Any])
Keeper = Callable[[C, RawReply, Any], Coroutine[Any, Any, dict[str, Any]]]
"""Does what a positive reply, or a page of one, asks for; returns what people see of it."""
Minder = Callable[[C, RawReply, Any], Coroutine[Any, Any, None]]
"""Does what a refusal asks for."""


class Gatherer(Protocol):
    """Gathers the list that one reading of a paged command brings."""

    def add(self, records: list[Any]) -> None:
        """A page came."""

    def begin_again(self) -> None:
        """The list is read from its beginning again."""

    async def keep(self) -> None:
        """All pages are here: that is the whole list. StoreError: it is not kept."""


class Vocabulary:
    """All commands by their words, and who keeps what their replies bring."""

    def __init__(self) -> None:
        self._commands: dict[str, type[Command[Any]]] = {}
        self._keepers: dict[type[Command[Any]], Keeper[Any]] = {}
        self._minders: dict[type[Command[Any]], Minder[Any]] = {}
        self._gatherers: dict[type[Command[Any]], Callable[[Any], Gatherer]] = {}

    def enter(self, command: type[C]) -> type[C]:
        """Enter a command: from then on it can be ordered everywhere."""
        if command.word() in self._commands:
            raise ValueError(f"{command.word()} is a command already")
        self._commands[command.word()] = command
        return command

    def remove(self, command: type[C]) -> None:
        """Take a command out again."""
        del self._commands[command.word()]
        for known in (self._keepers, self._minders, self._gatherers):
            known.pop(command, None)

    def keeps(self, command: type[C]) -> Callable[[Keeper[C]], Keeper[C]]:
        """Enter a coroutine as the one that keeps what replies to a command bring."""

        def enter(keeper: Keeper[C]) -> Keeper[C]:
            """One keeper for a command."""
            if command in self._keepers:
                raise ValueError(f"{command.word()} has a keeper already")
            self._keepers[command] = keeper
            return keeper

        return enter

    def minds(self, command: type[C]) -> Callable[[Minder[C]], Minder[C]]:
        """Enter a coroutine as the one that learns of refusals of a command."""

        def enter(minder: Minder[C]) -> Minder[C]:
            """One for a command."""
            self._minders[command] = minder
            return minder

        return enter

    def gathers(self, command: type[Command[Any]], made: Callable[[Any], Gatherer]) -> None:
        """Enter who gathers the whole list of a paged command, made anew for each reading of a terminal."""
        self._gatherers[command] = made

    def find(self, word: str) -> type[Command[Any]] | None:
        """The command of a word, or None."""
        return self._commands.get(word)

    def keeper_of(self, command: type[Command[Any]]) -> Keeper[Any] | None:
        """Who keeps the replies to a command, if anybody does."""
        return self._keepers.get(command)

    def minder_of(self, command: type[Command[Any]]) -> Minder[Any] | None:
        """Who learns of refusals of a command, if anybody does."""
        return self._minders.get(command)

    def gatherer_of(self, command: type[Command[Any]], terminal: Any) -> Gatherer | None:
        """Who gathers the list that a reading now begins to bring, if anybody does."""
        made = self._gatherers.get(command)
        return None if made is None else made(terminal)

    def __iter__(self) -> Iterator[type[Command[Any]]]:
        """All commands by their words in alphabetical order."""
        return iter(self._commands[word] for word in sorted(self._commands))


vocabulary = Vocabulary()
command = vocabulary.enter
keeps = vocabulary.keeps
minds = vocabulary.minds
