"""Terminals that arrive, with as little to say as a test needs."""

from __future__ import annotations

from typing import Any

import msgspec

from tests.store.connected import StoreCase
from tfserver.config import Admission as AdmissionSettings
from tfserver.model import Admission, Identity, Registration
from tfserver.store.client import Client
from tfserver.store.terminals import Arrival, Lease, Terminals

NOW = 1_775_000_000_000


def arrival(sn: str = "ZXAB1", cpusn: str = "c1", mac: str = "m1", **more: Any) -> Arrival:
    """A terminal whose clock is not known, under the policy approve."""
    usual: dict[str, Any] = {"ahead_ms": None, "now_ms": NOW, "approve": False, "devinfo": {"modelname": "x"}}
    told = {"address": "192.0.2.7", **usual, **more}
    told["devinfo"] = msgspec.json.encode(told["devinfo"])
    return Arrival(sn, Identity(cpusn, mac), **told)


class TerminalsCase(StoreCase):
    """Registries of one or more processes."""

    async def terminals(self, owner: str = "one/1", **more: Any) -> Terminals:
        """The registry as a new process sees it."""
        self.client: Client = await self.connect()
        return Terminals(self.client, AdmissionSettings(**more), owner)

    async def approved(self, terminals: Terminals, connection: str, **more: Any) -> Registration:
        """Register a terminal that is approved at once."""
        found = await terminals.register(arrival(approve=True, **more), connection)
        self.assertIs(found.admission, Admission.APPROVED)
        return found

    async def lost(self, terminals: Terminals, *held: tuple[str, str]) -> list[str]:
        """Of these serial numbers and connections, the connections that lost their lease."""
        return [lost.connection for lost in await terminals.lost_leases([Lease(*pair) for pair in held])]

    async def raw(self, sn: str = "ZXAB1") -> dict[str, str]:
        """The hash of a terminal."""
        flat = await self.client.read("HGETALL", f"tf:terminal:{sn}")
        return dict(zip(flat[::2], flat[1::2], strict=True))
