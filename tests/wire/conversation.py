"""A session with a terminal at the other end, for tests: what is said and what is told, as plain values."""

from __future__ import annotations

import json
from typing import Any

import tfserver.commands
from tfserver.wire.message import Response
from tfserver.wire.session import Ask, Limits, Note, Send, Session, State, Tell
from tfserver.wire.table import table

assert tfserver.commands, "fills the handler table"

SN = "ZXDM26010042"
TIME = "2026-04-02 08:15:04"
YES = Response()


class Conversation:
    """One session; ``now`` is its clock."""

    def __init__(self, **limits: Any) -> None:
        self.session = Session(table, 0.0, Limits(**limits))
        self.now = 0.0

    @property
    def state(self) -> State:
        """Where the conversation stands."""
        return self.session.state

    def says(self, message: dict[str, Any] | bytes) -> list[Tell]:
        """The terminal says something."""
        payload = message if isinstance(message, bytes) else json.dumps(message).encode()
        return self.session.receive(payload, self.now)

    def asks(self, word: str, **fields: Any) -> list[Tell]:
        """The terminal sends a request."""
        return self.says({"cmd": word, **fields})

    def answer(self, response: Response = YES) -> list[Tell]:
        """The handler answers."""
        return self.session.answer(response, self.now, TIME)

    def at(self, now: float) -> list[Tell]:
        """Time passes."""
        self.now = now
        return self.session.tick(now)


def admitted(sn: str = SN, **limits: Any) -> Conversation:
    """A conversation with a terminal that was just admitted."""
    found = Conversation(**limits)
    found.asks("reg", sn=sn)
    found.answer()
    return found


def sent(tells: list[Tell]) -> list[dict[str, Any]]:
    """The messages among what was told."""
    return [json.loads(tell.payload) for tell in tells if isinstance(tell, Send)]


def asked(tells: list[Tell]) -> list[str]:
    """The words of the requests among what was told that have to be answered."""
    return [tell.request.word() for tell in tells if isinstance(tell, Ask)]


def notes(tells: list[Tell]) -> list[str]:
    """What is to be logged among what was told."""
    return [tell.what for tell in tells if isinstance(tell, Note)]
