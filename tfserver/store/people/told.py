"""What terminals told of one person, and the pictures that came with its punches: for an export of it all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec

from tfserver.store.client import Client
from tfserver.store.users import Profile, Pushed
from tfserver.store.vault import Vault

_FIELDS_A_LOOK: Final = 500
PICTURES_A_CALL: Final = 20


class Slot(NamedTuple):
    """A credential as one terminal told it; ``record`` only when it was asked for."""

    sn: str
    backupnum: int
    told: Pushed
    record: str | None


class Told:
    """What stands beside the directory."""

    def __init__(self, client: Client, vault: Vault) -> None:
        self._client = client
        self._vault = vault

    async def profiles(self, enrollid: int) -> list[tuple[str, Profile]]:
        """The person as each terminal described it, by serial number."""
        found = await self._fields(enrollid, "p:")
        return [(name[2:], msgspec.json.decode(text, type=Profile)) for name, text in sorted(found.items())]

    async def slots(self, enrollid: int) -> list[Slot]:
        """Each credential as each terminal told it, without what stands in it."""
        found = await self._fields(enrollid, "c:")
        told: list[Slot] = []
        for name, text in sorted(found.items()):
            _, backupnum, sn = name.split(":", 2)
            told.append(Slot(sn, int(backupnum), msgspec.json.decode(text, type=Pushed), None))
        return told

    async def opened(self, enrollid: int, slot: Slot) -> Slot:
        """The same with what stands in it, if it is still here."""
        key = self._client.keys.user(enrollid)
        names = ("key", f"r:{slot.backupnum}:{slot.told.version}")
        wrapped, sealed = await self._client.read("HMGET", key, *names)
        sealed = slot.told.sealed or sealed
        if wrapped is None or not sealed:
            return slot
        return slot._replace(record=self._vault.open(wrapped, enrollid, slot.backupnum, sealed))

    async def pictures(self, uids: Sequence[str]) -> list[tuple[str, str]]:
        """The pictures that came with these punches, as far as they are kept."""
        found: list[tuple[str, str]] = []
        for start in range(0, len(uids), PICTURES_A_CALL):
            part = uids[start : start + PICTURES_A_CALL]
            sealed = await self._client.read("MGET", *map(self._client.keys.image, part))
            found += [
                (uid, self._vault.open_picture(uid, one))
                for uid, one in zip(part, sealed, strict=True)
                if one
            ]
        return found

    async def _fields(self, enrollid: int, begins: str) -> dict[str, str]:
        found: dict[str, str] = {}
        cursor: Any = "0"
        while True:
            look = ("HSCAN", self._client.keys.user(enrollid), cursor, "MATCH", f"{begins}*")
            cursor, flat = await self._client.read(*look, "COUNT", _FIELDS_A_LOOK)
            found.update(zip(flat[::2], flat[1::2], strict=True))
            if str(cursor) == "0":
                return found
