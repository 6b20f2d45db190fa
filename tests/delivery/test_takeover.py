"""Several processes and one webhook: one delivers, another goes on when it dies, and nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest import mock

from twisted.internet import task
from twisted.internet.defer import Deferred, gatherResults

from tests.delivery.delivering import DeliveringCase, Post, Receiver
from tests.store.connected import until
from tfserver.delivery.signing import new_secret
from tfserver.errors import StoreUnavailable
from tfserver.store import deliveries
from tfserver.store.deliveries import Step
from tfserver.store.webhooks import Change, Webhook


class SeveralTests(DeliveringCase):
    """Processes beside each other."""

    async def test_one_delivers(self) -> None:
        """Of three processes one delivers to a webhook, and each message goes out once."""
        await self.begin()
        for _ in range(3):
            await self.webhook(batch=5)
        receiver = Receiver()
        processes = [await self.process(receiver, holder) for holder in ("one", "two", "three")]
        for _ in range(4):
            await self.punch(*range(10))
            await gatherResults([Deferred.fromCoroutine(one.deliverer.look()) for one in processes])
        await until(lambda: len(receiver.people) == 120, "all is delivered")
        self.assertEqual(sum(len(one.deliverer.subscribers) for one in processes), 3)

    async def test_stop_hands_over(self) -> None:
        """What a process lets go at its stop another goes on with at once, where it stood."""
        await self.begin()
        await self.webhook()
        receiver = Receiver()
        first = await self.process(receiver, "one")
        await self.punch(1)
        await self.got(receiver, [1])
        second = await self.process(receiver, "two")
        self.assertEqual(second.deliverer.subscribers, {})
        await first.deliverer.stop()
        await self.punch(2)
        await second.deliverer.look()
        await self.got(receiver, [1, 2])

    async def test_dead_process(self) -> None:
        """What a dead process held goes on in another when its lease has run out by the store's clock."""
        await self.begin()
        webhook = await self.webhook()
        dead = self.deliveries("dead")
        with mock.patch.object(deliveries, "LEASE_MS", 300):
            await dead.tend()
        await self.punch(1)
        process = await self.process()
        self.assertEqual(process.deliverer.subscribers, {})
        await until(lambda: self._holds(process.deliverer, webhook), "another holds it")
        await self.got(process.receiver, [1])

    async def test_waits_on(self) -> None:
        """Another process goes on with the waits where the first one was."""
        await self.begin()
        webhook = await self.webhook()
        await self.client.write("HSET", self.client.keys.webhook(webhook.id), "attempts", 4)
        process = await self.process(Receiver(lambda post: 500))
        await self.punch(1)

        async def failed() -> bool:
            return (await self.found(webhook)).health.attempts == 5

        await until(failed, "it failed once more")
        told = await self.hash(webhook)
        self.assertEqual(int(told["next_try"]) - int(told["last_failure"]), 300_000)
        self.assertEqual(len(process.receiver.posts), 1)

    async def _holds(self, deliverer: Any, webhook: Webhook) -> bool:
        await deliverer.look()
        return webhook.id in deliverer.subscribers

    async def test_stop_waits_for_the_request(self) -> None:
        """A stop waits for the request that is under way, so that it need not be made again."""
        await self.begin()
        webhook = await self.webhook()
        answer: Deferred[int] = Deferred()
        await self.event("up")
        process = await self.process(Receiver(lambda post: answer))
        await self.punch(1, 2)
        await until(lambda: bool(process.receiver.posts), "it is under way")
        stopping = Deferred.fromCoroutine(process.deliverer.stop())
        answer.callback(200)
        await stopping
        self.assertEqual(len(process.receiver.taken), 1)
        self.assertEqual((await self.found(webhook)).health.delivered, 1)
        self.assertNotIn("holder", await self.hash(webhook))

    async def test_stop_does_not_wait_for_ever(self) -> None:
        """Nor does a stop wait long for a receiver that does not answer."""
        clock = task.Clock()
        await self.begin()
        webhook = await self.webhook()
        silence: Deferred[int] = Deferred()
        process = await self.process(Receiver(lambda post: silence), clock=clock)
        await self.punch(1)
        await until(lambda: bool(process.receiver.posts), "it is under way")
        stopping = Deferred.fromCoroutine(process.deliverer.stop())
        clock.advance(1.9)
        self.assertFalse(stopping.called)
        clock.advance(0.2)
        await stopping
        self.assertNotIn("holder", await self.hash(webhook))


