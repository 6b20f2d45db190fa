"""What the store of a round says: asked on a connection of its own, by the one who measures."""

from __future__ import annotations

import socket
import time
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import hiredis

from benchmarks import bodies, messages
from tfserver.store.keys import Keys

KEYS: Final = Keys("tf:")
SECONDS: Final = 10.0
_ASKED_AT_ONCE: Final = 1000
_RECEIVE_BYTES: Final = 1 << 16


class Finished(NamedTuple):
    """Orders that have an end: how many of each state, and how long all of them took by the store's clock."""

    states: Counter[str]
    seconds: float
    unfinished: int


class Ledger:
    """A plain connection to the store behind this socket; it waits for each answer."""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(SECONDS)
        self._socket.connect(path)
        self._reader = hiredis.Reader(encoding="utf-8", errors="replace")

    def close(self) -> None:
        """End the connection."""
        self._socket.close()

    def ask(self, commands: Iterable[tuple[Any, ...]]) -> list[Any]:
        """The answers to some commands, in order. OSError when the store is gone."""
        waiting, answers = list(commands), []
        for start in range(0, len(waiting), _ASKED_AT_ONCE):
            some = waiting[start : start + _ASKED_AT_ONCE]
            self._socket.sendall(b"".join(hiredis.pack_command(command) for command in some))
            answers += [self._answer() for _ in some]
        return answers

    def open_orders(self) -> int:
        """How many orders have no end yet."""
        return int(self.ask([("ZCARD", KEYS.deadlines)])[0])

    def punches(self) -> int:
        """How many punches there are in the feed."""
        return int(self.ask([("XLEN", KEYS.punches)])[0])

    def newest_punch(self) -> str:
        """The place of the last punch in the feed."""
        return str(self.ask([("XREVRANGE", KEYS.punches, "+", "-", "COUNT", 1)])[0][0][0])

    def archived(self) -> str:
        """The place of the last punch in the archive."""
        return str(self.ask([("HGET", KEYS.archived, "place")])[0])

    def trimmed(self, ms: int) -> None:
        """Let the feed know that what came up to this moment is in the archive only."""
        self.ask([("HSET", KEYS.archived, "trimmed", f"{ms + 1}-0")])

    def add_punches(self, first: int, amount: int) -> None:
        """Put made-up punches into the feed, numbered from ``first``, as if they came just now."""
        now = time.time()
        numbers = range(first, first + amount)
        self.ask(("XADD", KEYS.punches, "*", "v", "1", "p", bodies.body(number, now)) for number in numbers)

    def orders(self, places: Iterable[int]) -> Finished:
        """All orders of the terminals at these places."""
        names = [KEYS.orders(messages.serial_number(place)) for place in places]
        ids = [each for found in self.ask(("ZRANGE", name, 0, -1) for name in names) for each in found]
        told = self.ask(("HMGET", KEYS.order(each), "state", "created", "finished") for each in ids)
        ended = [(float(created), float(finished)) for _, created, finished in told if finished]
        first, last = min((one[0] for one in ended), default=0.0), max((one[1] for one in ended), default=0.0)
        states = Counter(str(state) for state, _, _ in told)
        return Finished(states, (last - first) / 1000, len(told) - len(ended))

    def _answer(self) -> Any:
        while (found := self._reader.gets()) is False:
            data = self._socket.recv(_RECEIVE_BYTES)
            if not data:
                raise ConnectionError("the store ended the connection")
            self._reader.feed(data)
        if isinstance(found, hiredis.ReplyError):
            raise found
        return found
