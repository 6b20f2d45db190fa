"""What one terminal keeps: people, logs, clock and settings. No network in it, and no time of its own."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tfserver.simulator.logbook import Log, LogBook
from tfserver.simulator.paging import Cursor
from tfserver.simulator.samples import credential_of, name_of

DOOR_OPENED_BY_SOFTWARE = 3
"""``event`` of a log with ``enrollid`` 0 (protocol §3.5)."""
FINGERS = range(10)


@dataclass(slots=True)
class User:
    """A person on the terminal; ``credentials`` by ``backupnum`` (protocol §3.1)."""

    name: str
    admin: int = 0
    enabled: bool = True
    credentials: dict[int, str | int] = field(default_factory=dict)
    lock: dict[str, Any] | None = None
    profile: str = ""


class Memory:
    """The state of one terminal.

    Its clock is ``offset`` seconds ahead of the simulation's ``now``; ``cloudtime`` changes the offset.
    """

    __slots__ = ("_enabled", "cursor", "disabled", "logs", "new_users", "offset", "settings", "users")

    def __init__(self, offset: float = 0.0) -> None:
        self.offset = offset
        self.users: dict[int, User] = {}
        self.logs = LogBook()
        self.settings: dict[str, Any] = {}
        self.new_users: deque[tuple[int, int]] = deque()
        self.cursor: Cursor | None = None
        self.disabled = False
        self._enabled: tuple[int, ...] | None = None

    # the clock

    def second(self, now: float) -> int:
        """What the terminal's clock shows."""
        return int(now + self.offset)

    def set_clock(self, second: int, now: float) -> None:
        """Set the clock, as each ``cloudtime`` does (protocol §2.2)."""
        self.offset = second - now

    # lists that are read page by page

    def reading(self, word: str) -> Cursor | None:
        """The cursor of the list that this word reads; None when it is not being read."""
        return self.cursor if self.cursor is not None and self.cursor.word == word else None

    # people

    def enrol(self, enrollid: int, backupnum: int, name: str, admin: int = 0) -> None:
        """Give a person a credential at the terminal; the next ``senduser`` may tell the server of it."""
        user = self.users.setdefault(enrollid, User(name))
        user.admin = admin
        user.credentials[backupnum] = credential_of(enrollid, backupnum)
        self.new_users.append((enrollid, backupnum))
        self.people_changed()

    def people_changed(self) -> None:
        """To be called after any change of who exists or is enabled."""
        self._enabled = None

    def credentials(self) -> Iterator[tuple[int, int]]:
        """Each credential as ``(enrollid, backupnum)``, in the order of the ids."""
        for enrollid in sorted(self.users):
            for backupnum in self.users[enrollid].credentials:
                yield enrollid, backupnum

    def holds(self, enrollid: int, backupnum: int) -> bool:
        """Whether this credential of this person is still there."""
        return enrollid in self.users and backupnum in self.users[enrollid].credentials

    def free_enrollid(self) -> int:
        """The smallest number above all people."""
        return max(self.users, default=0) + 1

    # logs

    def punch(self, now: float, modes: tuple[int, ...], random: Random) -> Log | None:
        """Somebody punches; None when the terminal is disabled or nobody on it is enabled."""
        people = self._people()
        if self.disabled or not people:
            return None
        return self._unique(people, self.second(now), random.randrange(len(people)), random.choice(modes))

    def door_event(self, now: float, event: int = DOOR_OPENED_BY_SOFTWARE) -> Log:
        """The door did something: a log of nobody, ``mode`` 0, ``inout`` 1 (protocol §3.5)."""
        log = Log(0, self.second(now), 0, 1, event)
        while not self.logs.add(log):
            log = log._replace(second=log.second + 1)
        return log

    def backlog(self, count: int, now: float, modes: tuple[int, ...], random: Random) -> None:
        """Make so many logs of the last days, at most one a minute, ending a minute ago."""
        people = self._people()
        if not people:
            return
        step = max(1, min(60, 30 * 86_400 // max(count, 1)))
        first = self.second(now) - 60 - step * count
        for position in range(count):
            person = random.randrange(len(people))
            self._unique(people, first + step * position, person, random.choice(modes))

    def clean_logs(self) -> None:
        """Delete all logs; the reading of a list ends with them."""
        self.logs.clear()
        self.cursor = None

    def clean_users(self) -> None:
        """Delete all people; the reading of a list ends with them."""
        self.cursor = None
        self.users.clear()
        self.new_users.clear()
        self.people_changed()

    def _unique(self, people: tuple[int, ...], second: int, first: int, mode: int) -> Log:
        """Keep a log that was never made before: another person of the same second, else a later second."""
        while True:
            for turn in range(len(people)):
                log = Log(people[(first + turn) % len(people)], second, mode, 0, 0)
                if self.logs.add(log):
                    return log
            second += 1

    def _people(self) -> tuple[int, ...]:
        if self._enabled is None:
            self._enabled = tuple(enrollid for enrollid, user in self.users.items() if user.enabled)
        return self._enabled


def populate(memory: Memory, people: int, credentials: tuple[int, ...]) -> None:
    """Enrol so many invented people; every tenth is an administrator and these are not announced as new."""
    for enrollid in range(1, people + 1):
        admin = 1 if enrollid % 10 == 0 else 0
        user = User(name_of(enrollid), admin)
        # most people have one credential, every third has all that the model offers
        held = credentials if enrollid % 3 == 0 else credentials[:1]
        user.credentials = {backupnum: credential_of(enrollid, backupnum) for backupnum in held}
        memory.users[enrollid] = user
    memory.people_changed()
