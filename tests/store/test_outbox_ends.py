"""Ends of orders on a real store: each transition, tries, deadlines, and one end only (design §2.4)."""

from __future__ import annotations

from tests.store.ordered import DONE, SN, UNLEARNED, WHY, OutboxCase, door, new_order
from tfserver.order import ENDS, ORDER_TRANSITIONS, Danger, OrderError, OrderEvent, OrderState
from tfserver.store.outbox import MOST_ATTEMPTS, Outbox, Outcome, Taken

BACKOFFS = (5.0, 20.0, 80.0, 320.0)
PUT_BACK = Outcome(OrderEvent.PUT_BACK)
LATE = Outcome(OrderEvent.TOO_LATE, error=OrderError("too late to be sent"))
FAILED = Outcome(OrderEvent.NOT_SENT, error=OrderError("it can't be opened"))


class TransitionTests(OutboxCase):
    """The table of transitions."""

    async def test_every_row(self) -> None:
        """Each row of the table happens on the store and leads where it says; none is left out."""
        outbox = await self.begin()
        for (state, event), following in ORDER_TRANSITIONS.items():
            order_id = await self._placed(outbox, state, event)
            self.assertEqual(await self.state(order_id), state.value)
            await self._driven(outbox, order_id, state, event)
            self.assertEqual(await self.state(order_id), following.value, (state, event))
            self.assertEqual((await self.order(order_id)).finished is not None, following in ENDS)
            await outbox.cancel(order_id, "the test")

    async def _placed(self, outbox: Outbox, state: OrderState, event: OrderEvent) -> str:
        is_once = state is OrderState.SENT and event is OrderEvent.NOT_LEARNED
        order_id = await self.put(outbox, new_order(danger=Danger.ONCE if is_once else Danger.ORDINARY))
        if state is OrderState.SENT or event is OrderEvent.NOT_LEARNED:
            self.now = await self.taken(outbox)
            self.assertEqual(self.now.id, order_id)
        if state is OrderState.QUEUED and event is OrderEvent.NOT_LEARNED:
            await self.end(outbox, self.now, UNLEARNED)
        return order_id

    async def _driven(self, outbox: Outbox, order_id: str, state: OrderState, event: OrderEvent) -> None:
        if state is OrderState.SENT:
            await self.end(outbox, self.now, Outcome(event, error=WHY))
        elif event is OrderEvent.TAKEN:
            await self.taken(outbox)
        elif event is OrderEvent.CANCEL:
            await outbox.cancel(order_id, "somebody")
        else:
            self.assertIn(event, (OrderEvent.TOO_LATE, OrderEvent.NOT_LEARNED))
            await self.passes(3600, order_id)
            await outbox.sweep()

    async def test_ends_are_for_ever(self) -> None:
        """An order that ended never changes again, whoever tells what of it."""
        outbox = await self.begin()
        order_id = await self.put(outbox, new_order())
        taken = await self.taken(outbox)
        await self.end(outbox, taken, DONE)
        before = await self.hash_of(order_id)
        for event in OrderEvent:
            if (OrderState.SENT, event) in ORDER_TRANSITIONS:
                await self.end(outbox, taken, Outcome(event, {"n": 2}, WHY))
        self.assertFalse(await outbox.progress("c1", taken, {"n": 3}))
        self.assertIs(await outbox.cancel(order_id, "x"), OrderState.DONE)
        await self.passes(1e6, order_id)
        await outbox.sweep()
        kept = await self.hash_of(order_id)
        for name in ("state", "reply", "finished", "error", "attempts"):
            self.assertEqual(kept[name], before[name], name)


