"""The directory of people: one person under one number on all terminals (docs/people.md).

What terminals push gets in by ``store/users.py``; both change a person in steps of ``scripts/person`` only.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from tfserver.credentials import label_of
from tfserver.errors import StoreError
from tfserver.model import canonical_sn
from tfserver.person import Credential, Known, Made, Person
from tfserver.store.client import Client
from tfserver.store.people.names import folded, plain_name
from tfserver.store.people.rows import credentials_of, known_of, written
from tfserver.store.people.steps import ERASED, SLOTS, Sealing, is_person
from tfserver.store.vault import Vault

PEOPLE_A_CALL: Final = 200
"""People in a call: about a millisecond of the store."""
_TRIES: Final = 5
_NO_PERSON: Final = -3


class Undone(Exception):
    """Why the directory does not take something."""


class ExternalIdTaken(Undone):
    """Somebody else has this external id. It is not told which: refusals stand in the audit, and there it
    would outlive that person."""

    def __init__(self, enrollid: int) -> None:
        super().__init__(f"this external id is that of person {enrollid}")
        self.enrollid = enrollid


class Outdated(Undone):
    """A person or a group was changed since whoever asks has looked; version 0: it is not there."""

    def __init__(self, what: str, version: int) -> None:
        there = f"has version {version} by now" if version else "is not there"
        super().__init__(f"{what} {there}: look again")
        self.version = version


class BeingErased(Undone):
    """The person is being erased, and nothing of it is kept until that is done."""

    def __init__(self, enrollid: int) -> None:
        super().__init__(f"person {enrollid} is being erased: nothing is kept of it until that is done")


class NoSuchPerson(Undone):
    """The directory does not know this person."""

    def __init__(self, enrollid: int) -> None:
        super().__init__(f"no person has the number {enrollid}")


class NoSuchGroup(Undone):
    """There is no group of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"no group is called '{name}'")
        self.name = name


