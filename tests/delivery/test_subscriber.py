"""Rules of delivery, on a real store: order, repeats, hold, dead letters, filters."""

from __future__ import annotations

from unittest import mock

from twisted.internet.defer import Deferred

from tests.delivery.delivering import NO_ANSWER, OK, DeliveringCase, Post, Receiver, refusing
from tests.store.connected import until
from tfserver.delivery import backoff
from tfserver.delivery.sending import Sent
from tfserver.store.webhooks import Change, State


class InOrderTests(DeliveringCase):
    """What a receiver that is well gets."""

    async def test_singles(self) -> None:
        """Each punch goes alone, in order, with its place, its type and its time."""
        await self.begin()
        webhook = await self.webhook()
        process = await self.process()
        await self.punch(1, 2, 3)
        await self.got(process.receiver, [1, 2, 3])
        first = process.receiver.posts[0]
        self.assertEqual((first.url, first.message["type"]), ("https://hook.example/one", "punch"))
        data = first.message["data"]
        self.assertEqual(first.id, f"punch_{data['uid']}")
        page = await self.feed.page("0-0", 3)
        self.assertEqual(data["id"], page[0][0])
        await until(lambda: process.metrics.webhooks["delivered"] == 3, "all are counted")
        health = (await self.found(webhook)).health
        self.assertEqual((health.delivered, health.cursor), (3, page[-1][0]))
        self.assertIsNotNone(health.last_success)

    async def test_batches(self) -> None:
        """A batch brings at most so many, each a whole message, and all of them in order."""
        await self.begin()
        await self.webhook(batch=4)
        await self.punch(*range(1, 12))
        process = await self.process()
        await self.got(process.receiver, list(range(1, 12)))
        self.assertEqual([len(post.people) for post in process.receiver.posts], [4, 4, 3])
        told = process.receiver.posts[0].message
        self.assertEqual(told["type"], "batch")
        self.assertEqual(told["timestamp"], told["data"][-1]["timestamp"])
        self.assertEqual(set(told["data"][0]), {"type", "timestamp", "data"})

    async def test_begins_with_what_comes(self) -> None:
        """Without a place a new webhook gets what comes next, with one it gets what is behind it."""
        await self.begin()
        await self.punch(1, 2, 3)
        page = await self.feed.page("0-0", 3)
        await self.webhook()
        await self.webhook(url="https://hook.example/all", after="0-0")
        await self.webhook(url="https://hook.example/some", after=page[1][0])
        process = await self.process()
        await self.punch(4)
        await until(lambda: len(process.receiver.people) == 7, "all got theirs")
        got = {url: [n for post in process.receiver.taken if post.url.endswith(url) for n in post.people]
               for url in ("one", "all", "some")}  # fmt: skip
        self.assertEqual(got, {"one": [4], "all": [1, 2, 3, 4], "some": [3, 4]})

    async def test_kinds_and_sites(self) -> None:
        """A webhook gets the kinds and sites it asked for, and its cursor passes by the others."""
        await self.begin()
        webhook = await self.webhook(kinds=("door", "stranger"), sites=("north",))
        process = await self.process()
        await self.punch(1, site="north")
        await self.punch(2, site="south", kind="door")
        await self.punch(3, site="north", kind="door")
        await self.punch(4, kind="stranger")
        await self.event("up", "north")
        await self.got(process.receiver, [3])
        newest = (await self.feed.page("0-0", 10))[-1][0]
        await until(lambda: self._is_at(webhook.id, newest), "the cursor is behind what is for others")
        self.assertEqual(process.receiver.people, [3])

    async def _is_at(self, webhook_id: str, place: str) -> bool:
        found = await self.webhooks.get(webhook_id)
        return found is not None and found.health.cursor == place

    async def test_events_of_terminals(self) -> None:
        """Events of terminals travel the same way, and can be had alone."""
        await self.begin()
        await self.webhook(kinds=("terminal",), sites=("north",))
        process = await self.process()
        await self.punch(1, site="north")
        await self.event("down", "south")
        await self.event("up", "north")
        await until(lambda: bool(process.receiver.taken), "the event is delivered")
        [post] = process.receiver.taken
        self.assertEqual(post.message["type"], "terminal.up")
        self.assertEqual(post.message["data"]["sn"], "T1")

    async def test_many_for_others(self) -> None:
        """One punch among thousands for others is found."""
        await self.begin()
        await self.webhook(sites=("north",))
        for _ in range(15):
            await self.punch(*[9] * 150, site="south")
        await self.punch(1, site="north")
        process = await self.process()
        await self.punch(2, site="north")
        await self.got(process.receiver, [1, 2])


