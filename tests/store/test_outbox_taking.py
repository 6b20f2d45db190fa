"""Taking orders: in which order, by whom, and how many at a time (design §3, docs/orders.md)."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, gatherResults

from tests.store.ordered import DONE, SN, UNLEARNED, OutboxCase, door, new_order
from tfserver.model import Admission
from tfserver.order import Danger, OrderEvent
from tfserver.store.outbox import Look, Outbox, Outcome

PUT_BACK = Outcome(OrderEvent.PUT_BACK)


class OrderTests(OutboxCase):
    """Which is next."""

    async def cmds(self, outbox: Outbox, doors: bool = False) -> list[str]:
        """The commands of all orders that can be taken one after another, none of them ended."""
        found: list[str] = []
        while (look := await outbox.take(SN, "c1", doors)).taken is not None and len(found) < 50:
            found.append(look.taken.cmd)
        return found

    async def test_first_come(self) -> None:
        """Orders are taken in the order they were put, also when they come from several processes."""
        outbox = await self.begin()
        for n in range(12):
            await self.put(self.outbox(f"{n % 3}/1"), new_order(f"c{n}"))
        self.assertEqual(await self.cmds(outbox), [f"c{n}" for n in range(12)])
        self.assertEqual(await outbox.take(SN, "c1"), Look(later=True))

    async def test_doors_first(self) -> None:
        """Doors go before everything, in their own order."""
        outbox = await self.begin()
        for n in range(2):
            await self.put(outbox, new_order(f"c{n}"))
            await self.put(outbox, door(cmd=f"d{n}", subject=""))
        self.assertEqual(await self.cmds(outbox), ["d0", "d1", "c0", "c1"])

    async def test_doors_only(self) -> None:
        """Who asks for doors only gets no other order, and learns that others wait."""
        outbox = await self.begin()
        await self.put(outbox, new_order())
        self.assertEqual(await outbox.take(SN, "c1", True), Look(later=True))
        await self.put(outbox, door())
        self.assertEqual(await self.cmds(outbox, doors=True), ["opendoor"])

    async def test_same_subject(self) -> None:
        """Orders about the same thing do not overtake each other; those about other things do."""
        outbox = await self.begin()
        for cmd, subject in (("a", "user 7"), ("b", "user 7"), ("c", "user 8"), ("d", ""), ("e", "lock")):
            await self.put(outbox, new_order(cmd, subject=subject))
        first = await self.taken(outbox)
        self.assertEqual([first.cmd, *await self.cmds(outbox)], ["a", "c", "d", "e"])
        await self.end(outbox, first, DONE)
        self.assertEqual(await self.cmds(outbox), ["b"])

    async def test_reads_wait_for_nobody(self) -> None:
        """Orders without a subject are taken beside each other."""
        outbox = await self.begin()
        for _ in range(3):
            await self.put(outbox, new_order(subject=""))
        self.assertEqual(len(await self.cmds(outbox)), 3)

    async def test_users_and_one_user(self) -> None:
        """What is about all people is in order with what is about one, both ways."""
        for first, second in (("users", "user 7"), ("user 7", "users"), ("users", "users")):
            outbox = await self.begin()
            await self.put(outbox, new_order("a", subject=first))
            await self.put(outbox, new_order("b", subject=second))
            await self.put(outbox, new_order("c", subject="user_fields"))
            await self.put(outbox, new_order("d", subject="use"))
            self.assertEqual(await self.cmds(outbox), ["a", "c", "d"], first)
            await self.client.write("FLUSHDB")

    async def test_not_through_a_third(self) -> None:
        """An order about all people holds up those after it also while it waits itself."""
        outbox = await self.begin()
        for cmd, subject in (("a", "user 7"), ("b", "users"), ("c", "user 8"), ("d", "lock")):
            await self.put(outbox, new_order(cmd, subject=subject))
        self.assertEqual(await self.cmds(outbox), ["a", "d"])

    async def test_others_pass_a_dead_one(self) -> None:
        """An order that waits for its next try is passed by all that are not about the same."""
        outbox = await self.begin()
        for cmd, subject in (("dead", "user 7"), ("same", "user 7"), ("other", "user 8"), ("read", "")):
            await self.put(outbox, new_order(cmd, subject=subject))
        await self.end(outbox, await self.taken(outbox), UNLEARNED)
        self.assertEqual(await self.cmds(outbox), ["other", "read"])

    async def test_next_with_the_end(self) -> None:
        """The end of one brings the next with it."""
        outbox = await self.begin()
        for n in range(2):
            await self.put(outbox, new_order(f"c{n}"))
        look = await outbox.finish(SN, "c1", await self.taken(outbox), DONE, more=True)
        assert look.taken is not None
        self.assertEqual((look.taken.cmd, look.taken.attempts), ("c1", 1))
        self.assertEqual(await outbox.finish(SN, "c1", look.taken, DONE, more=True), Look())

    async def test_none_with_the_end(self) -> None:
        """Who wants no more gets none, and it stays queued."""
        outbox = await self.begin()
        for n in range(2):
            await self.put(outbox, new_order(f"c{n}"))
        self.assertEqual(await outbox.finish(SN, "c1", await self.taken(outbox), DONE, more=False), Look())
        self.assertEqual((await self.taken(outbox)).cmd, "c1")

    async def test_time_left(self) -> None:
        """What is taken says how long it may still be said, by the store's clock."""
        outbox = await self.begin()
        order_id = await self.put(outbox, new_order(ttl=60.0))
        await self.passes(20, order_id)
        left = (await self.taken(outbox)).left
        self.assertTrue(0 < left <= 40, left)

    async def test_overdue_is_not_given(self) -> None:
        """An order whose seconds are over is ended, not given, and those behind it are."""
        outbox = await self.begin()
        late = await self.put(outbox, door(cmd="late"))
        await self.put(outbox, new_order("next", subject="opendoor"))
        await self.passes(30, late)
        self.assertEqual((await self.taken(outbox)).cmd, "next")
        self.assertEqual(await self.state(late), "expired")

    async def test_clock_set_back(self) -> None:
        """A door that was put before the store's clock was set back is ended, not kept until that time."""
        outbox = await self.begin()
        order_id = await self.put(outbox, door())
        await self.passes(-3600, order_id)
        self.assertIsNone((await outbox.take(SN, "c1")).taken)
        self.assertEqual(await self.state(order_id), "expired")


