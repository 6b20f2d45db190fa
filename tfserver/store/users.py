"""People and credentials as terminals pushed them, credentials sealed (design §2.2).

Two terminals may mean different people by one enrollid, so what each pushed stands beside the other's; what
is new to the directory gets into it by the same step, and what contradicts it is noted there.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from tfserver.model import canonical_sn
from tfserver.person import Made, Person
from tfserver.store.client import Client
from tfserver.store.people.names import folded, plain_name
from tfserver.store.people.rows import written
from tfserver.store.people.steps import Sealing, is_person
from tfserver.store.room import Room
from tfserver.store.vault import Vault

LEAST_BYTES: Final = 1024
"""Of a person without a credential."""
MOST_WAITING_BYTES: Final = 16 * 1024 * 1024
"""A few of the longest messages, or ten thousand templates."""
_ADMINS: Final = (0, 1, 2)


class Profile(msgspec.Struct, frozen=True):
    """A person as one terminal describes it; ``extra`` is what else it sent, without records and pictures."""

    name: str
    admin: int
    extra: dict[str, Any] = {}


class Origin(msgspec.Struct, frozen=True):
    """Where a credential was made: a template fits only terminals of the same algorithm."""

    model: str
    firmware: str
    fpalgo: str
    received: str


class Pushed(msgspec.Struct, frozen=True):
    """A credential that a terminal has. What it is stands apart under its version, once for all who have it;
    with those of older releases it is ``sealed`` here."""

    origin: Origin
    version: str = ""
    sealed: str = ""


class Users:
    """What terminals told about people. With ``adopt`` it gets into the directory."""

    def __init__(self, client: Client, vault: Vault, *, adopt: bool = False) -> None:
        self._client = client
        self._vault = vault
        self._steps = Sealing(client, vault)
        self._adopt = adopt
        self._room = Room(MOST_WAITING_BYTES)

    @property
    def fullness(self) -> float:
        """How much of what may wait to be kept does, at most about 1."""
        return self._room.fullness

    async def put(
        self, sn: str, enrollid: int, profile: Profile, credential: tuple[int, str] | None, origin: Origin
    ) -> None:
        """Keep a person, and the credential ``(backupnum, record)`` if there is one. Of somebody who is being
        erased nothing is kept."""
        with self._room.held(LEAST_BYTES if credential is None else LEAST_BYTES + len(credential[1])):
            asked = self._told(canonical_sn(sn), enrollid, profile, origin)
            await self._steps.ask_with("told", enrollid, asked, credential)

    def _told(self, sn: str, enrollid: int, profile: Profile, origin: Origin) -> dict[str, Any]:
        name = plain_name(profile.name)
        asked: dict[str, Any] = {
            "sn": sn,
            "profile": msgspec.json.encode(profile).decode(),
            "name": name,
            "folded": folded(name),
            "origin": origin,
            "made": Made(sn, origin.model, origin.firmware, origin.fpalgo, origin.received),
        }
        if self._adopt and is_person(enrollid):
            admin = profile.admin if profile.admin in _ADMINS else 0
            asked["person"] = written(Person(enrollid=enrollid, admin=admin, source=sn))
        return asked

    async def is_known(self, enrollid: int) -> bool:
        """Whether this is somebody: the directory has the person, or a terminal pushed it and nobody took it
        out of the directory since. An order for one makes no more than a data key."""
        key = self._client.keys.user(enrollid)
        person, taken_out, wrapped = await self._client.write("HMGET", key, "person", "left", "key")
        if person is not None:
            return True
        fields = await self._client.write("HLEN", key)
        return taken_out is None and bool(fields > (wrapped is not None))

    async def credential(self, sn: str, enrollid: int, backupnum: int) -> tuple[str, Origin] | None:
        """Open what a terminal pushed: record and origin, or None."""
        key = self._client.keys.user(enrollid)
        field = f"c:{backupnum}:{canonical_sn(sn)}"
        wrapped, found = await self._client.read("HMGET", key, "key", field)
        if wrapped is None or found is None:
            return None
        kept = msgspec.json.decode(found, type=Pushed)
        sealed = kept.sealed or await self._client.read("HGET", key, f"r:{backupnum}:{kept.version}")
        if sealed is None:
            return None
        return self._vault.open(wrapped, enrollid, backupnum, sealed), kept.origin

    async def profile(self, sn: str, enrollid: int) -> Profile | None:
        """A person as this terminal pushed it, or None."""
        found = await self._client.read("HGET", self._client.keys.user(enrollid), f"p:{canonical_sn(sn)}")
        return None if found is None else msgspec.json.decode(found, type=Profile)