class HoldTests(DeliveringCase):
    """Receivers that can't take it now."""

    async def failing(self, *answers: object) -> None:
        """After these answers the receiver is well: everything came, in order, and nothing too often."""
        await self.begin()
        webhook = await self.webhook()
        left = list(answers)
        with mock.patch.object(backoff, "WAITS", (0.01,)):
            process = await self.process(Receiver(lambda post: left.pop(0) if left else 200))
            await self.punch(1, 2)
            await self.got(process.receiver, [1, 2])
        self.assertEqual(
            [post.people for post in process.receiver.posts[: len(answers)]], [[1]] * len(answers)
        )
        self.assertEqual(len({post.id for post in process.receiver.posts[: len(answers)]}), 1)
        self.assertEqual(process.metrics.webhooks["failed"], len(answers))
        await until(lambda: process.metrics.webhooks["delivered"] == 2, "both are counted")
        health = (await self.found(webhook)).health
        self.assertEqual((health.attempts, health.failing_since, health.last_error), (0, None, ""))
        self.assertEqual(health.dead, 0)

    async def test_server_errors(self) -> None:
        """5xx, redirects, time-outs and lost connections hold the line."""
        await self.failing(500, 503, 301, NO_ANSWER, 100)

    async def test_of_the_moment(self) -> None:
        """4xx that speak of the moment hold the line too."""
        await self.failing(429, 408, 425)

    async def test_health(self) -> None:
        """Since when, how often, when next, and in words; what waits is counted as behind."""
        await self.begin()
        webhook = await self.webhook()
        process = await self.process(Receiver(lambda post: NO_ANSWER))
        await self.punch(1)
        await until(lambda: process.metrics.webhooks["failed"] == 1, "it failed")
        await until(lambda: self._attempts(webhook.id, 1), "that is told")
        health = (await self.found(webhook)).health
        self.assertEqual((health.last_status, health.last_error), (None, str(NO_ANSWER)))
        self.assertIsNotNone(health.failing_since)
        self.assertIsNotNone(health.next_try)
        await process.deliverer.look()
        self.assertEqual(process.metrics.webhooks_failing, 1)
        self.assertGreater(process.metrics.webhooks_behind, 0)

    async def _attempts(self, webhook_id: str, count: int) -> bool:
        found = await self.webhooks.get(webhook_id)
        return found is not None and found.health.attempts == count

    async def asked_to_wait(self, status: int, asked: float) -> float:
        """For how many seconds a receiver is left alone that asks for so many."""
        await self.begin()
        webhook = await self.webhook()
        process = await self.process(Receiver(lambda post: Sent(status, asked)))
        await self.punch(1)
        await until(lambda: self._attempts(webhook.id, 1), "it failed")
        told = await self.hash(webhook)
        self.assertEqual(len(process.receiver.posts), 1)
        return (int(told["next_try"]) - int(told["last_failure"])) / 1000

    async def test_retry_after(self) -> None:
        """A receiver that says how long to leave it alone is left alone for that long."""
        self.assertEqual(await self.asked_to_wait(429, 120.0), 120)

    async def test_retry_after_503(self) -> None:
        """Also one that is down for a known time, within reason."""
        self.assertEqual(await self.asked_to_wait(503, 86_400.0), 14_400)

    async def test_retry_at_once(self) -> None:
        """One that wants it again at once does not get it in a tight loop."""
        self.assertEqual(await self.asked_to_wait(429, 0.0), 1)

    async def test_retry_after_others(self) -> None:
        """From other answers no such word is taken."""
        self.assertEqual(await self.asked_to_wait(500, 120.0), 1)

    async def test_another_is_not_slowed(self) -> None:
        """While one receiver never answers, another gets everything."""
        await self.begin()
        await self.webhook(url="https://hook.example/silent")
        await self.webhook()
        process = await self.process(
            Receiver(lambda post: Deferred() if post.url.endswith("silent") else 200)
        )
        await self.punch(1, 2, 3)
        await self.got(process.receiver, [1, 2, 3])

    async def test_gone(self) -> None:
        """410 stops the webhook, which is told; nothing more is sent until somebody sets it going again."""
        await self.begin()
        webhook = await self.webhook()
        process = await self.process(Receiver(lambda post: 410))
        await self.punch(1, 2)
        await until(lambda: self._is(webhook.id, State.STOPPED), "it is stopped")
        await process.deliverer.look()
        found = await self.found(webhook)
        self.assertEqual((found.health.last_status, len(process.receiver.posts)), (410, 1))
        self.assertIn("410", found.health.last_error)
        process.receiver.answer = lambda post: 200
        await self.webhooks.change(webhook.id, Change(state=State.ACTIVE))
        await self.got(process.receiver, [1, 2])

    async def _is(self, webhook_id: str, state: State) -> bool:
        found = await self.webhooks.get(webhook_id)
        return found is not None and found.state is state

    async def test_new_address(self) -> None:
        """A new address is tried at once, however long the old one was to be left alone."""
        await self.begin()
        webhook = await self.webhook()
        process = await self.process(
            Receiver(lambda post: 200 if post.url.endswith("new") else Sent(503, 9e9))
        )
        await self.punch(1)
        await until(lambda: self._attempts(webhook.id, 1), "it failed")
        await self.webhooks.change(webhook.id, Change(url="https://hook.example/new"))
        await self.got(process.receiver, [1])

    async def test_other_change_keeps_waiting(self) -> None:
        """Another change does not shorten the wait that a receiver asked for."""
        await self.begin()
        webhook = await self.webhook()
        process = await self.process(Receiver(lambda post: Sent(503, 9e9)))
        await self.punch(1)
        await until(lambda: self._attempts(webhook.id, 1), "it failed")
        await self.webhooks.change(webhook.id, Change(kinds=("punch",)))
        for _ in range(20):
            await process.deliverer.look()
        self.assertEqual(len(process.receiver.posts), 1)

    async def test_pause(self) -> None:
        """A webhook that is paused gets nothing, and everything afterwards."""
        await self.begin()
        webhook = await self.webhook()
        process = await self.process()
        await self.punch(1)
        await self.got(process.receiver, [1])
        await self.webhooks.change(webhook.id, Change(state=State.PAUSED))
        await process.deliverer.look()
        await until(lambda: process.deliverer.subscribers[webhook.id].done.called, "nobody delivers")
        await self.punch(2)
        await process.deliverer.look()
        self.assertEqual(process.deliverer.subscribers, {})
        await self.webhooks.change(webhook.id, Change(state=State.ACTIVE))
        await self.got(process.receiver, [1, 2])


