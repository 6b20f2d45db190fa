"""What a terminal pushes by itself: ``sendlog`` and ``senduser``, one of each in flight.

A push is kept as it is, and said again until the server acknowledges it: after ``result:false`` and a pause,
after a lost connection, after a silence that made the terminal drop the connection (protocol §4.2, §4.3).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from tfserver.simulator.answers import Message
from tfserver.simulator.dialects import Dialect
from tfserver.simulator.logbook import Log
from tfserver.simulator.memory import Memory
from tfserver.simulator.replies_logs import record_of
from tfserver.simulator.samples import photo_of
from tfserver.simulator.tells import Complaint, Drop, LogsAcked, LogsSent, Rejected, Say, Tell, UserAcked

PHOTO_EVERY = 4
"""A live punch of every so manieth ``enrollid`` brings its picture, where the dialect has pictures."""
LIVE = 5
"""Seconds; an older log is backlog and has no picture."""


@dataclass(frozen=True, slots=True)
class Timers:
    """The waiting times of a terminal, in seconds (protocol §1.4, §1.5)."""

    reg: float = 20.0
    """Until an unanswered ``reg`` is said again."""
    refused: float = 5.0
    """Until a refused ``reg`` is said again, when the server sent no ``tryseconds``."""
    answer: float = 20.0
    """Until an unanswered ``sendlog`` or ``senduser`` makes the terminal drop the connection."""
    again: float = 2.0
    """Until a push that was answered ``result:false`` is said again."""
    heartbeat: float = 3.0
    """Between two pings."""
    deaf: float = 30.0
    """Without any frame or pong from the server: the connection is dead."""


@dataclass(slots=True)
class Flight:
    """A push that is not acknowledged; ``sent_at`` is None while it waits to be said, not before ``due``."""

    message: dict[str, Any]
    tries: int = 0
    sent_at: float | None = None
    due: float = 0.0


class Push(ABC):
    """One stream of pushes of one terminal; at most one message is unanswered."""

    __slots__ = ("_flight", "_timers")
    word: str

    def __init__(self, timers: Timers) -> None:
        self._timers = timers
        self._flight: Flight | None = None

    def offer(self, now: float) -> list[Tell]:
        """Say the next message, or the unacknowledged one again, if it is time and nothing is unanswered."""
        if self._flight is None:
            self._flight = self._next(now)
        flight = self._flight
        if flight is None or flight.sent_at is not None or now < flight.due:
            return []
        flight.sent_at = now
        flight.tries += 1
        return [*self._said(flight), Say(flight.message)]

    def answered(self, reply: Message, now: float) -> list[Tell]:
        """Judge the server's answer: done and the next one, or the same one later."""
        flight = self._flight
        if flight is None or flight.sent_at is None:
            return [Complaint(f"answer to a {self.word} that was not sent")]
        if reply.get("result") is not True:
            self._put_back(flight, now)
            return [Rejected(self.word, str(reply.get("reason", "")))]
        fault = self._fault(flight, reply)
        if fault is not None:
            self._put_back(flight, now)
            return [Complaint(fault)]
        self._flight = None
        return [*self._settle(flight, now), *self.offer(now)]

    def tick(self, now: float) -> list[Tell]:
        """Notice silence, and pauses that are over."""
        flight = self._flight
        if flight is not None and flight.sent_at is not None and now >= flight.sent_at + self._timers.answer:
            return [Drop(f"{self.word} not answered in {self._timers.answer:g} s")]
        return self.offer(now)

    def lost(self) -> None:
        """The connection is gone: what is unacknowledged is said again on the next one."""
        if self._flight is not None:
            self._flight.sent_at = None
            self._flight.due = 0.0

    def _put_back(self, flight: Flight, now: float) -> None:
        flight.sent_at = None
        flight.due = now + self._timers.again

    @abstractmethod
    def _next(self, now: float) -> Flight | None: ...

    @abstractmethod
    def _said(self, flight: Flight) -> list[Tell]: ...

    @abstractmethod
    def _fault(self, flight: Flight, reply: Message) -> str | None: ...

    @abstractmethod
    def _settle(self, flight: Flight, now: float) -> list[Tell]: ...


