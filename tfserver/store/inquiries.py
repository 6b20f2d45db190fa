"""Questions that all processes answer from their own memory, by pub/sub: none of it is kept.

What is published is heard in all databases of a server: processes of another one, which may be somebody
else's, hear the question too, and answer that they know nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import msgspec
from twisted.internet.defer import Deferred, TimeoutError

from tfserver.errors import StoreError
from tfserver.store.client import Client

SECONDS: Final = 1.5
"""How long is waited for the other processes."""
MOST_OPEN: Final = 50
ASK: Final = "ask "
TELL: Final = "tell "
"""How the two kinds of messages begin."""
_AT: Final = "@"
"""Between the number of a question and the database that it is about."""
Row = dict[str, Any]
Answering = Callable[[str], list[Row]]


class Found(NamedTuple):
    """What came back, and whether every process answered."""

    rows: list[Row]
    is_whole: bool


class _Open:
    """A question that was asked: the rows so far, how many answers came, and how many there will be."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.came = 0
        self.expected = -1
        self.over: Deferred[None] = Deferred()

    def look(self) -> None:
        """Whether all have answered."""
        if self.came == self.expected and not self.over.called:
            self.over.callback(None)


class Inquiries:
    """Asks all processes, and answers for this one. ``owner`` names it."""

    def __init__(self, client: Client, owner: str) -> None:
        self._client = client
        self._owner = owner
        # an earlier release knows of no mark, and says none: it is believed to be of the first database
        database = client.address.database
        self._mark = f"{_AT}{database}" if database else ""
        self._answering: dict[str, Answering] = {}
        self._open: dict[str, _Open] = {}

    def answers(self, what: str, answering: Answering) -> None:
        """Questions about this are answered so from now on."""
        self._answering[what] = answering

    async def ask(self, what: str, subject: str = "") -> Found:
        """What this process and all others know; those that don't answer in time are missing."""
        own = self._answer(what, subject)
        if len(self._open) >= MOST_OPEN:
            return Found(own, False)
        number, question = f"{uuid.uuid4().hex}{self._mark}", _Open()
        self._open[number] = question
        try:
            told = f"{ASK}{number} {self._owner} {what} {subject}"
            # What it returns is how many hear it, ourselves among them.
            question.expected = int(await self._client.read("PUBLISH", self._client.keys.everybody, told))
            question.look()
            await question.over.addTimeout(SECONDS, self._client.reactor)
        except (StoreError, TimeoutError):
            return Found([*own, *question.rows], False)
        finally:
            del self._open[number]
        return Found([*own, *question.rows], True)

    def heard(self, message: str) -> bool:
        """A message of a process; False when it is none of ours."""
        if message.startswith(ASK):
            self._asked(message)
        elif message.startswith(TELL):
            self._told(message)
        else:
            return False
        return True

    def _asked(self, message: str) -> None:
        _, number, asker, what, subject = message.split(" ", 4)
        if asker == self._owner:
            self._came(number, [])
            return
        is_ours = number.partition(_AT)[2] == self._mark.partition(_AT)[2]
        answer = msgspec.json.encode(self._answer(what, subject) if is_ours else []).decode()
        channel = self._client.keys.wake(asker)
        telling = self._client.read("PUBLISH", channel, f"{TELL}{number} {answer}")
        telling.addErrback(lambda failure: failure.trap(StoreError) and None)

    def _told(self, message: str) -> None:
        _, number, answer = message.split(" ", 2)
        self._came(number, msgspec.json.decode(answer, type=list[Row]))

    def _came(self, number: str, rows: list[Row]) -> None:
        question = self._open.get(number)
        if question is not None:
            question.rows += rows
            question.came += 1
            question.look()

    def _answer(self, what: str, subject: str) -> list[Row]:
        answering = self._answering.get(what)
        if answering is None:
            return []
        rows = answering(subject)
        return [{**row, "process": self._owner} for row in rows]
