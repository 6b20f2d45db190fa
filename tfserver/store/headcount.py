"""How many terminals there are in the whole fleet, summed up from what each process tells of its own."""

from __future__ import annotations

from typing import Final

import msgspec

from tfserver.metrics import FleetCounts
from tfserver.store.client import Client

GONE_MS: Final = 3_600_000
"""A terminal that was heard of once and not for this long counts as gone."""
SILENT_MS: Final = 86_400_000
"""A terminal that is online and has sent no punch for a day counts as silent."""
A_CALL: Final = 1000


class Own(msgspec.Struct, frozen=True, array_like=True):
    """What one process tells of its own terminals: online, without punches for long, with a wrong clock."""

    online: int = 0
    silent: int = 0
    suspect_clocks: int = 0


class Headcount:
    """The counts of all processes, as one of them sees them. ``owner`` names it."""

    def __init__(self, client: Client, owner: str) -> None:
        self._client = client
        self._owner = owner

    async def silent(self, sns: list[str], since_ms: int) -> int:
        """How many of these (canonical) have sent no punch since then."""
        count = 0
        for start in range(0, len(sns), A_CALL):
            part = sns[start : start + A_CALL]
            scores = await self._client.read("ZMSCORE", self._client.keys.punched, *part)
            count += sum(score is None or float(score) < since_ms for score in scores)
        return count

    async def tell(self, own: Own) -> None:
        """Put down what this process has."""
        await self._client.write("HSET", self._client.keys.headcount, self._owner, msgspec.json.encode(own))

    async def leave(self) -> None:
        """This process has none any more."""
        await self._client.write("HDEL", self._client.keys.headcount, self._owner)

    async def sum(self, now_ms: int) -> FleetCounts:
        """All of it. What processes told that are gone is forgotten."""
        keys, read = self._client.keys, self._client.read
        told = await read("HGETALL", keys.headcount)
        rows = dict(zip(told[::2], told[1::2], strict=True))
        owners = set(await read("SMEMBERS", keys.owners))
        gone = [owner for owner in rows if owner not in owners]
        if gone:
            await self._client.write("HDEL", keys.headcount, *gone)
        each = [msgspec.json.decode(row, type=Own) for owner, row in rows.items() if owner in owners]
        return FleetCounts(
            processes=len(owners),
            known=int(await read("ZCARD", keys.terminals)),
            online=sum(own.online for own in each),
            silent=sum(own.silent for own in each),
            suspect_clocks=sum(own.suspect_clocks for own in each),
            pending=int(await read("ZCARD", keys.pending)),
            quarantined=int(await read("HLEN", keys.claimants)),
            gone=int(await read("ZCOUNT", keys.heard, "-inf", now_ms - GONE_MS)),
        )