class Directory:
    """The people, and their credentials sealed under each one's data key."""

    def __init__(self, client: Client, vault: Vault) -> None:
        self._client = client
        self._vault = vault
        self._steps = Sealing(client, vault)

    async def put(self, person: Person, expected: int | None = None) -> Person:
        """Make or replace a person; ``expected`` is the version it must have, 0 when it must be new. Version,
        ``created``, ``changed`` and ``was`` are set here; what is the same already stays as it is.

        Raises ExternalIdTaken, Outdated, BeingErased, NoSuchGroup; ValueError for a number that is nobody's.
        """
        if not is_person(person.enrollid):
            raise ValueError(f"{person.enrollid} is nobody's number")
        name, groups = plain_name(person.name), tuple(sorted(set(person.groups)))
        person = msgspec.structs.replace(
            person, name=name, groups=groups, external_id=person.external_id or None
        )
        asked = {
            "person": written(person),
            "name": name,
            "folded": folded(name),
            "external": person.external_id,
            "groups": " ".join(groups),
            "expected": expected,
        }
        answer, *found = await self._steps.ask("put", person.enrollid, asked)
        if answer != "ok":
            raise _refusal(person, answer, found)
        version, created, changed, was = found
        return msgspec.structs.replace(
            person, version=int(version), created=created, changed=changed, was=was
        )

    async def get(self, enrollid: int) -> Known | None:
        """One person, or None."""
        found = await self.many([enrollid])
        return found[0] if found else None

    async def many(self, enrollids: Iterable[int]) -> list[Known]:
        """Several people, in the order they are asked for; those that are not there are left out."""
        wanted, found = list(enrollids), list[Known]()
        for start in range(0, len(wanted), PEOPLE_A_CALL):
            found += await self._read(self._client.keys.people, "many", wanted[start : start + PEOPLE_A_CALL])
        return found

    async def page(self, after: int, limit: int, group: str = "") -> list[Known]:
        """People by their numbers, behind one; of a group alone, if one is named."""
        keys = self._client.keys
        return await self._page(keys.members(group) if group else keys.people, after, limit)

    async def collided(self, after: int, limit: int) -> list[Known]:
        """People of whom a terminal tells something else than the directory, by their numbers."""
        return await self._page(self._client.keys.collisions, after, limit)

    async def find(self, prefix: str, after: str, limit: int) -> tuple[list[Known], str | None]:
        """People whose names begin so, whatever the case, by name; and where the next page begins, None at
        the end. ValueError for a place that is none."""
        rows, entry, start = list[list[str]](), _entry(after), folded(prefix)
        while len(rows) <= limit:
            many = min(PEOPLE_A_CALL, limit + 1 - len(rows))
            found = await self._rows(self._client.keys.names, "find", [start, entry, many])
            rows += found
            if len(found) < many:
                break
            entry = rows[-1][-1]
        people = [known_of(row) for row in rows[:limit]]
        if len(rows) <= limit:
            return people, None
        last = rows[limit - 1][-1].encode()
        return people, base64.urlsafe_b64encode(last).decode().rstrip("=")

    async def by_external_id(self, text: str) -> int | None:
        """Whose external id this is, or None."""
        found = await self._client.read("HGET", self._client.keys.external_ids, text)
        return None if found is None else int(found)

    async def count(self) -> int:
        """How many people there are."""
        found: int = await self._client.read("ZCARD", self._client.keys.people)
        return found

    async def remove(self, enrollid: int) -> bool:
        """Forget a person, here; what terminals told of it stays, and does not bring it back unless they tell
        something new. False when there was none."""
        return bool(await self._steps.ask("remove", enrollid, {}))

    async def put_credential(self, enrollid: int, backupnum: int, record: str, made: Made) -> Credential:
        """Give a person a credential, in the place of one that is in the slot. Raises NoSuchPerson,
        BeingErased, ValueError for a slot that nobody defined."""
        if backupnum not in SLOTS:
            raise ValueError(f"{backupnum} is no slot")
        answer = await self._steps.ask_with("credential", enrollid, {"made": made}, (backupnum, record))
        if answer == ERASED:
            raise BeingErased(enrollid)
        if answer == _NO_PERSON:
            raise NoSuchPerson(enrollid)
        return Credential(backupnum, self._vault.version_of(record), made, len(record))

    async def remove_credential(self, enrollid: int, backupnum: int) -> bool:
        """Take a credential away, here; the same does not come back from a terminal. False when there was
        none."""
        return bool(await self._steps.ask("uncredential", enrollid, {"slot": str(backupnum)}))

    async def record(self, enrollid: int, backupnum: int) -> tuple[str, Credential] | None:
        """Open a credential, or None. What comes back is for a terminal, or for who may have templates."""
        key = self._client.keys.user(enrollid)
        for _ in range(_TRIES):
            text = await self._client.read("HGET", key, "k")
            found = next((one for one in credentials_of(text or "") if one.backupnum == backupnum), None)
            if found is None:
                return None
            wrapped, sealed = await self._client.read("HMGET", key, "key", f"r:{backupnum}:{found.version}")
            if wrapped is not None and sealed is not None:
                return self._vault.open(wrapped, enrollid, backupnum, sealed), found
            # it was replaced meanwhile
        raise StoreError(f"credential {enrollid}/{backupnum} changes faster than it can be read")

    async def adopt(self, enrollid: int, sn: str) -> bool:
        """This terminal is right: its name, admin level and credentials are the person's. When it means
        somebody else, credentials that it does not have go. False when it never told of the person. Raises
        BeingErased."""
        if not is_person(enrollid):
            return False
        sn = canonical_sn(sn)
        for _ in range(_TRIES):
            profile = await self._client.read("HGET", self._client.keys.user(enrollid), f"p:{sn}")
            if profile is None:
                return False
            known = await self.get(enrollid)
            before = known.person if known else Person(enrollid=enrollid, source=sn)
            answer = await self._steps.ask("adopt", enrollid, _adopted(before, sn, profile))
            if answer == ERASED:
                raise BeingErased(enrollid)
            if answer >= 0:
                return bool(answer)
        raise StoreError(f"person {enrollid} changes faster than it can be adopted")

    async def _page(self, key: str, after: int, limit: int) -> list[Known]:
        found = list[Known]()
        place = str(after) if after > 0 else ""
        while len(found) < limit:
            many = min(PEOPLE_A_CALL, limit - len(found))
            rows = await self._read(key, "page", [place, many])
            found += rows
            if len(rows) < many:
                break
            place = str(rows[-1].person.enrollid)
        return found

    async def _read(self, key: str, verb: str, args: Sequence[Any]) -> list[Known]:
        return [known_of(row) for row in await self._rows(key, verb, args)]

    async def _rows(self, key: str, verb: str, args: Sequence[Any]) -> list[list[str]]:
        users = self._client.keys.user(0)[:-1]
        found: list[list[str]] = await self._client.read_script("people", [key], [users, verb, *args])
        return found


def _refusal(person: Person, answer: str, found: list[Any]) -> Undone:
    if answer == "taken":
        return ExternalIdTaken(int(found[0]))
    if answer == "outdated":
        return Outdated(f"person {person.enrollid}", int(found[0]))
    return NoSuchGroup(found[0]) if answer == "group" else BeingErased(person.enrollid)


def _adopted(before: Person, sn: str, profile: str) -> dict[str, Any]:
    told = msgspec.json.decode(profile)
    name = plain_name(told["name"]) or before.name
    admin = told["admin"] if told["admin"] in (0, 1, 2) else before.admin
    return {
        "sn": sn,
        "profile": profile,
        "version": before.version,
        "name": name,
        "folded": folded(name),
        "person": written(msgspec.structs.replace(before, admin=admin)),
        "slots": [str(slot) for slot in SLOTS],
        "labels": [label_of(slot) for slot in SLOTS],
    }


def _entry(after: str) -> str:
    """The entry of the index that a place stands for."""
    try:
        return base64.b64decode(after + "=" * (-len(after) % 4), b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as wrong:
        raise ValueError("not a place in the list") from wrong