class ToldTests(OutboxCase):
    """What people see of an end."""

    async def test_done(self) -> None:
        """A reply, no error, and when it was sent and finished."""
        outbox = await self.begin()
        await self.put(outbox, new_order())
        taken = await self.taken(outbox)
        await self.end(outbox, taken, Outcome(OrderEvent.SAID_TRUE, {"name": 'Zoë "\\'}))
        found = await self.order(taken.id)
        self.assertEqual((found.reply, found.error, found.attempts), ({"name": 'Zoë "\\'}, None, 1))
        self.assertTrue(found.created <= (found.sent or "") <= (found.finished or "") < found.expires)

    async def test_refused(self) -> None:
        """The terminal's own number and words."""
        outbox = await self.begin()
        await self.put(outbox, new_order())
        taken = await self.taken(outbox)
        error = OrderError("the terminal refused: no", 10**30, "no")
        await self.end(outbox, taken, Outcome(OrderEvent.SAID_FALSE, error=error))
        found = await self.order(taken.id)
        self.assertEqual((found.reply, found.error), (None, error))

    async def test_empty_reply(self) -> None:
        """A terminal that only said true leaves a reply without anything in it."""
        outbox = await self.begin()
        await self.put(outbox, new_order())
        taken = await self.taken(outbox)
        await self.end(outbox, taken, Outcome(OrderEvent.SAID_TRUE, {}))
        self.assertEqual((await self.order(taken.id)).reply, {})

    async def test_watchers_are_told(self) -> None:
        """Each step is told to those who watch, in order."""
        outbox = await self.begin()
        await self.put(outbox, new_order())
        await self.end(outbox, await self.taken(outbox), UNLEARNED)
        taken = await self._again(outbox)
        await self.end(outbox, taken, DONE)
        told = [event["state"] for event in await self.events()]
        self.assertEqual(told, ["queued", "sent", "queued", "sent", "done"])

    async def _again(self, outbox: Outbox) -> Taken:
        [order_id] = await self.client.read("ZRANGE", "tf:queue:ZXAB1", 0, -1)
        await self.passes(5, order_id)
        return await self.taken(outbox)


class TriesTests(OutboxCase):
    """What is harmless is tried again."""

    async def test_back_off(self) -> None:
        """An ordinary order waits 5, 20, 80 and 320 s between its tries, and is unknown after five."""
        outbox = await self.begin()
        order_id = await self.put(outbox, new_order(ttl=86_400.0))
        for attempt, seconds in enumerate(BACKOFFS, 1):
            taken = await self.taken(outbox)
            self.assertEqual(taken.attempts, attempt)
            await self.end(outbox, taken, UNLEARNED)
            self.assertEqual(await self.state(order_id), "queued")
            self.assertEqual(await self.back_off(order_id), seconds)
            self.assertIsNone((await outbox.take("ZXAB1", "c1")).taken)
            await self.passes(seconds, order_id)
        await self.end(outbox, await self.taken(outbox), UNLEARNED)
        found = await self.order(order_id)
        self.assertEqual((found.state, found.attempts), (OrderState.UNKNOWN, MOST_ATTEMPTS))
        self.assertEqual(found.error, WHY)

    async def test_never_again(self) -> None:
        """What must not be said twice is unknown at once."""
        outbox = await self.begin()
        for danger in (Danger.ONCE, Danger.DOOR, Danger.DESTRUCTIVE):
            order_id = await self.put(outbox, new_order(danger=danger))
            await self.end(outbox, await self.taken(outbox), UNLEARNED)
            self.assertEqual(
                (await self.state(order_id), await self.error(order_id)), ("unknown", WHY.message)
            )

    async def test_put_back(self) -> None:
        """What was certainly not sent can be taken again at once, counts as no try, and was never sent."""
        outbox = await self.begin()
        for order in (new_order(), new_order(danger=Danger.ONCE), door()):
            order_id = await self.put(outbox, order)
            await self.end(outbox, await self.taken(outbox), PUT_BACK)
            found = await self.order(order_id)
            self.assertEqual((found.state, found.attempts, found.sent), (OrderState.QUEUED, 0, None))
            again = await self.taken(outbox)
            self.assertEqual((again.id, again.attempts), (order_id, 1))
            await self.end(outbox, again, DONE)

    async def test_put_back_after_a_try(self) -> None:
        """What was put back after a try keeps what is known of that try."""
        outbox = await self.begin()
        order_id = await self.put(outbox, new_order())
        await self.end(outbox, await self.taken(outbox), UNLEARNED)
        await self.passes(5, order_id)
        await self.end(outbox, await self.taken(outbox), PUT_BACK)
        found = await self.order(order_id)
        self.assertEqual((found.attempts, found.error), (1, WHY))
        self.assertIsNotNone(found.sent)

    async def test_no_time_for_another_try(self) -> None:
        """An order whose seconds were over while it was carried out is not queued again."""
        outbox = await self.begin()
        order_id = await self.put(outbox, new_order(ttl=10.0))
        taken = await self.taken(outbox)
        await self.passes(10, order_id)
        await self.end(outbox, taken, UNLEARNED)
        self.assertEqual(await self.state(order_id), "unknown")


