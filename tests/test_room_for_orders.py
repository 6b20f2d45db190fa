"""Orders for a terminal that is full: refused with the arithmetic, places given up at each end."""

from __future__ import annotations

from typing import Any

from twisted.internet import defer, reactor

from tests.store.arrivals import NOW, arrival
from tests.store.ordered import OutboxCase
from tfserver import commands
from tfserver.backfilling import Backfilling
from tfserver.commander import Commander, NoRoom, NotNow, Wanted
from tfserver.config import Settings
from tfserver.metrics import Metrics
from tfserver.model import Admission
from tfserver.order import Order, OrderError, OrderEvent
from tfserver.person import Held, HeldPerson, Proof
from tfserver.store.backfills import Backfills
from tfserver.store.outbox import NewOrder, Outcome, Put
from tfserver.store.people.holdings import Holdings

assert commands.__path__, "importing the vocabulary fills the tables"
SN = "ZXAB1"
DONE = Outcome(OrderEvent.SAID_TRUE, {})
REFUSED = Outcome(OrderEvent.SAID_FALSE, error=OrderError("no"))
UNKNOWN = Outcome(OrderEvent.NOT_LEARNED, error=OrderError("silence"))


class RoomCase(OutboxCase):
    """A commander on a real store, and a terminal that takes one fingerprint."""

    async def prepare(self) -> None:
        """All that is needed."""
        self.box = await self.begin()
        devinfo = {"usersize": 9, "fpsize": 1}
        again = arrival(SN, approve=True, now_ms=NOW + 9000, devinfo=devinfo)
        await self.registry.register(again, "room")
        self.holdings, settings = Holdings(self.client), Settings()
        backfilling = Backfilling(reactor, self.box, Backfills(self.client), settings)
        faces: tuple[Any, ...] = (self.box, self.registry, settings, backfilling, Metrics(), self.holdings)
        self.commander = Commander(reactor, *faces)

    async def asked(self, enrollid: int, cmd: str = "setuserinfo", **more: Any) -> Order:
        """Order a fingerprint there."""
        record = {"record": "c51b"} if cmd == "setuserinfo" else {}
        fields = {"enrollid": enrollid, "backupnum": 0, **record}
        return await self.commander.order(Wanted(SN, cmd, fields, "token 1", True, **more))

    async def ends(self, order: Order, outcome: Outcome) -> None:
        """The terminal's connection takes it, and tells what came of it."""
        taken = await self.taken(self.box, "room")
        self.assertEqual(taken.id, order.id)
        await self.end(self.box, taken, outcome, "room")

    async def is_full(self) -> bool:
        """Whether one more is refused."""
        try:
            other = await self.asked(99)
        except NoRoom as why:
            self.assertIn(f"terminal {SN} takes 1 fingerprint, has ", str(why))
            return True
        await self.commander.cancel(other.id, "token 1")
        return False


class RoomTests(RoomCase):
    """Ends of orders, and what they leave."""

    async def test_a_place_for_one(self) -> None:
        """While an order is open there is no place for another; taken back it leaves its place."""
        await self.prepare()
        made = await self.asked(7)
        self.assertTrue(await self.is_full())
        await self.commander.cancel(made.id, "token 1")
        self.assertFalse(await self.is_full())

    async def test_refused(self) -> None:
        """What the terminal did not take needs no place."""
        await self.prepare()
        await self.ends(await self.asked(7), REFUSED)
        self.assertFalse(await self.is_full())

    async def test_refused_at_last(self) -> None:
        """One that was said before without an answer may be there, whatever comes of it later."""
        await self.prepare()
        made = await self.asked(7)
        await self.ends(made, UNKNOWN)
        await self.passes(60, made.id)
        await self.ends(made, REFUSED)
        self.assertEqual(await self.state(made.id), "refused")
        self.assertTrue(await self.is_full())

    async def test_done(self) -> None:
        """What it took is there; the same person can be put again."""
        await self.prepare()
        made = await self.asked(7)
        await self.holdings.told(SN, 7, 0, Held(Proof.ACCEPTED, "v", 1), HeldPerson(ours=True))
        await self.ends(made, DONE)
        self.assertTrue(await self.is_full())
        await self.asked(7)
        self.assertEqual(await self.holdings.rooms.coming(SN), {})

    async def test_expired(self) -> None:
        """One that waited until its seconds were over leaves its place, whoever ends it."""
        await self.prepare()
        made = await self.asked(7)
        await self.passes(90_000, made.id)
        await self.box.sweep()
        self.assertEqual(await self.state(made.id), "expired")
        self.assertFalse(await self.is_full())

    async def test_unknown(self) -> None:
        """Where nobody knows, the place stays until the terminal was read."""
        await self.prepare()
        made = await self.asked(7, "adduser")
        await self.ends(made, UNKNOWN)
        self.assertTrue(await self.is_full())
        await self.holdings.listed(SN, [], 5)
        self.assertFalse(await self.is_full())

    async def test_enrolling(self) -> None:
        """Who begins to enrol at the terminal needs the place after the order's end."""
        await self.prepare()
        await self.ends(await self.asked(7, "adduser"), DONE)
        self.assertTrue(await self.is_full())

    async def test_killed_before_it_is_put(self) -> None:
        """A place whose order was never put, as the process died, is free again after a minute; that of an
        order lives as long as that."""
        await self.prepare()
        died, put = OSError("killed"), self.box.put
        self.patch(self.box, "put", lambda order: defer.fail(died))
        await self.fails(self.asked(7), OSError)
        self.assertTrue(await self.is_full())
        await self.a_minute_passes()
        self.patch(self.box, "put", put)
        await self.asked(7)
        await self.a_minute_passes()
        self.assertTrue(await self.is_full())

    async def test_too_late_for_its_place(self) -> None:
        """An order that is put when its place was given up is refused: somebody else may have it by now."""
        await self.prepare()
        put = self.box.put

        async def late(order: NewOrder) -> Put:
            """It takes a minute until the store gets it."""
            await self.a_minute_passes()
            return await put(order)

        self.patch(self.box, "put", late)
        await self.fails(self.asked(7), NotNow)
        self.assertEqual(await self.holdings.rooms.coming(SN), {})

    async def a_minute_passes(self) -> None:
        """As if all places had been reserved that much earlier."""
        key = self.client.keys.reserved(SN)
        for member in await self.client.read("ZRANGE", key, 0, -1):
            await self.client.write("ZINCRBY", key, -60_001, member)

    async def test_what_is_not_put_keeps_nothing(self) -> None:
        """An order that comes again under its key, or is refused, has no place of its own."""
        await self.prepare()
        made = await self.asked(7, key="k")
        self.assertEqual((await self.asked(7, key="k")).id, made.id)
        await self.commander.cancel(made.id, "token 1")
        self.assertFalse(await self.is_full())
        await self.registry.decide(SN, Admission.DENIED)
        await self.fails(self.asked(8), NotNow)
        await self.registry.decide(SN, Admission.APPROVED)
        self.assertFalse(await self.is_full())
