"""Deadlines on a real store: every process ends what is past them, whoever it belonged to (design §3.1)."""

from __future__ import annotations

from tests.store.ordered import DONE, SN, OutboxCase, door, new_order
from tfserver.order import Danger
from tfserver.store.outbox import SWEPT_A_CALL, Look

WITHIN = 20.0
SENT_FOR_LONG = WITHIN + 20 + 5
"""Seconds after which an order that is carried out counts as lost: a fence before it, and some grace."""


class SweepTests(OutboxCase):
    """Any process, also one that never saw the terminal."""

    async def swept(self) -> None:
        """Another process sweeps."""
        await self.outbox("two/1").sweep()

    async def test_waited_too_long(self) -> None:
        """A queued order ends when its seconds are over, not before."""
        outbox = await self.begin()
        order_id = await self.put(outbox, new_order(ttl=60.0))
        await self.passes(50, order_id)
        await self.swept()
        self.assertEqual(await self.state(order_id), "queued")
        await self.passes(10, order_id)
        await self.swept()
        self.assertEqual(await self.state(order_id), "expired")
        self.assertIn("until its seconds were over", await self.error(order_id))

    async def test_owner_is_gone(self) -> None:
        """What a process carried out that is gone: tried again where that is harmless, else unknown."""
        outbox = await self.begin()
        found: dict[Danger, str] = {}
        for danger in Danger:
            found[danger] = await self.put(outbox, new_order(danger=danger, within=WITHIN))
            await self.taken(outbox)
        await self.passes(3600 + 5, found[Danger.DOOR])
        for danger in (Danger.ORDINARY, Danger.ONCE, Danger.DESTRUCTIVE):
            await self.passes(SENT_FOR_LONG, found[danger])
        await self.swept()
        states = {danger: await self.state(order_id) for danger, order_id in found.items()}
        self.assertEqual(states.pop(Danger.ORDINARY), "queued")
        self.assertEqual(set(states.values()), {"unknown"})
        self.assertIn("no answer was seen", await self.error(found[Danger.ONCE]))

    async def test_not_while_it_may_be_answered(self) -> None:
        """An order is left alone while its connection may wait for a fence, and then for the reply."""
        outbox = await self.begin()
        order_id = await self.put(outbox, new_order(within=WITHIN))
        taken = await self.taken(outbox)
        await self.passes(WITHIN + 20, order_id)
        await self.swept()
        self.assertEqual(await self.state(order_id), "sent")
        await self.end(outbox, taken, DONE)
        self.assertEqual(await self.state(order_id), "done")

    async def test_door(self) -> None:
        """A door's end comes soon after its own seconds, however long its answer may take."""
        outbox = await self.begin()
        order_id = await self.put(outbox, door(ttl=30.0, within=60.0))
        await self.taken(outbox)
        await self.passes(30, order_id)
        await self.swept()
        self.assertEqual(await self.state(order_id), "sent")
        await self.passes(5, order_id)
        await self.swept()
        self.assertEqual(await self.state(order_id), "unknown")

    async def test_progress(self) -> None:
        """An order that goes on is left alone, and shows how far it is."""
        outbox = await self.begin()
        order_id = await self.put(outbox, new_order(within=WITHIN))
        taken = await self.taken(outbox)
        await self.passes(SENT_FOR_LONG - 5, order_id)
        self.assertTrue(await outbox.progress("c1", taken, {"pages": 3}))
        await self.passes(SENT_FOR_LONG - 5, order_id)
        await self.swept()
        found = await self.order(order_id)
        self.assertEqual((found.state.value, found.reply), ("sent", {"pages": 3}))
        await self.passes(5, order_id)
        await self.swept()
        self.assertEqual(await self.state(order_id), "queued")
        self.assertFalse(await outbox.progress("c1", taken, {"pages": 4}))

    async def test_after_a_try(self) -> None:
        """An order that waits for its next try has the deadline of its own seconds again."""
        outbox = await self.begin()
        order_id = await self.put(outbox, new_order(ttl=3600.0))
        await self.taken(outbox)
        await self.passes(SENT_FOR_LONG, order_id)
        await self.swept()
        await self.swept()
        kept = await self.hash_of(order_id)
        self.assertEqual((kept["state"], kept["attempts"]), ("queued", "1"))
        self.assertEqual(await self.scores("tf:deadlines"), {order_id: float(kept["expires"])})

    async def test_many(self) -> None:
        """All that are past their deadline end in one sweep, however many calls that takes."""
        outbox = await self.begin()
        number = 2 * SWEPT_A_CALL + 1
        ids = [await self.put(outbox, new_order()) for _ in range(number)]
        await self.client.write("DEL", "tf:deadlines")
        for order_id in ids:
            await self.client.write("ZADD", "tf:deadlines", 1, order_id)
        await self.outbox("two/1", most_ended=1000).sweep()
        self.assertEqual(await self.scores("tf:deadlines"), {})
        self.assertEqual({await self.state(order_id) for order_id in ids}, {"expired"})

    async def test_forgotten(self) -> None:
        """A deadline of an order that is not there any more is dropped."""
        outbox = await self.begin()
        order_id = await self.put(outbox, new_order())
        await self.client.write("DEL", f"tf:order:{order_id}")
        await self.passes(7200, order_id)
        await self.swept()
        self.assertEqual(await self.scores("tf:deadlines"), {})

    async def test_broken_one(self) -> None:
        """An order that can't be ended does not keep others from their ends, nor this sweep from its own."""
        outbox = await self.begin()
        ids = [await self.put(outbox, new_order()) for _ in range(3)]
        await self.client.write("HSET", f"tf:order:{ids[1]}", "attempts", "many")
        await self.passes(7200, *ids)
        await self.swept()
        self.assertEqual([await self.state(ids[n]) for n in (0, 2)], ["expired", "expired"])
        self.assertEqual(list(await self.scores("tf:deadlines")), [ids[1]])

    async def test_nothing_left_behind(self) -> None:
        """When all orders have ended nothing is open any more, of whatever terminal."""
        outbox = await self.begin()
        for order in (new_order(), door(), new_order(danger=Danger.ONCE)):
            await self.put(outbox, order)
        await self.taken(outbox)
        ids = list(await self.scores(f"tf:queue:{SN}"))
        await self.passes(7200, *ids)
        await self.swept()
        self.assertEqual(await self.client.read("EXISTS", f"tf:queue:{SN}", "tf:deadlines"), 0)
        self.assertEqual(await outbox.take(SN, "c1"), Look())


class PausedTests(OutboxCase):
    """A process that slept."""

    async def test_tells_too_late(self) -> None:
        """What it tells of an order that was ended meanwhile changes nothing."""
        outbox = await self.begin()
        order_id = await self.put(outbox, new_order(danger=Danger.ONCE))
        taken = await self.taken(outbox)
        await self.passes(3600, order_id)
        await self.outbox("two/1").sweep()
        await self.end(outbox, taken, DONE)
        self.assertEqual(await self.state(order_id), "unknown")

    async def test_gets_nothing_late(self) -> None:
        """It is given no door whose seconds were over meanwhile."""
        outbox = await self.begin()
        order_id = await self.put(outbox, door())
        await self.passes(30, order_id)
        self.assertIsNone((await outbox.take(SN, "c1", True)).taken)
        self.assertEqual(await self.state(order_id), "expired")
