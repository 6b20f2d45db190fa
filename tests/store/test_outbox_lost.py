"""A store that hangs: what it handed over to nobody comes again, and what it keeps too late is not kept."""

from __future__ import annotations

from tests.store.ordered import DONE, SN, UNLEARNED, OutboxCase, door, new_order
from tfserver.errors import StoreUnavailable
from tfserver.order import Danger
from tfserver.store.outbox import Hand, Look, Outbox, Taken


class LostTests(OutboxCase):
    """One connection, which counts its calls and says what it has in hand."""

    async def take(self, outbox: Outbox, call: int, *in_hand: str, doors: bool = False) -> Taken | None:
        """A call for the next order."""
        return (await outbox.take(SN, "c1", doors, Hand(call, in_hand))).taken

    async def test_handed_over_again(self) -> None:
        """An order whose handing over nobody heard of comes again, as if it had not been taken."""
        outbox = await self.begin()
        for order in (
            new_order(),
            new_order(danger=Danger.ONCE),
            door(),
            new_order(danger=Danger.DESTRUCTIVE),
        ):
            order_id = await self.put(outbox, order)
            await self.take(outbox, 1)
            again = await self.take(outbox, 2)
            assert again is not None
            self.assertEqual((again.id, again.attempts), (order_id, 1))
            await self.end(outbox, again, DONE)
            self.assertEqual(await self.state(order_id), "done")

    async def test_not_what_is_in_hand(self) -> None:
        """What the connection has in hand may have been said: it is not handed over again."""
        outbox = await self.begin()
        order_id = await self.put(outbox, new_order())
        await self.take(outbox, 1)
        for call in (2, 3):
            self.assertIsNone(await self.take(outbox, call, "other", order_id, "another"))
        self.assertEqual(await self.state(order_id), "sent")

    async def test_doors_beside_what_is_in_hand(self) -> None:
        """A look for doors finds a door that nobody heard of, and leaves alone what is in hand."""
        outbox = await self.begin()
        order_id = await self.put(outbox, new_order())
        await self.take(outbox, 1)
        await self.put(outbox, door())
        await self.take(outbox, 2, order_id, doors=True)
        again = await self.take(outbox, 3, order_id, doors=True)
        assert again is not None
        self.assertEqual((again.cmd, again.attempts), ("opendoor", 1))
        self.assertEqual(await self.state(order_id), "sent")

    async def test_lost_with_an_end(self) -> None:
        """The next order that came with an end is not lost either: the end is told again."""
        outbox = await self.begin()
        for cmd in ("first", "second"):
            await self.put(outbox, new_order(cmd))
        first = await self.take(outbox, 1)
        assert first is not None
        await outbox.finish(SN, "c1", first, DONE, True, Hand(2, {first.id}))
        look = await outbox.finish(SN, "c1", first, UNLEARNED, True, Hand(3, {first.id}))
        assert look.taken is not None
        self.assertEqual((look.taken.cmd, look.taken.attempts), ("second", 1))
        self.assertEqual(await self.state(first.id), "done")

    async def test_late_call(self) -> None:
        """A call that comes late takes nothing away from those after it."""
        outbox = await self.begin()
        order_id = await self.put(outbox, new_order())
        await self.take(outbox, 5)
        for call in (4, 5):
            self.assertIsNone(await self.take(outbox, call))
        self.assertEqual(await self.state(order_id), "sent")

    async def test_of_another_connection(self) -> None:
        """What another connection took may have been said by it, whatever that one counted."""
        outbox = await self.begin()
        order_id = await self.put(outbox, new_order(danger=Danger.ONCE))
        await self.take(outbox, 1)
        await self.approved(self.registry, "c2")
        self.assertEqual(await outbox.take(SN, "c2", False, Hand(9, ())), Look())
        self.assertEqual(await self.state(order_id), "unknown")

    async def test_too_late_by_then(self) -> None:
        """What nobody heard of until its seconds were over was never sent, and is told so."""
        outbox = await self.begin()
        order_id = await self.put(outbox, door())
        await self.take(outbox, 1)
        await self.passes(30, order_id)
        self.assertIsNone(await self.take(outbox, 2))
        self.assertEqual(await self.state(order_id), "expired")

    async def test_after_a_try(self) -> None:
        """An order that was tried before keeps that try."""
        outbox = await self.begin()
        order_id = await self.put(outbox, new_order())
        first = await self.take(outbox, 1)
        assert first is not None
        await self.end(outbox, first, UNLEARNED)
        await self.passes(5, order_id)
        await self.take(outbox, 2)
        again = await self.take(outbox, 3)
        assert again is not None
        self.assertEqual(again.attempts, 2)

    async def test_who_does_not_count(self) -> None:
        """Who does not say what is in hand gets nothing a second time."""
        outbox = await self.begin()
        await self.put(outbox, new_order())
        await self.taken(outbox)
        self.assertEqual(await outbox.take(SN, "c1"), Look(later=True))


class KeptLateTests(OutboxCase):
    """A store that keeps an order of a door long after it was asked to."""

    async def test_late(self) -> None:
        """It keeps nothing when the seconds of the order are over by then."""
        outbox = await self.begin()
        self._asked_earlier(outbox, 1)
        await self.fails(outbox.put(door()), StoreUnavailable)
        self.assertEqual(await self.client.read("EXISTS", f"tf:queue:{SN}", "tf:deadlines"), 0)

    async def test_in_time(self) -> None:
        """Else the seconds of the order run from when it was asked for."""
        outbox = await self.begin()
        until_ms = 1000 * (int((await self.client.read("TIME"))[0]) + 20)
        self._asked_earlier(outbox, until_ms)
        order_id = await self.put(outbox, door(ttl=30.0))
        self.assertEqual(int((await self.hash_of(order_id))["expires"]), until_ms)
        self.assertEqual(await self.scores("tf:deadlines"), {order_id: until_ms})

    def _asked_earlier(self, outbox: Outbox, until_ms: int) -> None:
        async def moment(seconds: float) -> int:
            """When its seconds are over."""
            return until_ms

        self.patch(outbox._time, "until", moment)