class LogPush(Push):
    """The logs, oldest first, at most ``batch`` a message; ``logindex`` is the first one's position.

    While ``allowed`` is False nothing is pushed, and logs only wait for ``getnewlog``.
    """

    __slots__ = ("_batch", "_dialect", "_generation", "_logs", "_memory", "_sn", "allowed")
    word = "sendlog"

    def __init__(self, sn: str, dialect: Dialect, memory: Memory, timers: Timers, batch: int) -> None:
        super().__init__(timers)
        self._sn = sn
        self._dialect = dialect
        self._memory = memory
        self._batch = batch
        self._logs: tuple[Log, ...] = ()
        self._generation = 0
        self.allowed = True

    @property
    def waiting(self) -> int:
        """How many logs the server is still to take."""
        return self._memory.logs.waiting if self.allowed else self._memory.logs.new

    def offer(self, now: float) -> list[Tell]:
        """As `Push.offer`, but a batch that was erased meanwhile is not said again."""
        if not self.allowed:
            return []
        flight = self._flight
        if flight is not None and flight.sent_at is None and self._generation != self._memory.logs.generation:
            self._flight = None
        return super().offer(now)

    def _next(self, now: float) -> Flight | None:
        book = self._memory.logs
        if not book.waiting:
            return None
        self._logs = book.unacked(self._batch)
        self._generation = book.generation
        message: dict[str, Any] = {"cmd": "sendlog", "sn": self._dialect.sn_in_logs(self._sn)}
        message["count"] = len(self._logs)
        message["logindex"] = book.acked if self._dialect.logindex else None
        message["record"] = [record_of(log, self._memory, self._dialect) for log in self._logs]
        self._add_picture(message["record"], now)
        return Flight({key: value for key, value in message.items() if value is not None})

    def _add_picture(self, records: list[dict[str, Any]], now: float) -> None:
        """A single live punch of some people brings a picture (protocol §4.2)."""
        log = self._logs[0]
        live = len(records) == 1 and self._memory.second(now) - log.second < LIVE
        if self._dialect.photos and live and log.enrollid and log.enrollid % PHOTO_EVERY == 0:
            records[0]["image"] = photo_of(log.enrollid)

    def _said(self, flight: Flight) -> list[Tell]:
        return [LogsSent(len(self._logs), flight.tries)]

    def _fault(self, flight: Flight, reply: Message) -> str | None:
        for key in ("count", "logindex"):
            if key in flight.message and not _same_number(reply.get(key), flight.message[key]):
                return f"sendlog answered without an exact echo of {key}"
        return None

    def _settle(self, flight: Flight, now: float) -> list[Tell]:
        self._memory.logs.ack(len(self._logs), self._generation)
        sent_at = now if flight.sent_at is None else flight.sent_at
        return [LogsAcked(self._sn, self._logs, now - sent_at)]


class UserPush(Push):
    """The credentials that the server was not told of, one a message; silent while ``allowed`` is False."""

    __slots__ = ("_dialect", "_memory", "_sn", "allowed")
    word = "senduser"

    def __init__(self, sn: str, dialect: Dialect, memory: Memory, timers: Timers) -> None:
        super().__init__(timers)
        self._sn = sn
        self._dialect = dialect
        self._memory = memory
        self.allowed = False

    @property
    def waiting(self) -> int:
        """How many credentials are to be told and not acknowledged."""
        return len(self._memory.new_users) if self.allowed else 0

    def offer(self, now: float) -> list[Tell]:
        """As `Push.offer`, unless ``nosenduser`` forbids it (protocol §4.1)."""
        return super().offer(now) if self.allowed else []

    def _next(self, now: float) -> Flight | None:
        queue, users = self._memory.new_users, self._memory.users
        while queue and not self._memory.holds(*queue[0]):
            queue.popleft()
        if not queue:
            return None
        enrollid, backupnum = queue[0]
        user = users[enrollid]
        fields = {"enrollid": enrollid, "name": user.name, "backupnum": backupnum, "admin": user.admin}
        message = {"cmd": "senduser", "sn": self._dialect.sn_in_logs(self._sn), **fields}
        message["record"] = user.credentials[backupnum]
        if self._dialect.speaks:
            message.update(aliasid=str(enrollid), enable=int(user.enabled))
        return Flight({key: value for key, value in message.items() if value is not None})

    def _said(self, flight: Flight) -> list[Tell]:
        return []

    def _fault(self, flight: Flight, reply: Message) -> str | None:
        return None

    def _settle(self, flight: Flight, now: float) -> list[Tell]:
        told = (flight.message["enrollid"], flight.message["backupnum"])
        if self._memory.new_users and self._memory.new_users[0] == told:
            self._memory.new_users.popleft()
        return [UserAcked()]


def _same_number(said: object, sent: object) -> bool:
    """Whether a number came back as it was sent; true and 1 are not the same."""
    return type(said) is int and said == sent