class Died(Exception):
    """The process ends here."""


class DyingTests(DeliveringCase):
    """kill -9 at each step: what is kept of a process is only what stands in the store."""

    async def dies(self, step: str, is_done: bool, batch: int) -> list[Post]:
        """Everything that came when a process died at a step, before or after it, and another went on."""
        await self.begin()
        webhook = await self.webhook(batch=batch)
        receiver = Receiver(lambda post: 422 if 3 in post.people else 200)
        first = await self.process(receiver, "one")
        whole = getattr(first.store, step)
        calls = []

        async def dying(*args: Any) -> None:
            calls.append(args)
            if is_done:
                await whole(*args)
            first.deliverer._looks.stop()
            await Deferred()

        with mock.patch.object(first.store, step, dying):
            await self.punch(*range(1, 7))
            await until(lambda: bool(calls), "it has come so far")
        await self.client.write("HSET", self.client.keys.webhook(webhook.id), "until", 0)
        second = await self.process(receiver, "two")
        await until(lambda: bool(receiver.people) and receiver.people[-1] == 6, "the rest is delivered")
        letters, _ = await self.webhooks.dead_letters(webhook.id, 10, "0-0")
        self.assertEqual(len({letter.message_id for letter in letters}), 1)
        self.assertEqual({*receiver.people}, {1, 2, 4, 5, 6})
        self.assertTrue(second.deliverer.subscribers)
        return receiver.taken

    async def test_after_the_answer(self) -> None:
        """A process that dies between answer and step: that one message comes twice, with the same id."""
        taken = await self.dies("advance", False, 1)
        self.assertEqual([post.people for post in taken], [[1], [1], [2], [4], [5], [6]])
        self.assertEqual((taken[0].id, taken[0].body), (taken[1].id, taken[1].body))

    async def test_after_the_step(self) -> None:
        """One that dies after the step leaves nothing to do again."""
        taken = await self.dies("advance", True, 1)
        self.assertEqual([post.people for post in taken], [[1], [2], [4], [5], [6]])

    async def test_in_bisection(self) -> None:
        """One that dies while a batch is halved: the last part may come again, nothing is missing."""
        taken = await self.dies("advance", False, 6)
        people = [person for post in taken for person in post.people]
        self.assertLessEqual(len(people), 5 + 2)

    async def test_before_reading(self) -> None:
        """One that dies before it read where the webhook stands leaves all to the next."""
        taken = await self.dies("standing", False, 1)
        self.assertEqual([post.people for post in taken], [[1], [2], [4], [5], [6]])