class RefusedTests(DeliveringCase):
    """Messages that a receiver does not want."""

    async def dead(self, webhook_id: str) -> list[int]:
        """The enrollids of the dead letters."""
        letters, _ = await self.webhooks.dead_letters(webhook_id, 100, "0-0")
        return [Post("", "", {}, bytes(letter.message)).people[0] for letter in letters]

    async def test_isolated(self) -> None:
        """Of a batch the one that is refused goes to the dead letters, the rest is delivered in order."""
        await self.begin()
        webhook = await self.webhook(batch=16)
        process = await self.process(Receiver(refusing(7)))
        await self.punch(*range(1, 17))
        await self.got(process.receiver, [n for n in range(1, 17) if n != 7])
        await until(lambda: process.metrics.webhooks["dead"] == 1, "it is counted")
        letters, cursor = await self.webhooks.dead_letters(webhook.id, 10, "0-0")
        [letter], health = letters, (await self.found(webhook)).health
        self.assertIsNone(cursor)
        self.assertEqual((letter.status, letter.why), (422, "it answered 422"))
        self.assertEqual(await self.dead(webhook.id), [7])
        self.assertEqual((health.dead, health.delivered, health.failing_since), (1, 15, None))

    async def test_singles(self) -> None:
        """Also where each goes alone."""
        await self.begin()
        webhook = await self.webhook()
        process = await self.process(Receiver(refusing(2, 4, 5)))
        await self.punch(1, 2, 3, 4, 5, 6)
        await self.got(process.receiver, [1, 3, 6])
        self.assertEqual(await self.dead(webhook.id), [2, 4, 5])

    async def test_wrong_receiver(self) -> None:
        """A receiver that refuses everything does not empty the feed into the dead letters."""
        await self.begin()
        webhook = await self.webhook(batch=20)
        with mock.patch.object(backoff, "WAITS", (0.01,)):
            process = await self.process(Receiver(lambda post: 200 if post.url.endswith("new") else 401))
            await self.punch(*range(1, 41))
            await until(lambda: process.metrics.webhooks["failed"] >= 8, "it is held")
        self.assertEqual(await self.dead(webhook.id), [1, 2])
        health = (await self.found(webhook)).health
        self.assertIn("refuses", health.last_error)
        self.assertIsNotNone(health.failing_since)
        await self.webhooks.change(webhook.id, Change(url="https://hook.example/new"))
        await self.got(process.receiver, list(range(3, 41)))

    async def test_came_to_its_senses(self) -> None:
        """What was refused while the receiver was wrong, and a later one no more, gets another chance."""
        await self.begin()
        webhook = await self.webhook()
        answers = [401] * 4
        process = await self.process(Receiver(lambda post: answers.pop() if answers else 200))
        await self.punch(*range(1, 7))
        await self.got(process.receiver, [5, 3, 4, 6])
        self.assertEqual(await self.dead(webhook.id), [1, 2])

    async def long_run(self, batch: int) -> None:
        """28 messages in a row that nobody wants go to the dead letters."""
        await self.begin()
        webhook = await self.webhook(batch=batch)
        with mock.patch.object(backoff, "WAITS", (0.01,)):
            process = await self.process(Receiver(refusing(*range(2, 30))))
            await self.punch(*range(1, 32))
            await self.got(process.receiver, [1, 30, 31])
        await until(lambda: process.metrics.webhooks["dead"] == 28, "all are counted")
        self.assertEqual(await self.dead(webhook.id), list(range(2, 30)))

    async def test_long_run(self) -> None:
        """A run of messages that nobody wants is passed when one behind it is accepted."""
        await self.long_run(1)

    async def test_long_run_in_batches(self) -> None:
        """Also where they go in batches."""
        await self.long_run(8)

    async def test_bounded(self) -> None:
        """The oldest dead letters go first."""
        self.settings = self.settings.__class__(dead_letters=3)
        await self.begin()
        webhook = await self.webhook()
        process = await self.process(Receiver(refusing(*range(1, 20, 2))))
        await self.punch(*range(1, 21))
        await self.got(process.receiver, list(range(2, 21, 2)))
        await until(lambda: process.metrics.webhooks["dead"] == 10, "all are counted")
        self.assertEqual(await self.dead(webhook.id), [15, 17, 19])
        self.assertEqual((await self.found(webhook)).health.dead, 10)

    async def test_redelivered(self) -> None:
        """Dead letters are sent again when somebody wants it, with the same id; the refused stay."""
        await self.begin()
        webhook = await self.webhook()
        process = await self.process(Receiver(refusing(1, 3)))
        await self.punch(1, 2, 3, 4)
        await self.got(process.receiver, [2, 4])
        first = process.receiver.posts[0]
        process.receiver.answer = refusing(3)
        self.assertEqual(await self.webhooks.redeliver(webhook.id), 2)
        await self.got(process.receiver, [2, 4, 1])
        again = process.receiver.taken[-1]
        self.assertEqual((again.id, again.body), (first.id, first.body))
        await until(lambda: self._waits(webhook.id, 0), "all were sent again")
        self.assertEqual(await self.dead(webhook.id), [3])
        self.assertEqual(process.metrics.webhooks["redelivered"], 1)

    async def test_redelivered_in_batches(self) -> None:
        """Who gets batches gets them again as they came: the same id, the same bytes."""
        await self.begin()
        webhook = await self.webhook(batch=10)
        process = await self.process(Receiver(refusing(2)))
        await self.punch(1, 2, 3)
        await self.got(process.receiver, [1, 3])
        [alone] = [post for post in process.receiver.posts if post.people == [2]]
        process.receiver.answer = lambda post: 200
        await self.webhooks.redeliver(webhook.id)
        await self.got(process.receiver, [1, 3, 2])
        again = process.receiver.taken[-1]
        self.assertEqual((again.id, again.body), (alone.id, alone.body))

    async def _waits(self, webhook_id: str, count: int) -> bool:
        found = await self.webhooks.get(webhook_id)
        return found is not None and found.health.redelivering == count

    async def test_redelivered_later(self) -> None:
        """What is to be sent again waits as all else while the receiver is down."""
        await self.begin()
        webhook = await self.webhook()
        process = await self.process(Receiver(refusing(1)))
        await self.punch(1, 2)
        await self.got(process.receiver, [2])
        answers = [NO_ANSWER, OK]
        process.receiver.answer = lambda post: answers.pop(0)
        letters, _ = await self.webhooks.dead_letters(webhook.id, 10, "0-0")
        with mock.patch.object(backoff, "WAITS", (0.01,)):
            self.assertEqual(await self.webhooks.redeliver(webhook.id, [letters[0].id, "1-1"]), 1)
            await self.got(process.receiver, [2, 1])
        self.assertEqual(await self.dead(webhook.id), [])
