"""A look at how a kind of terminal speaks, by commands that change nothing (protocol, appendix B).

It is done once for a model with a firmware, and the notes are kept for all terminals of that kind.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from datetime import date, timedelta
from typing import Any, Final

from tfserver.commands.clock import GetTime
from tfserver.commands.context import Context
from tfserver.commands.doors import GetDevLock
from tfserver.commands.people import GetUserList
from tfserver.commands.reading import GetAllLog
from tfserver.commands.settings import GetDevInfo
from tfserver.store.models import Note, Notes
from tfserver.wire import lenient
from tfserver.wire.message import Command, RawReply

ANSWERED, REFUSED, SILENT = "answered", "refused", "silent"
Asks = Callable[[Command[Any]], Awaitable[RawReply | None]]
"""Says a command, for a list its first page; None when it was not answered."""


class Probe:
    """The look at one terminal: ``steps`` are to be done one after another, others may go between."""

    def __init__(self, terminal: Context, asks: Asks) -> None:
        self._terminal = terminal
        self._asks = asks
        self._words: dict[str, Note] = {}
        self._traits: dict[str, Any] = {}

    def steps(self) -> Iterator[Callable[[], Awaitable[None]]]:
        """Each says one command; the last one keeps the notes."""
        yield lambda: self._ask(GetTime())
        yield lambda: self._ask(GetDevInfo())
        yield lambda: self._ask(GetUserList())
        yield lambda: self._ask(GetDevLock())
        yield lambda: self._ask(GetAllLog(since=self._yesterday(), until=self._yesterday()))
        yield self._keep

    async def _ask(self, command: Command[Any]) -> None:
        reply = await self._asks(command)
        if reply is None:
            self._words[command.word()] = Note(SILENT)
            return
        self._words[command.word()] = Note(ANSWERED if reply.result else REFUSED, "sn" in reply.fields)
        if not reply.result:
            self._traits["msg"] = self._traits.get("msg", False) or "msg" in reply.fields
        elif command.list_field:
            self._look_at(reply, command.list_field)

    def _look_at(self, page: RawReply, list_field: str) -> None:
        """What the first page of a list shows; nothing is done with its records."""
        record = page.fields.get(list_field)
        if not isinstance(record, list) or not record:
            return
        for name, found in (("to", _end_of(page, len(record))), ("count", _count_of(page, len(record)))):
            self._traits[name] = found or self._traits.get(name)
        admin = record[0].get("admin") if isinstance(record[0], dict) else None
        if admin is not None:
            self._traits["admin"] = "text" if isinstance(admin, str) else "number"

    async def _keep(self) -> None:
        """Of a terminal that said nothing at all there is nothing to be known."""
        if all(note.met == SILENT for note in self._words.values()):
            return
        make, at = self._terminal.make, self._terminal.services.present.read().ms
        notes = Notes(at, self._words, **self._traits)
        await self._terminal.store.terminals.models.keep(make.model, make.firmware, notes)
        self._terminal.services.metrics.catchup["probed"] += 1

    def _yesterday(self) -> str:
        today = date.fromisoformat(self._terminal.cloudtime()[:10])
        return (today - timedelta(days=1)).isoformat()


def _end_of(page: RawReply, length: int) -> str | None:
    """Whether ``to`` is the place of the last record or the one behind it (protocol §6.1)."""
    first, last = _number(page, "from"), _number(page, "to")
    if first is None or last is None:
        return None
    return _ENDS.get(last - first - length)


_ENDS: Final = {-1: "inclusive", 0: "exclusive"}


def _count_of(page: RawReply, length: int) -> str | None:
    """What ``count`` counts, as far as one page can tell."""
    count = _number(page, "count")
    if count is None:
        return None
    if count == length:
        return "page or total"
    return "total" if count > length else "wrong"


def _number(page: RawReply, name: str) -> int | None:
    try:
        return lenient.integer(page.fields.get(name))
    except ValueError:
        return None
