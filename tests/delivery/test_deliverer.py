"""What a process counts, and how it looks after its webhooks."""

from __future__ import annotations

from unittest import mock

from tests.delivery.delivering import DeliveringCase, Receiver
from tests.store.connected import until
from tfserver.errors import ScriptFailed, StoreUnavailable
from tfserver.store.webhooks import Change, State


class LookTests(DeliveringCase):
    """One look."""

    async def test_at_once(self) -> None:
        """A new webhook is delivered to from the next look on; one that ended is forgotten by another."""
        await self.begin()
        process = await self.process()
        webhook = await self.webhook()
        await process.deliverer.look()
        self.assertEqual([*process.deliverer.subscribers], [webhook.id])
        await self.webhooks.delete(webhook.id)
        await process.deliverer.look()
        await until(lambda: process.deliverer.subscribers[webhook.id].done.called, "it came to its end")
        await process.deliverer.look()
        self.assertEqual(process.deliverer.subscribers, {})

    async def test_one_at_a_time(self) -> None:
        """One that is set going again while its last request is under way begins when that is over."""
        await self.begin()
        webhook = await self.webhook()
        process = await self.process()
        await self.webhooks.change(webhook.id, Change(state=State.PAUSED))
        await process.deliverer.look()
        first = process.deliverer.subscribers[webhook.id]
        await until(lambda: first.done.called, "it came to its end")
        await self.webhooks.change(webhook.id, Change(state=State.ACTIVE))
        await process.deliverer.look()
        self.assertIsNot(process.deliverer.subscribers[webhook.id], first)

    async def test_store_away(self) -> None:
        """A look that fails changes nothing; a mistake of our own is logged."""
        await self.begin()
        webhook = await self.webhook()
        process = await self.process()
        await process.deliverer.look()
        for failure in (StoreUnavailable("away"), ScriptFailed("odd"), ValueError("odd")):
            with mock.patch.object(process.store, "tend", side_effect=failure):
                await process.deliverer.look()
            self.assertEqual([*process.deliverer.subscribers], [webhook.id])
        self.assertEqual(len(self.flushLoggedErrors(ScriptFailed, ValueError)), 2)


class MetricTests(DeliveringCase):
    """What is counted."""

    async def test_exposed(self) -> None:
        """All figures stand in the exposition, and none names a webhook."""
        await self.begin()
        webhook = await self.webhook()
        process = await self.process(Receiver(lambda post: 500))
        await self.punch(1)
        await until(lambda: process.metrics.webhooks["failed"] == 1, "it failed")
        await process.deliverer.look()
        text = process.metrics.exposition().decode()
        self.assertIn('tfserver_webhooks_total{what="failed"} 1.0', text)
        self.assertIn("tfserver_webhooks_failing 1.0", text)
        [line] = [line for line in text.splitlines() if line.startswith("tfserver_webhooks_behind_seconds")]
        self.assertGreater(float(line.split()[1]), 0)
        self.assertNotIn(webhook.id, text)

    async def test_well_again(self) -> None:
        """When all is delivered nothing fails and nothing is behind."""
        await self.begin()
        webhook = await self.webhook()
        answers = [500]
        process = await self.process(Receiver(lambda post: answers.pop() if answers else 200))
        await self.punch(1)
        await until(lambda: process.metrics.webhooks["failed"] == 1, "it failed")
        await self.webhooks.change(webhook.id, Change(state=State.ACTIVE))
        await self.got(process.receiver, [1])
        metrics = process.metrics

        async def is_well() -> bool:
            await process.deliverer.look()
            return (metrics.webhooks_failing, metrics.webhooks_behind) == (0, 0)

        await until(is_well, "all is well")
