"""Whose turn it is at each terminal, so that two plans never change the same one at the same time."""

from __future__ import annotations

from typing import Any

from tfserver.model import canonical_sn
from tfserver.store.client import Client


class Turns:
    """Who has the turn, by terminals. ``kind`` is what it is a turn to do."""

    def __init__(self, client: Client, kind: str) -> None:
        self._client = client
        self._name = client.keys.errand_holders(kind)

    async def of(self, sn: str) -> str:
        """Who has it; empty when nobody does."""
        found: str | None = await self._client.read("HGET", self._name, canonical_sn(sn))
        return found or ""

    async def take(self, sn: str, who: str, instead_of: str = "") -> str:
        """Take the turn if nobody has it, or only the one who is known to be over; who has it now."""
        found: str = await self._run("take", canonical_sn(sn), who, instead_of)
        return found

    async def leave(self, sn: str, who: str) -> bool:
        """Let the next have it; False when it was another's."""
        return bool(await self._run("leave", canonical_sn(sn), who))

    async def _run(self, *args: Any) -> Any:
        return await self._client.run("turns", [self._name], list(args))
