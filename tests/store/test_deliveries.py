"""Leases and cursors of webhooks: of two that believe it is their turn only one moves on."""

from __future__ import annotations

from typing import Any
from unittest import mock

from tests.delivery.delivering import DeliveringCase
from tests.store.connected import until
from tfserver.delivery.signing import new_secret
from tfserver.store import deliveries
from tfserver.store.deliveries import NEWS, PUNCHES, Failure, LeaseLost, Letter, Refused, Step
from tfserver.store.webhooks import Change, State, Webhook

REFUSED = Refused("3-0", "punch_1", 422, "it answered 422", "{}")
NO = Failure(500, "it answered 500")
LETTER = Letter("1-0", "3-0", "punch_1", "{}")


class LeaseTests(DeliveringCase):
    """Whose turn it is."""

    async def held(self, holder: str) -> list[str]:
        """What a process holds after a look."""
        return sorted(one.id for one in (await self.deliveries(holder).tend()).held)

    async def test_one_holder(self) -> None:
        """Who looks first holds it, until he lets go."""
        await self.begin()
        webhook = await self.webhook()
        self.assertEqual(await self.held("one"), [webhook.id])
        self.assertEqual(await self.held("two"), [])
        self.assertEqual(await self.held("one"), [webhook.id])
        await self.deliveries("one").release(webhook.id)
        self.assertEqual(await self.held("two"), [webhook.id])

    async def test_runs_out(self) -> None:
        """A lease that is not renewed runs out by the store's clock; one that is renewed does not."""
        await self.begin()
        webhook = await self.webhook()
        with mock.patch.object(deliveries, "LEASE_MS", 400):
            await self.held("one")
            first = await self.hash(webhook)

            async def renewed() -> bool:
                self.assertEqual(await self.held("one"), [webhook.id])
                self.assertEqual(await self.held("two"), [])
                return int((await self.hash(webhook))["until"]) > int(first["until"]) + 400

            await until(renewed, "it was renewed for longer than one life")

            async def taken() -> bool:
                return bool(await self.held("two"))

            await until(taken, "another has it")
        self.assertEqual(await self.held("one"), [])

    async def test_clock_set_back(self) -> None:
        """A lease, and a wait, longer than any were told before the store's clock went back."""
        await self.begin()
        webhook = await self.webhook()
        await self.held("one")
        key, until_ms = self.client.keys.webhook(webhook.id), int((await self.hash(webhook))["until"])
        await self.client.write("HSET", key, "until", until_ms + 60_000, "next_try", until_ms + 86_400_000)
        [found] = (await self.deliveries("two").tend()).held
        self.assertEqual((found.id, found.wait), (webhook.id, 0))
        self.assertEqual(await self.held("one"), [])

    async def test_renewed_seldom(self) -> None:
        """A lease that has most of its life before it is not written again."""
        await self.begin()
        webhook = await self.webhook()
        await self.held("one")
        key, until_ms = self.client.keys.webhook(webhook.id), int((await self.hash(webhook))["until"])
        for earlier, is_kept in ((1000, True), (3000, True), (6000, False)):
            await self.client.write("HSET", key, "until", until_ms - earlier)
            await self.held("one")
            kept = int((await self.hash(webhook))["until"]) == until_ms - earlier
            self.assertEqual(kept, is_kept, earlier)

    async def test_only_active(self) -> None:
        """Nobody holds what is paused or stopped."""
        await self.begin()
        webhook = await self.webhook()
        await self.webhooks.change(webhook.id, Change(state=State.PAUSED))
        self.assertEqual(await self.held("one"), [])
        await self.webhooks.change(webhook.id, Change(state=State.ACTIVE))
        self.assertEqual(await self.held("one"), [webhook.id])

    async def test_told(self) -> None:
        """With the lease comes how the webhook is: its version, its wait, what is to be sent again."""
        await self.begin()
        webhook, store = await self.webhook(), self.deliveries("one")
        [held] = (await store.tend()).held
        self.assertEqual(held, (webhook.id, 1, 0, 0))
        await self.webhooks.change(webhook.id, Change(batch=9))
        await store.failed(webhook.id, 2, 50, NO)
        await store.advance(webhook.id, Step(PUNCHES, "0-0", "1-0", 0, 422, [REFUSED]))
        await store.failed(webhook.id, 2, 50, NO)
        await self.webhooks.redeliver(webhook.id)
        tended = await store.tend()
        [held] = tended.held
        self.assertEqual((held.version, held.again), (2, 1))
        self.assertTrue(45 < held.wait <= 50)
        self.near(tended.now_ms / 1000, int((await self.client.read("TIME"))[0]), 30)

    async def test_nothing_without_it(self) -> None:
        """Without the lease no step is taken, and nothing is written."""
        await self.begin()
        webhook = await self.webhook()
        await self.deliveries("one").tend()
        two, one = self.deliveries("two"), webhook.id
        before = await self.hash(webhook)
        steps: list[Any] = [
            two.standing(one),
            two.advance(one, Step(PUNCHES, "0-0", "5-0", 1, 200)),
            two.failed(one, 1, 5, NO),
            two.stop(one, 1, NO),
            two.missed(one, NEWS),
            two.sent_again(one, LETTER, 200),
            two.refused_again(one, LETTER, REFUSED),
        ]
        for step in steps:
            await self.fails(step, LeaseLost)
        await two.release(one)
        self.assertEqual(await self.hash(webhook), before)

    async def test_deleted(self) -> None:
        """A step for what is forgotten makes nothing anew."""
        await self.begin()
        webhook, store = await self.webhook(), self.deliveries("one")
        await store.tend()
        await self.webhooks.delete(webhook.id)
        await self.fails(store.failed(webhook.id, 1, 5, NO), LeaseLost)
        await self.fails(store.advance(webhook.id, Step(PUNCHES, "0-0", "5-0", 1, 200)), LeaseLost)
        self.assertEqual(await self.client.read("KEYS", f"*{webhook.id}*"), [])