class SentBeforeTests(OutboxCase):
    """What was sent once and not answered never counts as not done afterwards."""

    async def retried(self, outbox: Outbox) -> str:
        """An order that was sent without an answer and is queued again."""
        order_id = await self.put(outbox, new_order())
        await self.end(outbox, await self.taken(outbox), UNLEARNED)
        await self.passes(5, order_id)
        return order_id

    async def test_waits_too_long(self) -> None:
        """Its seconds are over before its next try: nobody learned what came of the first."""
        outbox = await self.begin()
        for is_swept in (True, False):
            order_id = await self.retried(outbox)
            await self.passes(3600, order_id)
            await (outbox.sweep() if is_swept else outbox.take("ZXAB1", "c1"))
            self.assertEqual(
                (await self.state(order_id), await self.error(order_id)), ("unknown", WHY.message)
            )

    async def test_not_sent_again(self) -> None:
        """Its next try came too late, or could not be made."""
        outbox = await self.begin()
        for outcome in (LATE, FAILED):
            order_id = await self.retried(outbox)
            await self.end(outbox, await self.taken(outbox), outcome)
            self.assertEqual(
                (await self.state(order_id), await self.error(order_id)), ("unknown", WHY.message)
            )

    async def test_first_try(self) -> None:
        """What was never sent says so."""
        outbox = await self.begin()
        for outcome, state in ((LATE, "expired"), (FAILED, "failed")):
            order_id = await self.put(outbox, new_order())
            await self.end(outbox, await self.taken(outbox), PUT_BACK)
            await self.end(outbox, await self.taken(outbox), outcome)
            assert outcome.error is not None
            self.assertEqual(await self.state(order_id), state)
            self.assertEqual(await self.error(order_id), outcome.error.message)

    async def test_taken_back(self) -> None:
        """Taking it back is possible; what the terminal did nobody learned, and that is told."""
        outbox = await self.begin()
        order_id = await self.retried(outbox)
        self.assertIs(await outbox.cancel(order_id, "token 2"), OrderState.QUEUED)
        self.assertEqual(await self.state(order_id), "unknown")
        self.assertEqual(
            await self.error(order_id), "taken back by token 2; it was sent before, and no answer came"
        )

    async def test_put_back_and_taken_back(self) -> None:
        """One that was handed over and certainly not sent is cancelled as any other."""
        outbox = await self.begin()
        order_id = await self.put(outbox, new_order())
        await self.end(outbox, await self.taken(outbox), PUT_BACK)
        await outbox.cancel(order_id, "token 2")
        self.assertEqual(await self.state(order_id), "cancelled")


