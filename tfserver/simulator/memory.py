"""What one terminal keeps: people, logs, clock and settings. No network in it, and no time of its own."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from tfserver.simulator.capacity import SIZES, Room, kind_of
from tfserver.simulator.enrolment import Enrolment
from tfserver.simulator.logbook import LOG_SIZE, Log, LogBook
from tfserver.simulator.paging import Cursor
from tfserver.simulator.passing import Modes, may_pass, ways_of
from tfserver.simulator.samples import credential_of, name_of

DOOR_OPENED_BY_SOFTWARE = 3
"""``event`` of a log with ``enrollid`` 0 (protocol §3.5)."""


@dataclass(slots=True)
class User:
    """A person on the terminal; ``credentials`` by ``backupnum`` (protocol §3.1).

    ``unusable`` are those that it keeps, but that nobody is recognised by (protocol §7, quirk 26).
    """

    name: str
    admin: int = 0
    enabled: bool = True
    credentials: dict[int, str | int] = field(default_factory=dict)
    lock: dict[str, Any] | None = None
    profile: str = ""
    unusable: set[int] = field(default_factory=set)

    def copy(self) -> User:
        """The same person as it is now."""
        return replace(self, credentials=dict(self.credentials), unusable=set(self.unusable))


class Memory:
    """The state of one terminal.

    Its clock is ``offset`` seconds ahead of the simulation's ``now``; ``cloudtime`` changes the offset.
    ``sizes`` says how many of each kind it takes (`SIZES`, and ``log``).
    """

    __slots__ = (
        "_enabled",
        "cursor",
        "disabled",
        "enrolment",
        "logs",
        "new_users",
        "next_scans",
        "offset",
        "room",
        "settings",
        "users",
    )

    def __init__(self, offset: float = 0.0, sizes: Mapping[str, int] = SIZES) -> None:
        self.offset = offset
        self.room = Room(sizes)
        self.users: dict[int, User] = {}
        self.logs = LogBook(sizes.get("log", LOG_SIZE))
        self.enrolment: Enrolment | None = None
        self.next_scans: int | str | None = None
        """How the enrolment that begins next goes, if not as usual: so many scans, or how it ends."""
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

    def lacks_room(self, enrollid: int, backupnum: int) -> bool:
        """Whether the person or the credential is new, and not one more of that kind fits."""
        user = self.users.get(enrollid)
        if user is not None and backupnum in user.credentials:
            return False
        return (user is None and self.room.full("user")) or self.room.full(kind_of(backupnum))

    def keep(self, enrollid: int, backupnum: int, record: str | int) -> User:
        """Keep a credential; the person is made when new, without a name."""
        user = self.users.get(enrollid)
        if user is None:
            user = self.users[enrollid] = User("")
            self.room.add("user", 1)
        if backupnum not in user.credentials:
            self.room.add(kind_of(backupnum), 1)
        user.credentials[backupnum] = record
        user.unusable.discard(backupnum)
        self.people_changed()
        return user

    def forget(self, enrollid: int, backupnums: Iterable[int]) -> None:
        """Delete some credentials that a person has; without any the person goes too."""
        user = self.users[enrollid]
        for backupnum in backupnums:
            del user.credentials[backupnum]
            user.unusable.discard(backupnum)
            self.room.add(kind_of(backupnum), -1)
        if not user.credentials:
            del self.users[enrollid]
            self.room.add("user", -1)
        self.people_changed()

    def restore(self, people: Mapping[int, User | None]) -> None:
        """Let these people be as they are given, or not there."""
        for enrollid, user in people.items():
            if user is None:
                self.users.pop(enrollid, None)
            else:
                self.users[enrollid] = user
        self.recount()

    def recount(self) -> None:
        """Count all anew, after people came and went without `keep` and `forget`."""
        self.room.recount(len(self.users), (backupnum for _, backupnum in self.credentials()))
        self.people_changed()

    def enrol(self, enrollid: int, backupnum: int, name: str, admin: int = 0) -> bool:
        """Give a person a credential at the terminal; the next ``senduser`` may tell the server of it. False
        when there is no room."""
        if self.lacks_room(enrollid, backupnum):
            return False
        is_new = enrollid not in self.users
        user = self.keep(enrollid, backupnum, credential_of(enrollid, backupnum))
        user.name = name if is_new else user.name
        user.admin = admin
        self.new_users.append((enrollid, backupnum))
        return True

    def scan(self) -> None:
        """The person who is being enrolled puts the finger on the sensor once more, or looks into the camera;
        after the last time it is enrolled."""
        going_on = self.enrolment
        if going_on is None or not going_on.scan():
            return
        if not self.enrol(going_on.enrollid, going_on.backupnum, going_on.name, going_on.admin):
            going_on.fail()

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

    def punch(self, now: float, modes: Modes, random: Random) -> Log | None:
        """Somebody punches with a credential of theirs; None when the terminal is disabled, or nobody on it
        may pass."""
        people = self._people()
        if self.disabled or not people:
            return None
        return self._unique(people, self.second(now), random.randrange(len(people)), modes, random.random())

    def door_event(self, now: float, event: int = DOOR_OPENED_BY_SOFTWARE) -> Log:
        """The door did something: a log of nobody, ``mode`` 0, ``inout`` 1 (protocol §3.5)."""
        log = Log(0, self.second(now), 0, 1, event)
        while not self.logs.add(log):
            log = log._replace(second=log.second + 1)
        return log

    def backlog(self, count: int, now: float, modes: Modes, random: Random) -> None:
        """Make so many logs of the last days, at most one a minute, ending a minute ago."""
        people = self._people()
        if not people:
            return
        step = max(1, min(60, 30 * 86_400 // max(count, 1)))
        first = self.second(now) - 60 - step * count
        for position in range(count):
            person = random.randrange(len(people))
            self._unique(people, first + step * position, person, modes, random.random())

    def clean_logs(self) -> None:
        """Delete all logs; the reading of a list ends with them."""
        self.logs.clear()
        self.cursor = None

    def clean_users(self) -> None:
        """Delete all people; the reading of a list ends with them."""
        self.cursor = None
        self.users.clear()
        self.new_users.clear()
        self.recount()

    def _unique(
        self, people: tuple[int, ...], second: int, first: int, modes: Modes, chance: float
    ) -> Log | None:
        """Keep a log that was never made before: another person of the same second, else a later second. None
        when nobody may pass."""
        while True:
            passing = 0
            for turn in range(len(people)):
                enrollid = people[(first + turn) % len(people)]
                user = self.users[enrollid]
                ways = ways_of(user.credentials, user.unusable, modes)
                if not ways or not may_pass(user.lock, second):
                    continue
                passing += 1
                log = Log(enrollid, second, ways[int(chance * len(ways))], 0, 0)
                if self.logs.add(log):
                    return log
            if not passing:
                return None
            second += 1

    def _people(self) -> tuple[int, ...]:
        if self._enabled is None:
            self._enabled = tuple(enrollid for enrollid, user in self.users.items() if user.enabled)
        return self._enabled


def populate(memory: Memory, people: int, credentials: tuple[int, ...]) -> None:
    """Enrol so many invented people, as far as there is room; every tenth is an administrator, and these are
    not announced as new. Most have one of these credentials, every third all."""
    for enrollid in range(1, people + 1):
        held = credentials if enrollid % 3 == 0 else credentials[:1]
        _invent(memory, enrollid, held)


def populate_alike(memory: Memory, people: int, credentials: tuple[int, ...]) -> None:
    """As `populate`, but everybody has all of these credentials."""
    for enrollid in range(1, people + 1):
        _invent(memory, enrollid, credentials)


def _invent(memory: Memory, enrollid: int, credentials: tuple[int, ...]) -> None:
    for backupnum in credentials:
        if not memory.lacks_room(enrollid, backupnum):
            user = memory.keep(enrollid, backupnum, credential_of(enrollid, backupnum))
            user.name = name_of(enrollid)
            user.admin = 1 if enrollid % 10 == 0 else 0
