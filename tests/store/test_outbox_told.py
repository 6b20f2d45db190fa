"""What goes along with the steps of an order: its end to who waits, its record, the store's time."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock

from tests.store.connected import until
from tests.store.ordered import DONE, SN, UNLEARNED, OutboxCase, door, new_order
from tfserver.errors import StoreUnavailable
from tfserver.order import OrderError, OrderEvent
from tfserver.store.audit import NEWEST, Audit, AuditRecord
from tfserver.store.endings import ended_as, read_ending
from tfserver.store.outbox import NewOrder, Outbox, Outcome
from tfserver.store.storetime import KNOWN_SECONDS, StoreTime

WHY_NOT = OrderError('no, / " é', 7)
LONG = Outcome(OrderEvent.SAID_TRUE, {"text": "x" * 5000})


class EndTests(OutboxCase):
    """The wake-up of an end."""

    async def waits(self) -> tuple[Outbox, list[str]]:
        """An outbox, and what its process is told."""
        outbox, heard = await self.begin(), list[str]()
        listener = await self.connect()
        listener.listen(["tf:wake:one/1"], lambda _, message: heard.append(message))
        await until(lambda: ":1\r\n" in self.store.ask("PUBSUB NUMSUB tf:wake:one/1"), "it is subscribed")
        return outbox, heard

    async def ended(self, outbox: Outbox, heard: list[str], order: NewOrder, outcome: Outcome | None) -> str:
        """Put an order that somebody waits for, end it (None: take it back), and check what is told of it."""
        heard.clear()
        put = await outbox.put(order._replace(waits=True))
        assert put.order is not None
        if outcome is None:
            await outbox.cancel(put.detail, 'Ana "Z" é')
        else:
            await self.end(outbox, await self.taken(outbox), outcome)
        await until(lambda: any(message.startswith("ended ") for message in heard), "the end is told")
        order_id, told = read_ending(heard[-1])
        self.assertEqual(order_id, put.detail)
        if told:
            self.assertEqual(ended_as(put.order, told), await self.order(order_id))
        return told

    async def test_as_it_is_kept(self) -> None:
        """Each end is told exactly as people see it when they look."""
        outbox, heard = await self.waits()
        ends: tuple[Outcome | None, ...] = (
            DONE,
            Outcome(OrderEvent.SAID_TRUE, {"name": 'Zoë "/\\', "n": [1, 2.5, None], "none": {}}),
            UNLEARNED,
            Outcome(OrderEvent.NOT_SENT, error=WHY_NOT),
            None,
        )
        for outcome in ends:
            self.assertNotEqual(await self.ended(outbox, heard, door(args={"doornum": 1}), outcome), "")

    async def test_long(self) -> None:
        """Of an end with a long reply only that it came is told."""
        outbox, heard = await self.waits()
        self.assertEqual(await self.ended(outbox, heard, new_order(), LONG), "")

    async def test_nobody_waits(self) -> None:
        """When nobody waits for it nobody is told."""
        outbox = await self.begin()
        await self.put(outbox, new_order())
        taken = await self.taken(outbox)
        self.tell("CONFIG RESETSTAT")
        await self.end(outbox, taken, DONE)
        self.assertEqual(await self.calls(self.client, "publish"), 0)


class NotedTests(OutboxCase):
    """The record of who ordered it."""

    async def records(self) -> list[AuditRecord]:
        """All records, oldest first."""
        return (await Audit(self.client).page(NEWEST, 0, 100))[::-1]

    def noted(self, **more: Any) -> NewOrder:
        """An order that is to be noted."""
        return door(**{"noted": True, "shown": {"name": 'Zoë "/', "n": 1}, "actor": 'token 1 ("é")', **more})

    async def test_with_the_order(self) -> None:
        """It is there as soon as the order is, with what is shown of it, before any end."""
        outbox = await self.begin()
        order_id = await self.put(outbox, self.noted())
        [record] = await self.records()
        self.assertEqual((record.actor, record.what, record.sn), ('token 1 ("é")', "opendoor", SN))
        self.assertEqual(record.outcome, "queued")
        self.assertEqual(record.detail, {"order": order_id, "args": {"name": 'Zoë "/', "n": 1}})

    async def test_repeat(self) -> None:
        """A repeat is noted with where that order stands now."""
        outbox = await self.begin()
        again = self.noted(key="k", digest="d")
        order_id = await self.put(outbox, again)
        await self.end(outbox, await self.taken(outbox), DONE)
        self.assertEqual((await outbox.put(again)).outcome, "again")
        *_, record = await self.records()
        self.assertEqual((record.outcome, record.detail["order"]), ("done", order_id))
        await self.client.write("DEL", f"tf:order:{order_id}")
        await outbox.put(again)
        self.assertEqual((await self.records())[-1].outcome, "forgotten")

    async def test_nothing_was_made(self) -> None:
        """What is not taken is not noted here: the web side tells why."""
        outbox = await self.begin()
        for order in (self.noted(sn="T9"), self.noted(needs_proof=True, ttl=0)):
            await self._refused(outbox, order)
        await self.put(outbox, self.noted(key="k", digest="d", noted=False))
        self.assertEqual((await outbox.put(self.noted(key="k", digest="e"))).outcome, "reused")
        self.assertEqual(await self.records(), [])

    async def _refused(self, outbox: Outbox, order: NewOrder) -> None:
        try:
            self.assertNotEqual((await outbox.put(order)).outcome, "put")
        except StoreUnavailable:
            return

    async def test_not_wanted(self) -> None:
        """What nobody wants noted has its end noted only."""
        outbox = await self.begin()
        await self.put(outbox, new_order())
        self.assertEqual(await self.records(), [])

    async def test_long(self) -> None:
        """Of long arguments only their length is noted."""
        outbox = await self.begin()
        await self.put(outbox, self.noted(shown={"text": "x" * 5000}))
        [record] = await self.records()
        self.assertEqual(record.detail["args"], {"bytes": 5011})


class TimeTests(OutboxCase):
    """When the order for a door is over."""

    async def test_asked_once(self) -> None:
        """The store is asked for its time with the first door; the answers to the puts tell it then."""
        outbox, clock = await self.begin(), Clock()
        self.patch(outbox, "_time", StoreTime(self.client, clock.seconds))
        self.tell("CONFIG RESETSTAT")
        await self.put(outbox, door())
        clock.advance(KNOWN_SECONDS)
        for order in (new_order(), door(), door()):
            await self.put(outbox, order)
        self.assertEqual(await self.calls(self.client, "time"), 1 + 4, "one by itself, one in each put")

    async def test_never_longer(self) -> None:
        """A store whose clock was set back keeps a door no longer than its seconds."""
        outbox = await self.begin()
        outbox._time.heard(1e14)
        order_id = await self.put(outbox, door(ttl=5.0))
        kept = await self.hash_of(order_id)
        self.assertEqual(int(kept["expires"]) - int(kept["created"]), 5000)
