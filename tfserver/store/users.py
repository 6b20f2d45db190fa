"""People and credentials as terminals pushed them, credentials sealed (design §2.2).

Two terminals may mean different people by one enrollid, so what each pushed stands beside the other's.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from tfserver.errors import StoreError
from tfserver.model import canonical_sn
from tfserver.store.client import Client
from tfserver.store.masterkey import learn
from tfserver.store.room import Room
from tfserver.store.vault import Vault

_TRIES: Final = 3
LEAST_BYTES: Final = 1024
"""Of a person without a credential."""
MOST_WAITING_BYTES: Final = 16 * 1024 * 1024
"""A few of the longest messages, or ten thousand templates."""


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


class Sealed(msgspec.Struct, frozen=True):
    """A credential at rest."""

    sealed: str
    origin: Origin


class Users:
    """What terminals told about people."""

    def __init__(self, client: Client, vault: Vault) -> None:
        self._client = client
        self._vault = vault
        self._room = Room(MOST_WAITING_BYTES)

    @property
    def fullness(self) -> float:
        """How much of what may wait to be kept does, at most about 1."""
        return self._room.fullness

    async def put(
        self, sn: str, enrollid: int, profile: Profile, credential: tuple[int, str] | None, origin: Origin
    ) -> None:
        """Keep a person, and the credential ``(backupnum, record)`` if there is one."""
        with self._room.held(LEAST_BYTES if credential is None else LEAST_BYTES + len(credential[1])):
            await self._put(sn, enrollid, profile, credential, origin)

    async def _put(
        self, sn: str, enrollid: int, profile: Profile, credential: tuple[int, str] | None, origin: Origin
    ) -> None:
        key = self._client.keys.user(enrollid)
        for _ in range(_TRIES):
            wrapped = await self._client.write("HGET", key, "key") or self._vault.new_data_key(enrollid)
            backupnum, sealed = "", ""
            if credential is not None:
                text = self._vault.seal(wrapped, enrollid, *credential)
                backupnum = str(credential[0])
                sealed = msgspec.json.encode(Sealed(text, origin)).decode()
            args = [wrapped, canonical_sn(sn), msgspec.json.encode(profile), backupnum, sealed]
            kept = await self._client.keep("user", [key, self._client.keys.meta], args)
            if kept == 1:
                return
            if kept == -1:
                await learn(self._client, self._vault)
        raise StoreError(f"user {enrollid} got new data keys faster than it could be kept")

    async def is_known(self, enrollid: int) -> bool:
        """Whether any terminal has pushed this person; an order for one makes no more than a data key."""
        return bool(await self._client.write("HLEN", self._client.keys.user(enrollid)) > 1)

    async def credential(self, sn: str, enrollid: int, backupnum: int) -> tuple[str, Origin] | None:
        """Open what a terminal pushed: record and origin, or None."""
        key = self._client.keys.user(enrollid)
        field = f"c:{backupnum}:{canonical_sn(sn)}"
        wrapped, found = await self._client.read("HMGET", key, "key", field)
        if wrapped is None or found is None:
            return None
        kept = msgspec.json.decode(found, type=Sealed)
        return self._vault.open(wrapped, enrollid, backupnum, kept.sealed), kept.origin

    async def profile(self, sn: str, enrollid: int) -> Profile | None:
        """A person as this terminal pushed it, or None."""
        found = await self._client.read("HGET", self._client.keys.user(enrollid), f"p:{canonical_sn(sn)}")
        return None if found is None else msgspec.json.decode(found, type=Profile)
