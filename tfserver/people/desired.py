"""Who belongs on which terminal, and with which rights (docs/people.md).

Somebody belongs on a terminal when one of its groups chooses it and its time there has begun and is not over.
Of several such groups the first by name counts, for access the first that says something. Its own access wins
over the group's; its validity is what both allow, so that whom a group lets in for a year can't stay for two.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from tfserver.locks import ALWAYS, UNLOCKED, lock_fields
from tfserver.model import Terminal, canonical_sn
from tfserver.person import NO_END, Access, Collision, Credential, Group, Known, Person, Validity
from tfserver.plan import Lock

_DATE: Final = 10
"""Characters of a day alone."""


class Wanted(msgspec.Struct, frozen=True):
    """Somebody as a terminal is to have it; no ``lock``: it may always pass."""

    person: Person
    credentials: tuple[Credential, ...] = ()
    collisions: tuple[Collision, ...] = ()
    lock: Lock | None = None


class Chooser:
    """Which terminals a group chooses, for whoever asks of many: it may name ten thousand of them."""

    def __init__(self, group: Group) -> None:
        self._group = group
        self._tags = frozenset(group.tags)
        self._named = frozenset(map(canonical_sn, group.terminals))

    def takes(self, terminal: Terminal) -> bool:
        """Whether the people of the group belong on a terminal."""
        return (
            self._group.everywhere
            or (bool(terminal.site) and terminal.site in self._group.sites)
            or not self._tags.isdisjoint(terminal.tags)
            or canonical_sn(terminal.sn) in self._named
        )


def chooses(group: Group, terminal: Terminal) -> bool:
    """Whether the people of a group belong on a terminal."""
    return Chooser(group).takes(terminal)


def choosing(groups: Iterable[Group], terminal: Terminal) -> dict[str, Group]:
    """The groups that choose a terminal, by their names and in that order."""
    found = {group.name: group for group in groups if chooses(group, terminal)}
    return dict(sorted(found.items()))


def wanted_at(
    terminal: Terminal, groups: Iterable[Group], people: Iterable[Known], local: str
) -> dict[int, Wanted]:
    """Who belongs on a terminal at this moment of its clock (``YYYY-MM-DD HH:MM:SS``), by number."""
    chosen = choosing(groups, terminal)
    found = ((known.person.enrollid, wanted_of(known, chosen, local)) for known in people)
    return {enrollid: wanted for enrollid, wanted in found if wanted is not None}


def wanted_of(known: Known, chosen: dict[str, Group], local: str) -> Wanted | None:
    """Somebody as a terminal is to have it that these groups choose; None: it does not belong there."""
    person = known.person
    mine = [chosen[name] for name in sorted(person.groups) if name in chosen]
    allowed = [(group, *_allowed(person.validity, group)) for group in mine]
    current = [one for one in allowed if one[1] <= local <= one[2]]
    if not current:
        return None
    _, begin, end = current[0]
    access = person.access or next((group.access for group, *_ in current if group.access is not None), None)
    return Wanted(person, known.credentials, known.collisions, _lock(access, begin, end))


def _allowed(own: Validity, group: Group) -> tuple[str, str]:
    """From when until when both allow."""
    bounds = (own, group.validity)
    begin = max([ALWAYS, *(_begin(one.begin) for one in bounds if one.begin)])
    return begin, min([NO_END, *(_end(one.end) for one in bounds if one.end)])


def _begin(text: str) -> str:
    return f"{text} 00:00:00" if len(text) == _DATE else text


def _end(text: str) -> str:
    return f"{text} 23:59:59" if len(text) == _DATE else text


def _lock(access: Access | None, begin: str, end: str) -> Lock | None:
    if access is None and (begin, end) == (ALWAYS, NO_END):
        return None
    lock = Lock(**lock_fields(access, Validity(begin, end)))
    return None if lock.digest == UNLOCKED else lock
