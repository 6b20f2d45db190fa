"""Orders that were put before a failover: nothing that may have been said is said again."""

from __future__ import annotations

from tests.store.ordered import DONE, SN, OutboxCase, door, new_order
from tfserver.order import Danger, OrderState
from tfserver.store.outbox import Hand, Outbox

WORDS = "the store failed over"
ONCE = {"danger": Danger.ONCE}


class FailedOverTests(OutboxCase):
    """A store that is of another generation when an order is looked at."""

    def fail_over(self) -> None:
        """Another generation, for this process."""
        self.client._generations.known += 1

    async def assert_unknown(self, order_id: str) -> None:
        """It ended so, and says why."""
        self.assertEqual(await self.state(order_id), "unknown")
        self.assertIn(WORDS, await self.error(order_id))

    async def test_waiting(self) -> None:
        """Of what waited only what is harmless is handed over, and what was put since."""
        outbox = await self.begin()
        old = [await self.put(outbox, new_order("reboot", **ONCE)), await self.put(outbox, door())]
        harmless = await self.put(outbox, new_order())
        self.fail_over()
        new = await self.put(outbox, new_order("reboot", **ONCE))
        taken = [await self.taken(outbox), await self.taken(outbox)]
        self.assertEqual([one.id for one in taken], [harmless, new])
        for order_id in old:
            await self.assert_unknown(order_id)

    async def test_sent(self) -> None:
        """What was sent over this very connection is not said again, though no end of it is known."""
        outbox = await self.begin()
        once = await self.put(outbox, new_order("reboot", **ONCE))
        harmless = await self.put(outbox, new_order())
        for _ in (once, harmless):
            await outbox.take(SN, "c1", hand=Hand(1, ()))
        self.fail_over()
        look = await outbox.take(SN, "c1", hand=Hand(2, ()))
        self.assertEqual(look.taken and look.taken.id, harmless)
        await self.assert_unknown(once)

    async def test_in_hand(self) -> None:
        """What is in hand stays there until its end is told, and that is the true one."""
        outbox = await self.begin()
        once = await self.put(outbox, new_order("reboot", **ONCE))
        found = await outbox.take(SN, "c1", hand=Hand(1, ()))
        assert found.taken is not None
        self.fail_over()
        await outbox.take(SN, "c1", hand=Hand(2, (once,)))
        self.assertEqual(await self.state(once), "sent")
        await self.end(outbox, found.taken, DONE)
        self.assertEqual(await self.state(once), "done")

    async def test_deadline(self) -> None:
        """At its deadline it has not expired: perhaps it was done."""
        outbox = await self.begin()
        waits, sent = await self.put(outbox, door()), await self.put(outbox, new_order("reboot", **ONCE))
        harmless = await self.put(outbox, new_order())
        self.fail_over()
        await self.passes(4000, waits, sent, harmless)
        await outbox.sweep()
        for order_id in (waits, sent):
            await self.assert_unknown(order_id)
        self.assertEqual(await self.state(harmless), "expired")

    async def test_cancelled(self) -> None:
        """What is taken back was perhaps done before."""
        outbox = await self.begin()
        once = await self.put(outbox, new_order("reboot", **ONCE))
        self.fail_over()
        self.assertIs(await outbox.cancel(once, "token 1"), OrderState.QUEUED)
        self.assertEqual(await self.state(once), "unknown")

    async def test_all_ended_at_once(self) -> None:
        """After the failover all that wait are ended, page by page, whoever is connected; others stay."""
        outbox = await self.begin(most_open=1000)
        kinds = [new_order("reboot", **ONCE), new_order()]
        ids = [await self.put(outbox, kinds[n % 2]) for n in range(240)]
        self.fail_over()
        late = await self.put(outbox, new_order("reboot", **ONCE))
        await outbox.end_doubtful()
        states = [await self.state(order_id) for order_id in ids]
        self.assertEqual((set(states[::2]), set(states[1::2])), ({"unknown"}, {"queued"}))
        self.assertEqual(await self.state(late), "queued")

    async def test_of_a_release_without_generations(self) -> None:
        """An order of a process that tells no generation is handed over as ever."""
        outbox: Outbox = await self.begin()
        self.client._generations.known = 0
        self.patch(type(outbox), "_told", _without(type(outbox)._told))
        order_id = await self.put(outbox, new_order("reboot", **ONCE))
        self.client._generations.known = 2
        self.assertEqual((await self.taken(outbox)).id, order_id)


def _without(told: object) -> object:
    def without(*args: object, **more: object) -> object:
        """As the release before told of orders."""
        found = told(*args, **more)  # type: ignore[operator]
        found.generation = None
        return found

    return without
