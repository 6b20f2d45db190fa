"""Groups of people: who is in them, and where they belong (docs/people.md)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import msgspec

from tfserver.errors import StoreError
from tfserver.person import Group
from tfserver.store.client import Client
from tfserver.store.people.directory import NoSuchGroup, Outdated, Undone
from tfserver.store.people.steps import Steps

MOST_GROUPS: Final = 1000
MEMBERS_A_CALL: Final = 200
"""People in a step: a millisecond or two of the store."""
MEMBERS_A_READ: Final = 5000
_TRIES: Final = 5
_FULL: Final = -1


class TooManyGroups(Undone):
    """There are as many groups as there may be."""

    def __init__(self) -> None:
        super().__init__(f"there are {MOST_GROUPS} groups, and there may be no more")


class GroupFills(Undone):
    """People came into a group that was being emptied."""

    def __init__(self, name: str) -> None:
        super().__init__(f"people come into group '{name}' while it is removed: try again")


class Moved(NamedTuple):
    """How many came and went; ``unknown`` are not in the directory, ``full`` in as many groups as may be."""

    added: int
    removed: int
    unknown: tuple[int, ...]
    full: tuple[int, ...]


class Groups:
    """All groups."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._steps = Steps(client)

    async def put(self, group: Group, expected: int | None = None) -> Group:
        """Make or replace a group; its version is set here, and what is the same already stays as it is.
        ``expected`` is the version it must have, 0 when it must be new. Raises Outdated, TooManyGroups."""
        for _ in range(_TRIES):
            before = await self._client.read("HGET", self._client.keys.groups, group.name)
            known = None if before is None else msgspec.json.decode(before, type=Group)
            version = known.version if known else 0
            if expected not in (None, version):
                raise Outdated(f"group '{group.name}'", version)
            if known is not None and known == msgspec.structs.replace(group, version=version):
                return known
            kept = msgspec.structs.replace(group, version=version + 1)
            after = msgspec.json.encode(kept).decode()
            asked = {"name": group.name, "before": before, "after": after, "most": MOST_GROUPS}
            done = await self._steps.ask("group", 0, asked)
            if done == _FULL:
                raise TooManyGroups
            if done:
                return kept
        raise StoreError(f"group {group.name} changes faster than it can be kept")

    async def get(self, name: str) -> Group | None:
        """One group, or None."""
        found = await self._client.read("HGET", self._client.keys.groups, name)
        return None if found is None else msgspec.json.decode(found, type=Group)

    async def listing(self) -> list[Group]:
        """All groups, by their names."""
        found = await self._client.read("HVALS", self._client.keys.groups)
        return sorted((msgspec.json.decode(text, type=Group) for text in found), key=lambda one: one.name)

    async def remove(self, name: str) -> bool:
        """Take everybody out of a group, some at a time, and forget it. Broken off, the group is there still,
        with fewer people. False when there is none; GroupFills when people keep coming."""
        if await self.get(name) is None:
            return False
        members = await self.members(name)
        for _ in range(_TRIES):
            await self.change_members(name, (), members)
            if await self._steps.ask("ungroup", 0, {"name": name}):
                return True
            members = await self.members(name)
        raise GroupFills(name)

    async def members(self, name: str) -> list[int]:
        """The numbers of the people in a group, in order."""
        found = list[int]()
        while True:
            page = await self.page(name, found[-1] if found else 0, MEMBERS_A_READ)
            found += page
            if len(page) < MEMBERS_A_READ:
                return found

    async def page(self, name: str, after: int, limit: int) -> list[int]:
        """The numbers of some people in a group, behind one, in order."""
        start = f"({after:019}"
        found = await self._client.read(
            "ZRANGEBYLEX", self._client.keys.members(name), start, "+", "LIMIT", 0, limit
        )
        return [int(one) for one in found]

    async def count(self, name: str) -> int:
        """How many people are in a group."""
        return (await self.counts([name]))[name]

    async def counts(self, names: Iterable[str]) -> dict[str, int]:
        """How many people are in each group."""
        wanted = list(names)
        keys = [self._client.keys.members(name) for name in wanted]
        found = await self._client.read_script("people", keys, ["", "count"])
        return dict(zip(wanted, found, strict=True))

    async def change_members(self, name: str, add: Iterable[int], remove: Iterable[int]) -> Moved:
        """Take people into a group and out of it, some at a time; doing it again is harmless. Who is in both
        lists is in it then. Raises NoSuchGroup."""
        changes = [("remove", one) for one in dict.fromkeys(remove)]
        changes += [("add", one) for one in dict.fromkeys(add)]
        moved = Moved(0, 0, (), ())
        for start in range(0, max(1, len(changes)), MEMBERS_A_CALL):
            asked: dict[str, Any] = {"group": name, "add": [], "remove": []}
            for way, enrollid in changes[start : start + MEMBERS_A_CALL]:
                asked[way].append(str(enrollid))
            answer = await self._steps.ask("members", 0, asked)
            if answer is None:
                raise NoSuchGroup(name)
            added, removed, unknown, full = answer
            moved = Moved(
                moved.added + added,
                moved.removed + removed,
                (*moved.unknown, *map(int, unknown)),
                (*moved.full, *map(int, full)),
            )
        return moved
