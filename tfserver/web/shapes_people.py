"""How people and groups look over the API. What stands in a credential is in none of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from tfserver.credentials import Kind, label_of
from tfserver.model import rfc3339
from tfserver.person import (
    UNSURE,
    Access,
    Collision,
    Credential,
    Group,
    Held,
    HeldPerson,
    Known,
    Made,
    Proof,
    Validity,
)


class ShownCredential(msgspec.Struct, frozen=True):
    """A credential of a person: which it is, and where it was made. The same one has the same version."""

    backupnum: int
    label: str
    kind: Kind
    version: str
    bytes: int
    made: Made


class CredentialThere(msgspec.Struct, frozen=True):
    """A credential as one terminal has it: how far that is proven, since when, and the last day that somebody
    passed with it. ``same``: as in the directory; null while it is not known what stands in it."""

    backupnum: int
    label: str
    proof: Proof
    same: bool | None
    at: str
    recognised: str | None


class PersonThere(msgspec.Struct, frozen=True):
    """A person on one terminal. ``ours``: put there by this server; ``seen`` is the last day it passed there.
    Name and admin are null while they are not known."""

    sn: str
    ours: bool
    name: str | None
    admin: int | None
    seen: str | None
    credentials: list[CredentialThere]


class ShownPerson(msgspec.Struct, frozen=True, kw_only=True):
    """A person of the directory. ``collisions`` are terminals that tell something else under this number."""

    enrollid: int
    name: str
    external_id: str | None
    admin: int
    validity: Validity
    access: Access | None
    groups: tuple[str, ...]
    note: str
    source: str
    created: str
    changed: str
    version: int
    credentials: list[ShownCredential]
    collisions: tuple[Collision, ...]


class WholePerson(ShownPerson, frozen=True, kw_only=True):
    """A person, and which terminals have it."""

    terminals: list[PersonThere]


class PersonPage(msgspec.Struct, frozen=True):
    """People by number or by name; ``next`` is null at the end."""

    users: list[ShownPerson]
    next: str | None


class ShownGroup(Group, frozen=True, kw_only=True):
    """A group and how many people are in it."""

    members: int


class GroupList(msgspec.Struct, frozen=True):
    """All groups, by their names."""

    groups: list[ShownGroup]


class MemberPage(msgspec.Struct, frozen=True):
    """The numbers of people in a group, in order; ``next`` is null at the end."""

    members: list[int]
    next: str | None


class MovedMembers(msgspec.Struct, frozen=True):
    """How many came and went. ``unknown`` are not in the directory, ``full`` in as many groups as may be."""

    added: int
    removed: int
    unknown: list[int]
    full: list[int]


def shown_credential(credential: Credential) -> ShownCredential:
    """A credential for people."""
    return ShownCredential(
        credential.backupnum,
        label_of(credential.backupnum),
        credential.kind,
        credential.version,
        credential.bytes,
        credential.made,
    )


def shown_person(known: Known) -> ShownPerson:
    """A person for people."""
    return ShownPerson(**_fields(known))


def whole_person(known: Known, where: list[tuple[str, HeldPerson | None, dict[int, Held]]]) -> WholePerson:
    """The same with the terminals that have it."""
    ours = {one.backupnum: one.version for one in known.credentials}
    return WholePerson(**_fields(known), terminals=[_there(ours, *found) for found in where])


def shown_group(group: Group, members: int) -> ShownGroup:
    """A group for people."""
    return ShownGroup(**msgspec.structs.asdict(group), members=members)


def _fields(known: Known) -> dict[str, Any]:
    told = msgspec.structs.asdict(known.person)
    # folded: for comparing, not for people
    del told["was"]
    return {
        **told,
        "credentials": [shown_credential(one) for one in known.credentials],
        "collisions": known.collisions,
    }


def _there(ours: dict[int, str], sn: str, person: HeldPerson | None, slots: dict[int, Held]) -> PersonThere:
    person = person or HeldPerson()
    found = [
        CredentialThere(
            slot,
            label_of(slot),
            held.proof,
            None if held.version in ("", UNSURE) else held.version == ours.get(slot),
            rfc3339(datetime.fromtimestamp(held.at / 1000, UTC)),
            held.recognised or None,
        )
        for slot, held in sorted(slots.items())
    ]
    return PersonThere(sn, person.ours, person.name, person.admin, person.seen or None, found)
