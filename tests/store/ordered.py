"""Orders on a real store: put, taken and ended by several processes; time passes when a test says so."""

from __future__ import annotations

from typing import Any

import msgspec

from tests.store.arrivals import TerminalsCase
from tfserver.config import Orders as OrderSettings
from tfserver.order import Danger, Order, OrderError, OrderEvent
from tfserver.store.outbox import NewOrder, Outbox, Outcome, Taken
from tfserver.store.vault import Vault

SN = "ZXAB1"
MASTER = bytes(range(32))
TIMES = ("created", "sent", "ready", "expires")
WHY = OrderError("no reply in time")
UNLEARNED = Outcome(OrderEvent.NOT_LEARNED, error=WHY)
DONE = Outcome(OrderEvent.SAID_TRUE, {"n": 1})


def new_order(cmd: str = "gettime", **more: Any) -> NewOrder:
    """An order for an admitted terminal."""
    usual: dict[str, Any] = {
        "sn": SN,
        "args": {},
        "shown": {},
        "danger": Danger.ORDINARY,
        "subject": "",
        "ttl": 3600.0,
        "within": 20.0,
        "actor": "token 1",
    }
    return NewOrder(cmd=cmd, **{**usual, **more})


def door(cmd: str = "opendoor", **more: Any) -> NewOrder:
    """An order for a door."""
    return new_order(cmd, **{"danger": Danger.DOOR, "ttl": 30.0, "subject": "opendoor", **more})


class OutboxCase(TerminalsCase):
    """Outboxes of several processes, and a terminal that is admitted on the connection c1 of the first."""

    async def begin(self, **settings: Any) -> Outbox:
        """The outbox of the first process, with its terminal."""
        self.registry = await self.terminals()
        await self.registry.beat({})
        await self.approved(self.registry, "c1")
        return self.outbox(**settings)

    def outbox(self, owner: str = "one/1", master: bytes = MASTER, **settings: Any) -> Outbox:
        """All orders as a process sees them."""
        return Outbox(self.client, Vault(master), OrderSettings(**settings), owner)

    async def put(self, outbox: Outbox, order: NewOrder) -> str:
        """Put an order that nothing speaks against; its id."""
        found = await outbox.put(order)
        self.assertEqual(found.outcome, "put", found)
        return found.detail

    async def taken(self, outbox: Outbox, connection: str = "c1", doors: bool = False) -> Taken:
        """Take the next order; there has to be one."""
        found = (await outbox.take(SN, connection, doors)).taken
        assert found is not None, "nothing to take"
        return found

    async def end(self, outbox: Outbox, taken: Taken, outcome: Outcome, connection: str = "c1") -> None:
        """Tell what happened to an order, without taking the next."""
        await outbox.finish(SN, connection, taken, outcome, more=False)

    async def order(self, order_id: str) -> Order:
        """An order that is there."""
        found = await self.outbox().get(order_id)
        assert found is not None, "no such order"
        return found

    async def state(self, order_id: str) -> str:
        """Where an order stands."""
        return (await self.order(order_id)).state.value

    async def error(self, order_id: str) -> str:
        """Why an order did not succeed."""
        found = (await self.order(order_id)).error
        return "" if found is None else found.message

    async def hash_of(self, order_id: str) -> dict[str, str]:
        """All that is kept of an order."""
        flat = await self.client.read("HGETALL", f"tf:order:{order_id}")
        return dict(zip(flat[::2], flat[1::2], strict=True))

    async def passes(self, seconds: float, *order_ids: str) -> None:
        """As if these orders had been put, taken and looked at that much earlier."""
        for order_id in order_ids:
            kept = await self.hash_of(order_id)
            for name in TIMES:
                if name in kept:
                    earlier = round(float(kept[name]) - seconds * 1000)
                    await self.client.write("HSET", f"tf:order:{order_id}", name, earlier)
            if await self.client.write("ZSCORE", "tf:deadlines", order_id):
                await self.client.write("ZINCRBY", "tf:deadlines", -seconds * 1000, order_id)

    async def back_off(self, order_id: str) -> int:
        """Seconds from the last step of an order until it may be taken again, by the store's time."""
        [(place, _)] = await self.client.read("XREVRANGE", "tf:events", "+", "-", "COUNT", 1)
        ready = float((await self.hash_of(order_id))["ready"])
        return round((ready - int(place.partition("-")[0])) / 1000)

    async def scores(self, key: str) -> dict[str, float]:
        """A sorted set."""
        flat = await self.client.read("ZRANGE", key, 0, -1, "WITHSCORES")
        return dict(zip(flat[::2], map(float, flat[1::2]), strict=True))

    async def events(self, kind: str = "command") -> list[dict[str, Any]]:
        """What those who watch were told."""
        found = await self.client.read("XRANGE", "tf:events", "-", "+")
        pairs = [dict(zip(flat[::2], flat[1::2], strict=True)) for _, flat in found]
        return [msgspec.json.decode(fields["d"]) for fields in pairs if fields["kind"] == kind]
