"""People as they stand in the store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from tfserver.person import Access, Collision, Credential, Known, Made, Person, Validity


class _Plain(msgspec.Struct, frozen=True, omit_defaults=True):
    """What of a person no index knows."""

    admin: int = 0
    validity: Validity = Validity()
    access: Access | None = None
    note: str = ""
    source: str = "api"


class _Kept(msgspec.Struct, frozen=True):
    version: str
    bytes: int
    made: Made


class _Clash(msgspec.Struct, frozen=True):
    sn: str
    what: str
    theirs: str
    at: str


_PLAIN: Final = msgspec.json.Decoder(_Plain)
_KEPT: Final = msgspec.json.Decoder(dict[int, _Kept])
_CLASHES: Final = msgspec.json.Decoder(dict[str, _Clash])


def written(person: Person) -> str:
    """A person as text, without what stands in fields of its own."""
    plain = _Plain(person.admin, person.validity, person.access, person.note, person.source)
    return msgspec.json.encode(plain).decode()


def known_of(row: Sequence[str]) -> Known:
    """A row of ``scripts/people.lua``."""
    enrollid, plain, name, external, groups, version, created, changed = row[:8]
    credentials, collisions, was = row[8:11]
    told = _PLAIN.decode(plain)
    person = Person(
        enrollid=int(enrollid),
        name=name,
        external_id=external or None,
        admin=told.admin,
        validity=told.validity,
        access=told.access,
        groups=tuple(groups.split()),
        note=told.note,
        source=told.source,
        created=created,
        changed=changed,
        version=int(version),
        was=was,
    )
    return Known(person, credentials_of(credentials), _collisions_of(collisions, name))


def credentials_of(text: str) -> tuple[Credential, ...]:
    """The credentials of a person, by their slots."""
    kept = _KEPT.decode(text) if text else {}
    return tuple(Credential(slot, one.version, one.made, one.bytes) for slot, one in sorted(kept.items()))


def _collisions_of(text: str, ours: str) -> tuple[Collision, ...]:
    kept = _CLASHES.decode(text) if text else {}
    return tuple(Collision(one.sn, one.what, ours, one.theirs, one.at) for _, one in sorted(kept.items()))
