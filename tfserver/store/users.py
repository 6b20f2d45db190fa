"""People and credentials as terminals pushed them, credentials sealed (design §2.2).

Two terminals may mean different people by one enrollid, so what each pushed stands beside the other's.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from tfserver.errors import StoreError
from tfserver.model import canonical_sn
from tfserver.store.client import Client
from tfserver.store.vault import Vault

_TRIES: Final = 3


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

    async def put(
        self, sn: str, enrollid: int, profile: Profile, credential: tuple[int, str] | None, origin: Origin
    ) -> None:
        """Keep a person, and the credential ``(backupnum, record)`` if there is one."""
        key = self._client.keys.user(enrollid)
        for _ in range(_TRIES):
            wrapped = await self._client.write("HGET", key, "key") or self._vault.new_data_key(enrollid)
            backupnum, sealed = "", ""
            if credential is not None:
                text = self._vault.seal(wrapped, enrollid, *credential)
                backupnum = str(credential[0])
                sealed = msgspec.json.encode(Sealed(text, origin)).decode()
            args = [wrapped, canonical_sn(sn), msgspec.json.encode(profile), backupnum, sealed]
            if await self._client.run("user", [key], args):
                return
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
