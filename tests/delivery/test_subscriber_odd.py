"""What goes wrong beside the receiver: gaps, unreadable entries, mistakes of our own, changes in between."""

from __future__ import annotations

from unittest import mock

from twisted.internet.defer import Deferred

from tests.delivery.delivering import DeliveringCase, Receiver, refusing
from tests.store.connected import until
from tfserver.delivery import backoff
from tfserver.delivery import line as line_module
from tfserver.delivery import subscriber as subscriber_module
from tfserver.errors import ArchiveUnavailable
from tfserver.store.webhooks import Change, Webhook


class GapTests(DeliveringCase):
    """What was gone before it was delivered."""

    async def test_events(self) -> None:
        """Events that were pushed out are told in the health, and the rest is delivered."""
        await self.begin()
        await self.event("up")
        webhook = await self.webhook(kinds=("terminal",))
        for event in ("down", "up", "full"):
            await self.event(event)
        await self.client.write("XTRIM", self.client.keys.news, "MAXLEN", 1)
        process = await self.process()
        await until(lambda: bool(process.receiver.taken), "the rest is delivered")
        self.assertEqual([post.message["type"] for post in process.receiver.taken], ["terminal.full"])
        health = (await self.found(webhook)).health
        self.assertIsNotNone(health.missed_events)
        self.assertIsNone(health.missed_punches)

    async def test_punches(self) -> None:
        """Punches that retention deleted are told, and what remains behind them is delivered."""
        await self.begin()
        webhook = await self.webhook(kinds=("door", "punch"))
        self.feed.gone = ("door",)
        process = await self.process()
        await self.punch(1, 2)
        await self.got(process.receiver, [1, 2])
        self.assertIsNotNone((await self.found(webhook)).health.missed_punches)

    async def test_other_kinds(self) -> None:
        """What was deleted of kinds that a webhook is not for is no gap."""
        await self.begin()
        webhook = await self.webhook(kinds=("punch",))
        self.feed.gone = ("door",)
        process = await self.process()
        await self.punch(1)
        await self.got(process.receiver, [1])
        self.assertIsNone((await self.found(webhook)).health.missed_punches)


class OddEntryTests(DeliveringCase):
    """What can't be read, and what is large."""

    async def test_passed_over(self) -> None:
        """An entry that is no record is passed over, and logged; the others are delivered."""
        await self.begin()
        await self.webhook()
        await self.punch(1)
        await self.client.write("XADD", self.client.keys.punches, "*", "v", 1, "p", "{broken")
        await self.punch(2)
        process = await self.process()
        await self.got(process.receiver, [1, 2])

    async def test_large(self) -> None:
        """A request stays within a bound of bytes, but one message goes whatever its size."""
        await self.begin()
        await self.webhook(batch=10)
        await self.punch(*range(5))
        with mock.patch.object(line_module, "MOST_BYTES", 600):
            process = await self.process()
            await self.got(process.receiver, list(range(5)))
        self.assertEqual({len(post.people) for post in process.receiver.posts[:-1]}, {2})
        with mock.patch.object(line_module, "MOST_BYTES", 4):
            await self.punch(5, 6)
            await self.got(process.receiver, list(range(7)))


class MistakeTests(DeliveringCase):
    """A mistake of our own."""

    async def test_goes_on(self) -> None:
        """It is logged, and after a while everything goes on; other webhooks do not notice."""
        await self.begin()
        await self.webhook()
        await self.webhook(url="https://hook.example/two")
        wrong = [ValueError("ours")]

        def answer(post: object) -> object:
            return wrong.pop() if wrong else 200

        with mock.patch.object(subscriber_module, "MISTAKE_SECONDS", 0.01):
            process = await self.process(Receiver(answer))
            await self.punch(1)
            await until(lambda: process.receiver.people == [1, 1], "both got it")
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)


class StuckTests(DeliveringCase):
    """Nothing holds a webhook for ever that its receiver would take."""

    async def test_next_is_far_behind(self) -> None:
        """Who refuses one message after the other is asked about the next, also one that is pages away."""
        await self.begin()
        webhook = await self.webhook(sites=("here",))
        with mock.patch.object(line_module, "MOST_PAGES", 1), mock.patch.object(backoff, "WAITS", (0.01,)):
            process = await self.process(Receiver(refusing(1, 2, 3)))
            await self.punch(1, 2, 3, site="here")
            for first in (1000, 2000, 3000, 4000):
                await self.punch(*range(first, first + 150))
            await self.punch(4, site="here")
            await self.got(process.receiver, [4])

        async def is_dead() -> bool:
            letters, _ = await self.webhooks.dead_letters(webhook.id, 9, "0-0")
            return [(one.status, one.why) for one in letters] == [(422, "it answered 422")] * 3

        await until(is_dead, "those that were refused are dead letters, with what was answered")

    async def test_letter(self) -> None:
        """A dead letter that the receiver stumbles over holds nothing up, and is tried again."""
        await self.begin()
        webhook = await self.webhook()
        process = await self.process(Receiver(refusing(1)))
        await self.punch(1, 2)
        await self.got(process.receiver, [2])
        process.receiver.answer = refusing(1, status=500)
        with mock.patch.object(backoff, "WAITS", (0.05,)):
            await self.webhooks.redeliver(webhook.id)
            await until(lambda: process.metrics.webhooks["failed"] > 1, "it was tried twice")
            await self.punch(3)
            await self.got(process.receiver, [2, 3])
            process.receiver.answer = refusing()
            await self.got(process.receiver, [2, 3, 1])
        self.assertEqual((await self.found(webhook)).health.attempts, 0)

    async def test_archive_away(self) -> None:
        """Events of terminals go on while the archive is away that punches are read from."""
        await self.begin()
        await self.webhook()
        with mock.patch.object(self.feed, "page", side_effect=ArchiveUnavailable("away")):
            process = await self.process()
            await self.event("up")
            await self.got(process.receiver, [-1])
        await self.punch(1)
        await self.got(process.receiver, [-1, 1])


