"""Data keys of people as orders need them: remembered a while, for many orders are for the same people."""

from __future__ import annotations

from typing import Final

from tfserver.store.client import Client
from tfserver.store.masterkey import learn
from tfserver.store.vault import Vault

_SECONDS: Final = 60.0
_MOST: Final = 10_000


class DataKeys:
    """The wrapped data keys that a process knows. The store looks whether a remembered one is valid."""

    def __init__(self, client: Client, vault: Vault) -> None:
        self._client = client
        self._vault = vault
        self._kept: dict[int, str] = {}
        self._since = 0.0

    async def of(self, enrollid: int) -> tuple[str, bool]:
        """A person's data key, and whether it is new."""
        now = self._client.reactor.seconds()
        if now - self._since > _SECONDS or len(self._kept) >= _MOST:
            self._kept, self._since = {}, now
        if enrollid in self._kept:
            return self._kept[enrollid], False
        found: str | None = await self._client.write("HGET", self._client.keys.user(enrollid), "key")
        if found is None:
            return self._vault.new_data_key(enrollid), True
        self._kept[enrollid] = found
        return found, False

    async def refused(self, enrollid: int, why: str) -> None:
        """The store has another, or with ``master`` another master key seals by now: look again."""
        self._kept.pop(enrollid, None)
        if why == "master":
            await learn(self._client, self._vault)
