"""A terminal that is known, and what is kept of it."""

from __future__ import annotations

from typing import Any

import msgspec

from tests.store.arrivals import NOW, TerminalsCase, arrival
from tfserver.person import Held, HeldPerson, Proof
from tfserver.store.people.holdings import Holdings
from tfserver.store.terminals import Terminals

SN = "ZXAB1"
ROOM = {"usersize": 4, "fpsize": 3, "cardsize": 3, "logsize": 100}


def read(version: str = "v1", at: int = 1) -> Held:
    """A credential that was read at a terminal."""
    return Held(Proof.READ, version, at)


def accepted(version: str = "v1", at: int = 1) -> Held:
    """A credential that a terminal took."""
    return Held(Proof.ACCEPTED, version, at)


class HoldingCase(TerminalsCase):
    """One registered terminal on a real store."""

    registry: Terminals
    holdings: Holdings

    async def known(self, sn: str = SN, **devinfo: Any) -> Holdings:
        """The face, with a terminal that has this much room."""
        self.registry = await self.terminals()
        self.holdings = Holdings(self.client)
        await self.told_again(sn, NOW, **devinfo)
        return self.holdings

    async def told_again(self, sn: str, now_ms: int, **devinfo: Any) -> None:
        """The terminal registers."""
        told = arrival(sn, approve=True, now_ms=now_ms, devinfo={**ROOM, **devinfo})
        await self.registry.register(told, f"c{now_ms}")

    async def put(self, enrollid: int, backupnum: int, held: Held | None = None, **person: Any) -> None:
        """The terminal took a credential."""
        shown = HeldPerson(ours=True, **person)
        await self.holdings.told(SN, enrollid, backupnum, held or accepted(), shown)

    async def used(self, sn: str = SN) -> dict[str, int]:
        """How much of each kind is used, of the kinds that are."""
        found = await self.registry.get(sn)
        assert found is not None
        return {kind: room.used for kind, room in found.capacity.items() if room.used}

    async def news(self) -> list[dict[str, Any]]:
        """What webhooks were told about room."""
        rows = await self.client.read("XRANGE", self.client.keys.news, "-", "+")
        told = [msgspec.json.decode(row[1][1]) for row in rows]
        return [each for each in told if each["event"] == "full"]