class DeletedTests(OutboxCase):
    """Orders in flight to a terminal that is deleted: they end, and wait for no terminal that comes anew."""

    async def in_flight(self, outbox: Outbox) -> tuple[str, Taken]:
        """An ordinary order that was handed over when its terminal is deleted."""
        order_id = await self.put(outbox, new_order())
        taken = await self.taken(outbox)
        self.assertTrue(await self.registry.delete(SN))
        return order_id, taken

    async def ended(self, order_id: str, state: str, why: str) -> None:
        """It ended so, and nothing of it waits."""
        self.assertEqual((await self.state(order_id), await self.error(order_id)), (state, why))
        for key in (f"tf:queue:{SN}", "tf:deadlines"):
            self.assertEqual(await self.client.read("ZCARD", key), 0)

    async def test_not_answered(self) -> None:
        """The connection is closed before the answer: nobody learned what came of it."""
        outbox = await self.begin()
        order_id, taken = await self.in_flight(outbox)
        await self.end(outbox, taken, UNLEARNED)
        await self.ended(order_id, "unknown", WHY.message)

    async def test_not_sent(self) -> None:
        """It was certainly not sent: it failed."""
        outbox = await self.begin()
        order_id, taken = await self.in_flight(outbox)
        await self.end(outbox, taken, PUT_BACK)
        await self.ended(order_id, "failed", "the terminal was deleted")

    async def test_process_gone(self) -> None:
        """Nobody tells what came of it: the sweep of any process ends it."""
        outbox = await self.begin()
        order_id, _ = await self.in_flight(outbox)
        await self.client.write("ZADD", "tf:deadlines", 1, order_id)
        await self.outbox("two/1").sweep()
        self.assertEqual(await self.state(order_id), "unknown")

    async def test_answered(self) -> None:
        """Its answer came in time all the same."""
        outbox = await self.begin()
        order_id, taken = await self.in_flight(outbox)
        await self.end(outbox, taken, DONE)
        await self.ended(order_id, "done", "")


class CancelTests(OutboxCase):
    """Taking orders back."""

    async def test_queued(self) -> None:
        """A queued order is taken back: by whom is told, and nobody gets it any more."""
        outbox = await self.begin()
        order_id = await self.put(outbox, new_order())
        self.assertIs(await outbox.cancel(order_id, 'tok"en\\ 2'), OrderState.QUEUED)
        self.assertEqual(await self.state(order_id), "cancelled")
        self.assertEqual(await self.error(order_id), 'taken back by tok"en\\ 2')
        self.assertIsNone((await outbox.take("ZXAB1", "c1")).taken)
        self.assertIs(await outbox.cancel(order_id, "x"), OrderState.CANCELLED)

    async def test_sent(self) -> None:
        """An order that is being carried out goes on."""
        outbox = await self.begin()
        order_id = await self.put(outbox, new_order())
        taken = await self.taken(outbox)
        self.assertIs(await outbox.cancel(order_id, "x"), OrderState.SENT)
        await self.end(outbox, taken, DONE)
        self.assertEqual(await self.state(order_id), "done")

    async def test_ended(self) -> None:
        """An order that ended stays as it is, whichever end it was, and that end is told."""
        outbox = await self.begin()
        for event in (OrderEvent.SAID_FALSE, OrderEvent.NOT_SENT, OrderEvent.TOO_LATE, OrderEvent.UNREADABLE):
            order_id = await self.put(outbox, new_order())
            await self.end(outbox, await self.taken(outbox), Outcome(event, error=WHY))
            state = ORDER_TRANSITIONS[OrderState.SENT, event]
            self.assertIs(await outbox.cancel(order_id, "x"), state)
            self.assertEqual((await self.state(order_id), await self.error(order_id)), (state, WHY.message))

    async def test_missing(self) -> None:
        """Of an order that does not exist nothing can be taken back, and nothing is made."""
        outbox = await self.begin()
        self.assertIsNone(await outbox.cancel("nothing", "x"))
        self.assertIsNone(await outbox.get("nothing"))

    async def test_frees_its_subject(self) -> None:
        """What waited behind it can be taken."""
        outbox = await self.begin()
        first = await self.put(outbox, new_order("a", subject="lock"))
        await self.put(outbox, new_order("b", subject="lock"))
        await self.end(outbox, await self.taken(outbox), UNLEARNED)
        await outbox.cancel(first, "x")
        self.assertEqual((await self.taken(outbox)).cmd, "b")
