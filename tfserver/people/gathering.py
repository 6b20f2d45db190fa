"""What plans are made from, read from the store: who is in which group, and who of them belongs where."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from twisted.internet import task

from tfserver.model import Terminal
from tfserver.people.desired import Wanted, choosing, wanted_of
from tfserver.people.means import Means
from tfserver.person import Group, Holding, Known
from tfserver.store.people.directory import PEOPLE_A_CALL, Directory

A_STRETCH: Final = 100
"""People that are looked at before others have their turn: a millisecond or two."""
A_FEW: Final = 10
"""Groups: each is held against up to two thousand terminals."""


class Company:
    """The people of some groups, read once for many terminals."""

    def __init__(self, reactor: Any, groups: Mapping[str, Group], directory: Directory) -> None:
        self.groups = groups
        self._reactor = reactor
        self._directory = directory
        self._people: dict[int, Known] = {}
        self._of: dict[str, list[int]] = {}

    async def read(self, numbers: Iterable[int]) -> None:
        """Read these people, some at a time."""
        left = sorted(numbers)
        for start in range(0, len(left), PEOPLE_A_CALL):
            for known in await self._directory.many(left[start : start + PEOPLE_A_CALL]):
                self._people[known.person.enrollid] = known
                for name in known.person.groups:
                    if name in self.groups:
                        self._of.setdefault(name, []).append(known.person.enrollid)

    async def wanted_at(self, terminal: Terminal, local: str) -> dict[int, Wanted]:
        """Who belongs on a terminal at this moment of its clock."""
        chosen = choosing(self.groups.values(), terminal)
        numbers = sorted({enrollid for name in chosen for enrollid in self._of.get(name, ())})
        found: dict[int, Wanted] = {}
        for start in range(0, len(numbers), A_STRETCH):
            if start:
                await task.deferLater(self._reactor, 0)
            for enrollid in numbers[start : start + A_STRETCH]:
                wanted = wanted_of(self._people[enrollid], chosen, local)
                if wanted is not None:
                    found[enrollid] = wanted
        return found

    async def others(self, holding: Holding, wanted: Mapping[int, Wanted]) -> dict[int, Known]:
        """People that this server put on a terminal and that do not belong there any more."""
        ours = [one for one, person in holding.people.items() if person.ours and one not in wanted]
        found = {one: self._people[one] for one in ours if one in self._people}
        missing = await self._directory.many([one for one in ours if one not in self._people])
        return found | {known.person.enrollid: known for known in missing}


async def company(means: Means, counts: Callable[[Group], bool]) -> Company:
    """The people of all groups that count."""
    chosen: dict[str, Group] = {}
    for n, group in enumerate(await means.groups.listing(), 1):
        if n % A_FEW == 0:
            await task.deferLater(means.reactor, 0)
        if counts(group):
            chosen[group.name] = group
    numbers: set[int] = set()
    for name in chosen:
        numbers.update(await means.groups.members(name))
    found = Company(means.reactor, chosen, means.directory)
    await found.read(numbers)
    return found
