"""When the lists of terminals were read last."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from twisted.internet.defer import gatherResults

from tfserver.model import canonical_sn
from tfserver.person import Reading
from tfserver.store.client import Client


class Readings:
    """The last reading of each terminal, without what was in it."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def of(self, sns: Iterable[str]) -> dict[str, Reading | None]:
        """Of these terminals, by their canonical serial numbers; None: never."""
        names = [canonical_sn(sn) for sn in sns]
        asked = [self._client.read("HGET", self._client.keys.holds(sn), "reading") for sn in names]
        found = await gatherResults(asked, consumeErrors=True)
        return {
            sn: msgspec.json.decode(text, type=Reading) if text else None
            for sn, text in zip(names, found, strict=True)
        }
