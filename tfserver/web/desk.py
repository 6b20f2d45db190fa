"""What all requests of a process share: the sources, and how many may wait, watch or be noted at once."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final
from weakref import WeakValueDictionary

from tfserver.config import Web
from tfserver.web.dashboard.live import Live
from tfserver.web.dashboard.roll import Roll
from tfserver.web.document import Document
from tfserver.web.gate import Gate
from tfserver.web.line import Line
from tfserver.web.problem import Problem
from tfserver.web.sources import Sources
from tfserver.web.streams import Streams

MOST_REQUESTS: Final = 1000
MOST_WAITS: Final = 500
"""Of those requests: so there is room for others, however long terminals take."""
MOST_EXPORTS: Final = 4
"""Each holds two chunks of a megabyte; they share one thread of the archive."""
MOST_OF_ONE: Final = 2
"""Exports of one token or account, its sessions together."""
REFUSALS_A_MINUTE: Final = 60
_MOST_ACTORS: Final = 1000


class Room:
    """A bounded number of places, taken by ``with``; Problem when all are taken."""

    def __init__(self, most: int, status: HTTPStatus, what: str) -> None:
        self.taken = 0
        self._most = most
        self.status = status
        self._what = what

    def __enter__(self) -> Room:
        """Take a place."""
        if self.taken >= self._most:
            raise Problem(self.status, f"{self._what}: {self._most} at a time in this process")
        self.taken += 1
        return self

    def __exit__(self, *_: object) -> None:
        """Give it back."""
        self.taken -= 1


class Share(Room):
    """The places that one who asks takes of a room, so that nobody alone takes them all."""

    def __init__(self, most: int, what: str) -> None:
        super().__init__(most, HTTPStatus.TOO_MANY_REQUESTS, f"{what} of one token or account")


class Allowance:
    """How many refusals of an actor are noted: whoever is always refused must not push out the rest."""

    def __init__(self, clock: Any) -> None:
        self._clock = clock
        self._minute = 0
        self._counts: dict[str, int] = {}

    def take(self, actor: str) -> bool:
        """Whether one more may be noted within this minute."""
        minute = int(self._clock.seconds() // 60)
        if minute != self._minute or len(self._counts) >= _MOST_ACTORS:
            self._minute, self._counts = minute, {}
        self._counts[actor] = self._counts.get(actor, 0) + 1
        return self._counts[actor] <= REFUSALS_A_MINUTE


class Desk:
    """One for each process. ``reactor`` gives time and delayed calls."""

    def __init__(self, reactor: Any, sources: Sources, document: Document, settings: Web) -> None:
        self.reactor = reactor
        self.sources = sources
        self.document = document
        self.requests = Room(MOST_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE, "too many requests")
        self.waits = Room(MOST_WAITS, HTTPStatus.TOO_MANY_REQUESTS, "too many wait for the end of an order")
        self.exports = Room(MOST_EXPORTS, HTTPStatus.TOO_MANY_REQUESTS, "too many exports")
        self.refusals = Allowance(reactor)
        self._exports_of: WeakValueDictionary[str, Share] = WeakValueDictionary()
        self.line = Line(reactor)
        self.streams = Streams(reactor, sources)
        self.roll = Roll(reactor, sources.terminals, sources.pressure)
        self.live = Live(reactor, sources, self.roll)
        known = sources.tokens, sources.sessions, sources.accounts
        self.gate = Gate(reactor, *known, settings, sources.metrics)

    def exports_of(self, who_id: str) -> Share:
        """The share that one token or account has in exports; it lives as long as somebody holds it."""
        found = self._exports_of.get(who_id)
        if found is None:
            found = self._exports_of[who_id] = Share(MOST_OF_ONE, "too many exports")
        return found