class StepTests(DeliveringCase):
    """How a cursor moves."""

    async def mine(self) -> Webhook:
        """A webhook that process one delivers to."""
        await self.begin()
        webhook, self.one = await self.webhook(), self.deliveries("one")
        await self.one.tend()
        return webhook

    async def test_compared(self) -> None:
        """A cursor that was moved by somebody else stays where it is."""
        webhook = await self.mine()
        await self.one.advance(webhook.id, Step(PUNCHES, "0-0", "5-0", 1, 200))
        await self.fails(self.one.advance(webhook.id, Step(PUNCHES, "0-0", "7-0", 1, 200)), LeaseLost)
        found = (await self.found(webhook)).health
        self.assertEqual((found.cursor, found.delivered, found.last_status), ("5-0", 1, 200))

    async def test_again(self) -> None:
        """The same step again, because its answer was lost, changes nothing."""
        webhook = await self.mine()
        step = Step(PUNCHES, "0-0", "5-0", 3, 200, [REFUSED])
        await self.one.advance(webhook.id, step)
        await self.one.advance(webhook.id, step)
        found = (await self.found(webhook)).health
        self.assertEqual((found.cursor, found.delivered, found.dead), ("5-0", 3, 1))

    async def test_two_cursors(self) -> None:
        """Punches and events have a cursor each."""
        webhook = await self.mine()
        await self.one.advance(webhook.id, Step(NEWS, "0-0", "9-0", 1, 200))
        standing = await self.one.standing(webhook.id)
        self.assertEqual(standing.cursors, {PUNCHES: "0-0", NEWS: "9-0"})

    async def test_standing(self) -> None:
        """All that delivering needs is told at once."""
        await self.begin()
        first, second = new_secret(), new_secret()
        webhook = await self.webhook(secret=first, kinds=("door",), sites=("north",), batch=3)
        store = self.deliveries("one")
        await store.tend()
        standing = await store.standing(webhook.id)
        self.assertEqual((standing.kinds, standing.sites), ({"door"}, {"north"}))
        self.assertEqual((standing.batch, standing.secrets, standing.attempts), (3, [first], 0))
        await self.webhooks.change(webhook.id, Change(secret=second))
        standing = await store.standing(webhook.id)
        self.assertEqual(standing.secrets, [second, first])
        self.near(standing.old_secret_seconds, 86_400, 60)

    async def test_failures(self) -> None:
        """Failures in a row are counted since the first; what is accepted ends them."""
        webhook = await self.mine()
        await self.one.failed(webhook.id, 1, 5, NO)
        first = (await self.found(webhook)).health
        await self.one.failed(webhook.id, 1, 5, Failure(None, "nobody is there"))
        found = (await self.found(webhook)).health
        self.assertEqual((found.attempts, found.failing_since), (2, first.failing_since))
        self.assertEqual((found.last_status, found.last_error), (None, "nobody is there"))
        self.assertEqual((await self.one.standing(webhook.id)).attempts, 2)
        await self.one.advance(webhook.id, Step(PUNCHES, "0-0", "5-0", 1, 204))
        found = (await self.found(webhook)).health
        self.assertEqual((found.attempts, found.failing_since, found.next_try), (0, None, None))
        self.assertEqual((found.last_status, found.last_error), (204, ""))

    async def test_changed_meanwhile(self) -> None:
        """A failure of what the webhook was before it was changed holds and stops nothing."""
        webhook = await self.mine()
        changed = await self.webhooks.change(webhook.id, Change(url="https://b.example/"))
        self.assertFalse(await self.one.failed(webhook.id, 1, 5, NO))
        self.assertFalse(await self.one.stop(webhook.id, 1, NO))
        self.assertEqual(await self.found(webhook), changed)
        self.assertTrue(await self.one.failed(webhook.id, 2, 5, NO))
        self.assertTrue(await self.one.stop(webhook.id, 2, NO))
        self.assertIs((await self.found(webhook)).state, State.STOPPED)

    async def test_passing_by(self) -> None:
        """A cursor that passes by what is for others says nothing of the receiver."""
        webhook = await self.mine()
        await self.one.failed(webhook.id, 1, 5, NO)
        await self.one.advance(webhook.id, Step(PUNCHES, "0-0", "5-0"))
        found = (await self.found(webhook)).health
        self.assertEqual((found.cursor, found.attempts, found.last_success), ("5-0", 1, None))

    async def test_refused_in_a_row(self) -> None:
        """How many were refused in a row is remembered until one is accepted."""
        webhook = await self.mine()
        await self.one.advance(webhook.id, Step(PUNCHES, "0-0", "1-0", 0, 422, [REFUSED]))
        await self.one.advance(webhook.id, Step(PUNCHES, "1-0", "2-0", 0, 422, [REFUSED]))
        self.assertEqual((await self.one.standing(webhook.id)).refused, 2)
        await self.one.advance(webhook.id, Step(PUNCHES, "2-0", "3-0", 1, 200, [REFUSED]))
        self.assertEqual((await self.one.standing(webhook.id)).refused, 0)

    async def test_missed(self) -> None:
        """What was gone before it was delivered is told with its time."""
        webhook = await self.mine()
        self.assertIsNone((await self.found(webhook)).health.missed_events)
        await self.one.missed(webhook.id, NEWS)
        await self.one.missed(webhook.id, PUNCHES)
        health = (await self.found(webhook)).health
        self.assertIsNotNone(health.missed_events)
        self.assertIsNotNone(health.missed_punches)


class NewsTests(DeliveringCase):
    """Events of terminals."""

    async def test_pages(self) -> None:
        """They come in order, behind a place."""
        await self.begin()
        for event in ("up", "down", "full"):
            await self.event(event)
        store = self.deliveries("one")
        page, is_gap = await store.news("0-0", 2)
        self.assertEqual((len(page), is_gap), (2, False))
        rest, is_gap = await store.news(page[-1][0], 2)
        self.assertEqual((len(rest), is_gap), (1, False))
        self.assertIn("full", rest[0][1])
        self.assertEqual(await store.news(rest[0][0], 2), ([], False))

    async def test_gap(self) -> None:
        """That some were pushed out is told with the page behind them."""
        await self.begin()
        for event in ("up", "down", "full"):
            await self.event(event)
        store = self.deliveries("one")
        [(first, _)], _ = await store.news("0-0", 1)
        await self.client.write("XTRIM", self.client.keys.news, "MAXLEN", 1)
        page, is_gap = await store.news(first, 5)
        self.assertEqual((len(page), is_gap), (1, True))