class LookTests(OutboxCase):
    """How much of a queue is looked at."""

    async def begin_with(self, number: int, **more: Any) -> Outbox:
        """So many orders that wait, and counters at zero."""
        outbox = await self.begin()
        for _ in range(number):
            await self.put(outbox, new_order(**more))
        await self.client.write("CONFIG", "RESETSTAT")
        return outbox

    async def test_first_is_enough(self) -> None:
        """Where the first order can be carried out, no other is read."""
        outbox = await self.begin_with(30)
        await self.taken(outbox)
        self.assertEqual(await self.calls(self.client, "hmget"), 2)

    async def test_doors_only(self) -> None:
        """Who asks for doors reads those, and the first of all others at most, however many wait."""
        outbox = await self.begin_with(30)
        self.assertEqual(await outbox.take(SN, "c1", True), Look(later=True))
        self.assertEqual(await self.calls(self.client, "hmget"), 2)

    async def test_behind_many(self) -> None:
        """An order behind many that have to wait is found, and so is that nothing else can be taken."""
        outbox = await self.begin_with(120, subject="lock")
        other = await self.put(outbox, new_order("other"))
        await self.taken(outbox)
        self.assertEqual((await self.taken(outbox)).id, other)
        self.assertEqual(await outbox.take(SN, "c1"), Look(later=True))

    async def test_behind_many_overdue(self) -> None:
        """Orders that end while a queue is looked through do not hide those behind them."""
        outbox = await self.begin_with(0)
        late = [await self.put(outbox, new_order(subject="lock")) for _ in range(60)]
        last = await self.put(outbox, new_order("last"))
        await self.passes(3600, *late[::2])
        self.assertEqual((await self.taken(outbox)).id, late[1])
        self.assertEqual((await self.taken(outbox)).id, last)
        ended = {await self.state(order_id) for order_id in late[::2]}
        self.assertEqual(ended, {"expired"})


