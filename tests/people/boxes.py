"""Terminals with moods, as plans are carried out at them: no connection, no dialect, only what they keep."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tfserver.credentials import kind_of


@dataclass
class Person:
    """Somebody as a terminal really has it."""

    name: str = ""
    admin: int = 0
    slots: dict[int, str] = field(default_factory=dict)
    lock: dict[str, Any] = field(default_factory=dict)


@dataclass
class Box:
    """A terminal. ``refuses`` and ``forgets`` are people of whom it takes nothing: it says so, or says true.
    ``silent`` is how many commands it leaves unanswered next, after it did them; ``unsure`` are people of
    whom nobody may know how they are called there since."""

    sn: str
    sizes: dict[str, int]
    people: dict[int, Person] = field(default_factory=dict)
    refuses: set[int] = field(default_factory=set)
    forgets: set[int] = field(default_factory=set)
    silent: int = 0
    done: list[str] = field(default_factory=list)
    online: bool = True
    has_lied: bool = False
    unsure: set[int] = field(default_factory=set)

    def used(self) -> dict[str, int]:
        """How much of each kind is taken."""
        found = dict.fromkeys(self.sizes, 0)
        found["user"] = len(self.people)
        for person in self.people.values():
            for n in person.slots:
                found[kind_of(n).value] += 1
        return found

    def obey(self, cmd: str, args: dict[str, Any]) -> tuple[bool, dict[str, Any]]:
        """Do a command as a real one would: whether it says true, and what it tells."""
        enrollid = args.get("enrollid", 0)
        if enrollid in self.refuses:
            return False, {}
        done: tuple[bool, dict[str, Any]] = getattr(self, f"_{cmd}")(enrollid, args)
        self.done.append(f"{cmd} {enrollid}")
        return done

    def _getuserlist(self, _: int, args: dict[str, Any]) -> tuple[bool, dict[str, Any]]:
        return True, {}

    def _getuserinfo(self, enrollid: int, args: dict[str, Any]) -> tuple[bool, dict[str, Any]]:
        person = self.people.get(enrollid)
        if person is None or args["backupnum"] not in person.slots:
            return False, {}
        return True, {"name": person.name, "admin": person.admin, "record": person.slots[args["backupnum"]]}

    def _setuserinfo(self, enrollid: int, args: dict[str, Any]) -> tuple[bool, dict[str, Any]]:
        if enrollid in self.forgets:
            return True, {}
        person = self.people.get(enrollid, Person())
        person = Person(args["name"], args["admin"], dict(person.slots), person.lock)
        person.slots[args["backupnum"]] = str(args["record"])
        used = Box(self.sn, self.sizes, {**self.people, enrollid: person}).used()
        if any(used[kind] > size for kind, size in self.sizes.items()):
            # only one that did not remove what it said it removed may be told more than it takes
            assert self.has_lied, f"{self.sn} is overfilled: {used}"
            return False, {}
        self.people[enrollid] = person
        return True, {}

    def _deleteuser(self, enrollid: int, args: dict[str, Any]) -> tuple[bool, dict[str, Any]]:
        if enrollid in self.forgets:
            self.has_lied = True
            return True, {}
        person, n = self.people.get(enrollid), args["backupnum"]
        if person is not None:
            for slot in list(person.slots):
                if n == 13 or slot == n or (n == 12 and slot < 10):
                    del person.slots[slot]
            if not person.slots:
                del self.people[enrollid]
        return True, {}

    def _setusername(self, _: int, args: dict[str, Any]) -> tuple[bool, dict[str, Any]]:
        if any(
            row["enrollid"] not in self.people or row["enrollid"] in self.refuses for row in args["record"]
        ):
            return False, {}
        for row in args["record"]:
            self.people[row["enrollid"]].name = row["name"]
        return True, {}

    def _setuserlock(self, _: int, args: dict[str, Any]) -> tuple[bool, dict[str, Any]]:
        if any(
            row["enrollid"] not in self.people or row["enrollid"] in self.refuses for row in args["record"]
        ):
            return False, {}
        for row in args["record"]:
            self.people[row["enrollid"]].lock = row
        return True, {}

    def _deleteuserlock(self, enrollid: int, args: dict[str, Any]) -> tuple[bool, dict[str, Any]]:
        if enrollid in self.people:
            self.people[enrollid].lock = {}
        return True, {}
