"""A directory on a real store, and what terminals tell of people."""

from __future__ import annotations

import json
from typing import Any

from tests.store.connected import StoreCase
from tfserver.person import Group, Known, Made, Person
from tfserver.store.people.directory import Directory
from tfserver.store.people.groups import Groups
from tfserver.store.users import Origin, Profile, Users
from tfserver.store.vault import Vault

MASTER = bytes(range(32))
ORIGIN = Origin("AiFace", "1.2", "thbio3.0", "2026-04-02T08:15:04.000Z")
MADE = Made(model="AiFace", at="2026-04-02T08:15:04.000Z")


class DirectoryCase(StoreCase):
    """The faces of one process that lets people in."""

    async def begin(self, adopt: bool = True) -> Directory:
        """All faces."""
        self.client = await self.connect()
        self.vault = Vault(MASTER)
        self.users = Users(self.client, self.vault, adopt=adopt)
        self.groups = Groups(self.client)
        self.directory = Directory(self.client, self.vault)
        return self.directory

    async def told(self, sn: str, name: str, *credential: Any, enrollid: int = 7, admin: int = 0) -> None:
        """A terminal tells of a person, and of a credential ``backupnum, record``."""
        pair = (credential[0], credential[1]) if credential else None
        await self.users.put(sn, enrollid, Profile(name, admin), pair, ORIGIN)

    async def one(self, enrollid: int = 7) -> Known:
        """A person that has to be there."""
        found = await self.directory.get(enrollid)
        assert found is not None
        return found

    async def records(self, enrollid: int = 7) -> dict[int, str]:
        """What stands in the slots of a person."""
        found = {}
        for credential in (await self.one(enrollid)).credentials:
            opened = await self.directory.record(enrollid, credential.backupnum)
            assert opened is not None
            self.assertEqual(opened[1], credential)
            found[credential.backupnum] = opened[0]
        return found

    async def clashes(self, enrollid: int = 7) -> list[tuple[str, str, str, str]]:
        """Its collisions; the list of all collided says the same."""
        found = (await self.one(enrollid)).collisions
        collided = [known.person.enrollid for known in await self.directory.collided(0, 10)]
        self.assertEqual(enrollid in collided, bool(found))
        return [(clash.sn, clash.what, clash.ours, clash.theirs) for clash in found]

    async def grouped(self, *names: str) -> None:
        """Groups of these names."""
        for name in names:
            await self.groups.put(Group(name=name))

    async def fields(self, enrollid: int = 7) -> dict[str, str]:
        """The hash of a person as it stands."""
        flat = await self.client.read("HGETALL", self.client.keys.user(enrollid))
        return dict(zip(flat[::2], flat[1::2], strict=True))

    async def sealed(self, enrollid: int = 7) -> list[str]:
        """The records that are kept of a person."""
        return sorted(name for name in await self.fields(enrollid) if name.startswith("r:"))


def zoe(enrollid: int = 7, **more: Any) -> Person:
    """Somebody."""
    return Person(enrollid=enrollid, **{"name": "Zoë", **more})


def check(fields: dict[str, str]) -> None:
    """Every record that is kept is somebody's, and counted right."""
    counted: dict[str, int] = {}
    for slot, one in json.loads(fields.get("k", "{}")).items():
        counted[f"{slot}:{one['version']}"] = 1
    for name, text in fields.items():
        if name.startswith("c:"):
            place = f"{name.split(':')[1]}:{json.loads(text)['version']}"
            counted[place] = counted.get(place, 0) + 1
    assert {name[2:]: int(count) for name, count in fields.items() if name.startswith("n:")} == counted
    assert {name[2:] for name in fields if name.startswith("r:")} == set(counted)