class FencedTests(OutboxCase):
    """Only the connection that holds the lease gets orders, and only it ends them."""

    async def test_stale_connection(self) -> None:
        """A connection that lost its lease gets nothing, not even a look."""
        outbox = await self.begin()
        order_id = await self.put(outbox, new_order())
        await self.approved(self.registry, "c2")
        self.assertEqual(await outbox.take(SN, "c1"), Look(stale=True))
        self.assertEqual(await self.state(order_id), "queued")
        self.assertEqual((await self.taken(outbox, "c2")).id, order_id)

    async def test_no_connection(self) -> None:
        """Nobody gets orders of a terminal that is gone, denied or unknown."""
        outbox = await self.begin()
        await self.put(outbox, new_order())
        self.assertEqual(await outbox.take("T9", "c1"), Look(stale=True))
        await self.registry.decide(SN, Admission.DENIED)
        self.assertEqual(await outbox.take(SN, "c1"), Look(stale=True))
        await self.registry.decide(SN, Admission.APPROVED)
        await self.registry.release(SN, "c1")
        self.assertEqual(await outbox.take(SN, "c1"), Look(stale=True))
        self.assertEqual(await outbox.take(SN, ""), Look(stale=True))

    async def test_stale_end_brings_nothing(self) -> None:
        """The end told by a connection that lost its lease counts, and brings no next order."""
        outbox = await self.begin()
        order_id = await self.put(outbox, new_order())
        await self.put(outbox, new_order())
        taken = await self.taken(outbox)
        await self.approved(self.registry, "c2")
        self.assertEqual(await outbox.finish(SN, "c1", taken, DONE, more=True), Look(stale=True))
        self.assertEqual(await self.state(order_id), "done")

    async def test_end_of_another(self) -> None:
        """What a connection tells of an order that is not its own any more changes nothing."""
        outbox = await self.begin()
        order_id = await self.put(outbox, new_order())
        stale = await self.taken(outbox)
        await self.approved(self.registry, "c2")
        self.assertEqual(await outbox.take(SN, "c2"), Look(later=True))
        await self.passes(5, order_id)
        again = await self.taken(outbox, "c2")
        before = await self.hash_of(order_id)
        for event in (OrderEvent.SAID_TRUE, OrderEvent.NOT_LEARNED, OrderEvent.PUT_BACK, OrderEvent.NOT_SENT):
            await self.end(outbox, stale, Outcome(event, {"n": 2}))
        self.assertFalse(await outbox.progress("c1", stale, {"n": 3}))
        self.assertEqual(await self.hash_of(order_id), before)
        await self.end(outbox, again, DONE, "c2")
        self.assertEqual((await self.order(order_id)).reply, {"n": 1})

    async def test_taken_over_while_sent(self) -> None:
        """What an older connection carried out is not learned any more: tried again, or unknown."""
        outbox = await self.begin()
        tried = await self.put(outbox, new_order())
        once = await self.put(outbox, new_order(danger=Danger.ONCE))
        for _ in range(2):
            await self.taken(outbox)
        await self.approved(self.registry, "c2")
        self.assertEqual(await outbox.take(SN, "c2"), Look(later=True))
        self.assertEqual((await self.state(tried), await self.state(once)), ("queued", "unknown"))
        self.assertIn("no answer was seen", await self.error(once))

    async def test_taken_over_beside_others(self) -> None:
        """Ending what an older connection left does not keep the new one from the next order."""
        outbox = await self.begin()
        await self.put(outbox, new_order(danger=Danger.ONCE, subject="a"))
        await self.put(outbox, new_order("next", subject="a"))
        await self.taken(outbox)
        await self.approved(self.registry, "c2")
        self.assertEqual((await self.taken(outbox, "c2")).cmd, "next")

    async def test_twice_at_once(self) -> None:
        """Two that take at once get different orders, and one of them none."""
        outbox, other = await self.begin(), self.outbox("two/1")
        order_id = await self.put(outbox, new_order())
        asked = [Deferred.fromCoroutine(each.take(SN, "c1")) for each in (outbox, other, outbox)]
        looks = await gatherResults(asked)
        self.assertEqual([look.taken.id for look in looks if look.taken], [order_id])


class DueTests(OutboxCase):
    """Among the terminals with orders as long as there are any, and no longer."""

    async def test_while_there_are_any(self) -> None:
        """It stays due while orders are carried out or wait for their next try."""
        outbox = await self.begin()
        await self.put(outbox, new_order())
        taken = await self.taken(outbox)
        self.assertEqual(await outbox.take(SN, "c1"), Look(later=True))
        self.assertEqual(await outbox.due(), [SN])
        await outbox.finish(SN, "c1", taken, UNLEARNED, more=True)
        self.assertEqual(await outbox.due(), [SN])

    async def test_no_longer(self) -> None:
        """It is not due any more once a look found nothing."""
        outbox = await self.begin()
        await self.put(outbox, new_order())
        await outbox.finish(SN, "c1", await self.taken(outbox), DONE, more=True)
        self.assertEqual(await outbox.due(), [])

    async def test_due_again(self) -> None:
        """A look that finds something for later makes it due, should somebody have forgotten it."""
        outbox = await self.begin()
        await self.put(outbox, new_order())
        await self.end(outbox, await self.taken(outbox), UNLEARNED)
        await outbox.not_ours([SN])
        self.assertEqual(await outbox.take(SN, "c1"), Look(later=True))
        self.assertEqual(await outbox.due(), [SN])

    async def test_at_work(self) -> None:
        """Whoever has an order in hand is due since it got it, though it had been forgotten before."""
        outbox = await self.begin()
        await self.put(outbox, new_order())
        await outbox.not_ours([SN])
        taken = await self.taken(outbox)
        self.assertEqual(await outbox.due(), [SN])
        await self.end(outbox, taken, DONE)
        await outbox.take(SN, "c1", True)
        await self.put(outbox, new_order())
        self.assertEqual(await outbox.due(), [SN])

    async def test_put_back_wakes_nobody(self) -> None:
        """What is put back is due, but nobody is woken: who can't say it now would get it again at once."""
        outbox = await self.begin()
        await self.put(outbox, new_order())
        taken = await self.taken(outbox)
        await outbox.not_ours([SN])
        await self.client.write("CONFIG", "RESETSTAT")
        await self.end(outbox, taken, PUT_BACK)
        self.assertEqual(await outbox.due(), [SN])
        self.assertEqual(await self.calls(self.client, "publish"), 0)

    async def test_put_back_for_the_next_owner(self) -> None:
        """What is put back after another process took over is due there."""
        outbox, other = await self.begin(), self.outbox("two/1")
        await self.put(outbox, new_order())
        taken = await self.taken(outbox)
        await self.approved(await self.terminals("two/1"), "c9")
        await other.not_ours([SN])
        await self.end(outbox, taken, PUT_BACK)
        self.assertEqual(await other.due(), [SN])