class StoreAwayTests(DeliveringCase):
    """The store goes away while something is delivered."""

    async def test_accepted_once(self) -> None:
        """What was accepted is not sent again only because the store did not take the step at once."""
        await self.begin()
        await self.webhook()
        process = await self.process()
        whole, tries = process.store.advance, []

        async def away(webhook_id: str, step: Step) -> None:
            tries.append(step)
            if len(tries) == 1:
                raise StoreUnavailable("away")
            if len(tries) == 2:
                await whole(webhook_id, step)
                raise StoreUnavailable("its answer was lost")
            await whole(webhook_id, step)

        with mock.patch.object(process.store, "advance", away):
            await self.punch(1, 2)
            await self.got(process.receiver, [1, 2])
        self.assertEqual([post.people for post in process.receiver.posts], [[1], [2]])

    async def test_restart(self) -> None:
        """After the store was away everything goes on."""
        await self.begin()
        webhook = await self.webhook()
        process = await self.process()
        await self.punch(1)
        await self.got(process.receiver, [1])
        self.store.kill()
        await until(lambda: not self.client.ready, "it is noticed")
        await process.deliverer.look()
        self.store.start()
        await self.back(self.client)
        await self.punch(2)
        await self.got(process.receiver, [1, 2])
        self.assertEqual((await self.found(webhook)).health.dead, 0)

    async def test_lost_lease(self) -> None:
        """A process that was asleep while its lease ran out does not move the cursor that another moved."""
        await self.begin()
        webhook = await self.webhook()
        answer: Deferred[int] = Deferred()
        slow = await self.process(Receiver(lambda post: answer), "slow")
        await self.punch(1, 2)
        await until(lambda: bool(slow.receiver.posts), "its request is under way")
        key = self.client.keys.webhook(webhook.id)
        await self.client.write("HSET", key, "holder", "gone", "until", 0)
        quick = await self.process(holder="quick")
        await self.got(quick.receiver, [1, 2])
        await until(lambda: quick.metrics.webhooks["delivered"] == 2, "the cursor is there")
        before = await self.hash(webhook)
        answer.callback(200)
        await slow.deliverer.subscribers[webhook.id].done
        after = await self.hash(webhook)
        self.assertEqual((after["punches"], after["delivered"]), (before["punches"], before["delivered"]))
        self.assertEqual(len(slow.receiver.posts), 1)

    async def test_failure_of_one_that_lost(self) -> None:
        """Nor does it tell a failure, or stop what another delivers to."""
        await self.begin()
        webhook = await self.webhook()
        for status in (410, 500):
            answer: Deferred[int] = Deferred()
            slow = await self.process(Receiver(_always(answer)), f"slow{status}")
            await self.punch(status)
            await until(_has_posts(slow.receiver), "its request is under way")
            key = self.client.keys.webhook(webhook.id)
            await self.client.write("HSET", key, "holder", "gone", "until", 9e15)
            answer.callback(status)
            await slow.deliverer.subscribers[webhook.id].done
            found = await self.found(webhook)
            self.assertEqual((found.state, found.health.attempts), ("active", 0))
            await slow.deliverer.stop()
            await self.client.write("HSET", key, "until", 0)


class SecretTests(DeliveringCase):
    """What is sealed."""

    async def test_rotation(self) -> None:
        """After a change of the secret both sign, until the old one is over."""
        await self.begin()
        webhook = await self.webhook()
        process = await self.process()
        await self.webhooks.change(webhook.id, Change(secret=new_secret()))
        await process.deliverer.look()
        await self.punch(1)
        await self.got(process.receiver, [1])
        self.assertEqual(len(process.receiver.posts[-1].headers["webhook-signature"].split()), 2)
        await self.client.write("HSET", self.client.keys.webhook(webhook.id), "previous_until", 1)
        await self.webhooks.change(webhook.id, Change(batch=1))
        await process.deliverer.look()
        await self.punch(2)
        await self.got(process.receiver, [1, 2])
        self.assertEqual(len(process.receiver.posts[-1].headers["webhook-signature"].split()), 1)

    async def test_old_secret_ends(self) -> None:
        """Where nothing else happens it ends by itself."""
        await self.begin()
        webhook = await self.webhook()
        await self.webhooks.change(webhook.id, Change(secret=new_secret()))
        clock = task.Clock()
        process = await self.process(clock=clock)
        await self.punch(1)
        await until(lambda: process.receiver.people == [1], "it came")
        key = self.client.keys.webhook(webhook.id)
        await until(lambda: self._is_behind(webhook), "the cursor is moved")
        await self.client.write("HSET", key, "previous_until", 1)
        clock.advance(86_400)
        await self.punch(2)

        async def second() -> bool:
            clock.advance(1)
            return process.receiver.people == [1, 2]

        await until(second, "the second came")
        signed = [len(post.headers["webhook-signature"].split()) for post in process.receiver.posts]
        self.assertEqual(signed, [2, 1])

    async def _is_behind(self, webhook: Webhook) -> bool:
        return (await self.found(webhook)).health.delivered == 1


def _always(answer: Deferred[int]) -> Callable[[Post], Deferred[int]]:
    return lambda post: answer


def _has_posts(receiver: Receiver) -> Callable[[], bool]:
    return lambda: bool(receiver.posts)
