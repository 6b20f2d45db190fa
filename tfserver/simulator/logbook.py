"""A terminal's memory of punches and door events, in order, acknowledged from the front."""

from __future__ import annotations

from typing import Any, NamedTuple

from tfserver.simulator.times import text_of

LOG_SIZE = 100_000
"""Logs that a terminal holds; above that the oldest acknowledged ones are forgotten."""


class Log(NamedTuple):
    """One log; all fields together are its identity (protocol §4.2); ``second`` is the terminal's time."""

    enrollid: int
    second: int
    mode: int
    inout: int
    event: int

    def fields(self) -> dict[str, Any]:
        """The log as an object of ``record`` (protocol §4.2)."""
        return {
            "enrollid": self.enrollid,
            "time": text_of(self.second),
            "mode": self.mode,
            "inout": self.inout,
            "event": self.event,
        }


class LogBook:
    """The logs of one terminal.

    Positions are absolute: 0 is the first log since the memory was last cleared. ``acked`` is the position up
    to which the server acknowledged ``sendlog``, ``read`` the one up to which ``getnewlog`` was given out.
    ``generation`` counts how often the memory was cleared, ``erased`` the logs so lost.
    """

    __slots__ = ("_dropped", "_known", "_logs", "acked", "erased", "generation", "made", "read", "size")

    def __init__(self, size: int = LOG_SIZE) -> None:
        self.size = size
        self.acked = 0
        self.read = 0
        self.made = 0
        self.erased = 0
        self.generation = 0
        self._dropped = 0
        self._logs: list[Log] = []
        self._known: set[Log] = set()

    def __len__(self) -> int:
        return len(self._logs)

    @property
    def waiting(self) -> int:
        """How many logs are not acknowledged."""
        return self._dropped + len(self._logs) - self.acked

    @property
    def first_new(self) -> int:
        """The position of the oldest log that was neither acknowledged nor given out by ``getnewlog``."""
        return max(self.acked, self.read)

    @property
    def new(self) -> int:
        """How many logs were neither acknowledged nor given out by ``getnewlog``: ``usednewlog``."""
        return self._dropped + len(self._logs) - self.first_new

    def add(self, log: Log) -> bool:
        """Keep a log; False when this terminal made the very same one before, ever."""
        if log in self._known:
            return False
        self._known.add(log)
        self._logs.append(log)
        self.made += 1
        self._forget()
        return True

    def unacked(self, most: int) -> tuple[Log, ...]:
        """The oldest logs that are not acknowledged, at most so many."""
        start = self.acked - self._dropped
        return tuple(self._logs[start : start + most])

    def ack(self, count: int, generation: int) -> None:
        """The oldest ``count`` unacknowledged logs of that generation are with the server now."""
        if generation == self.generation:
            self.acked += count
        else:
            self.erased -= count

    def everything(self) -> list[Log]:
        """All logs held, oldest first."""
        return list(self._logs)

    def unread(self) -> list[Log]:
        """The logs that ``new`` counts."""
        return self._logs[self.first_new - self._dropped :]

    def mark_read(self, position: int) -> None:
        """All logs before this position were given out by ``getnewlog``, for good (protocol §5.2)."""
        self.read = max(self.read, position)

    def settle(self, count: int) -> None:
        """The oldest ``count`` logs are of an earlier life: acknowledged then, and no punches of this run."""
        self.acked = count
        self.made -= count

    def clear(self) -> None:
        """Delete all logs (``cleanlog``, ``initsys``); positions begin at 0 again, identities stay used."""
        self.erased += self.waiting
        self.generation += 1
        self._logs.clear()
        self.acked = self.read = self._dropped = 0

    def _forget(self) -> None:
        """Forget a tenth of the memory at once, when it is full and that much is acknowledged."""
        tenth = max(1, self.size // 10)
        if len(self._logs) > self.size and self.acked - self._dropped >= tenth:
            self._known.difference_update(self._logs[:tenth])
            del self._logs[:tenth]
            self._dropped += tenth