class ChangeTests(DeliveringCase):
    """A webhook that is changed while it is delivered to."""

    async def under_way(self, **more: object) -> tuple[Webhook, Receiver, Deferred[int]]:
        """A request is under way, and more wait."""
        await self.begin()
        webhook = await self.webhook(**more)
        answers: list[Deferred[int]] = [Deferred()]
        first = answers[0]
        self.process_one = await self.process(Receiver(lambda post: answers.pop() if answers else 200))
        await self.punch(1, 2, 3)
        await until(lambda: bool(self.process_one.receiver.posts), "a request is under way")
        return webhook, self.process_one.receiver, first

    async def test_other_batch(self) -> None:
        """The next request is as it is wanted now."""
        webhook, receiver, first = await self.under_way()
        await self.webhooks.change(webhook.id, Change(batch=5))
        await self.process_one.deliverer.look()
        first.callback(200)
        await self.got(receiver, [1, 2, 3])
        self.assertEqual([post.message["type"] for post in receiver.posts], ["punch", "batch"])

    async def test_other_kinds(self) -> None:
        """What is not wanted any more is not sent, also when it was read ahead."""
        webhook, receiver, first = await self.under_way()
        await self.punch(4, kind="door")
        await self.webhooks.change(webhook.id, Change(kinds=("door",)))
        await self.process_one.deliverer.look()
        first.callback(200)
        await self.got(receiver, [1, 4])

    async def test_began_anew(self) -> None:
        """A cursor that was set anew in between is not set back."""
        webhook, receiver, first = await self.under_way(kinds=("punch",))
        await self.webhooks.change(webhook.id, Change(kinds=("terminal",)))
        await self.webhooks.change(webhook.id, Change(kinds=("punch",)))
        first.callback(200)
        await self.process_one.deliverer.subscribers[webhook.id].done
        await self.process_one.deliverer.look()
        await self.punch(4)
        await self.got(receiver, [1, 4])

    async def test_new_address(self) -> None:
        """What the old address answers in the end says nothing of the new one, which is tried at once."""
        for status in (500, 410):
            webhook, receiver, first = await self.under_way()
            await self.webhooks.change(webhook.id, Change(url="https://hook.example/new"))
            first.callback(status)
            await self.got(receiver, [1, 2, 3])
            self.assertEqual({post.url for post in receiver.taken}, {"https://hook.example/new"})
            await self.process_one.deliverer.stop()
            await self.client.write("FLUSHALL")

    async def test_deleted(self) -> None:
        """One that is deleted while a request is under way leaves nothing behind."""
        webhook, receiver, first = await self.under_way()
        await self.webhooks.delete(webhook.id)
        await self.process_one.deliverer.look()
        first.callback(200)
        await until(lambda: not self.process_one.deliverer.subscribers or self._is_done(webhook), "it ended")
        self.assertEqual(await self.client.read("KEYS", f"*{webhook.id}*"), [])
        self.assertEqual(receiver.people, [1])

    def _is_done(self, webhook: Webhook) -> bool:
        return self.process_one.deliverer.subscribers[webhook.id].done.called


class OthersTests(DeliveringCase):
    """What is for others."""

    async def test_passed_with_the_step(self) -> None:
        """The step behind a message goes behind what is for others, too: no step of its own for that."""
        await self.begin()
        webhook = await self.webhook(sites=("north",))
        await self.punch(1, site="north")
        await self.punch(2, 3, site="south")
        with mock.patch.object(subscriber_module, "LAZY_SECONDS", 1e9):
            process = await self.process()
            await until(lambda: process.metrics.webhooks["delivered"] == 1, "it is counted")
        newest = (await self.feed.page("0-0", 5))[-1][0]
        self.assertEqual((await self.found(webhook)).health.cursor, newest)


class SteadyTests(DeliveringCase):
    """A steady stream."""

    async def test_fills_batches(self) -> None:
        """What comes one by one goes out together, but the first at once."""
        await self.begin()
        await self.webhook(batch=100)
        process = await self.process()
        with mock.patch.object(subscriber_module, "LINGER_SECONDS", 0.3):
            for person in range(30):
                await self.punch(person)
            await self.got(process.receiver, list(range(30)))
        self.assertEqual(process.receiver.posts[0].people[0], 0)
        self.assertLess(len(process.receiver.posts), 10)
