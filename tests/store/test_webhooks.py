"""Webhooks as people see them: made, changed, forgotten, and never with their secrets."""

from __future__ import annotations

import msgspec

from tests.delivery.delivering import VAULT, DeliveringCase
from tfserver.config import Webhooks as WebhookSettings
from tfserver.delivery.signing import new_secret
from tfserver.errors import StoreError
from tfserver.store.deliveries import PUNCHES, Failure, Refused, Step
from tfserver.store.webhooks import (
    Change,
    MadeBefore,
    NewWebhook,
    NoSuchWebhook,
    State,
    TooManyWebhooks,
    unseal,
)


class MakingTests(DeliveringCase):
    """How a webhook begins."""

    async def test_as_asked(self) -> None:
        """It is as it was asked for, active and well."""
        await self.begin()
        made = await self.webhook(kinds=("punch", "door"), sites=("north", "süd"), batch=50)
        self.assertEqual((made.kinds, made.sites, made.batch), (("punch", "door"), ("north", "süd"), 50))
        self.assertEqual((made.state, made.created_by), (State.ACTIVE, "token 1"))
        self.assertEqual((made.health.cursor, made.health.behind_seconds), ("0-0", 0))
        self.assertEqual(await self.webhooks.get(made.id), made)

    async def test_all(self) -> None:
        """All of them are listed, the oldest first."""
        await self.begin()
        made = [await self.webhook() for _ in range(3)]
        key = self.client.keys.webhook
        for age, webhook in enumerate(made):
            await self.client.write("HSET", key(webhook.id), "created", 1000 - age)
        self.assertEqual([one.id for one in await self.webhooks.all()], [one.id for one in made[::-1]])

    async def test_bounded(self) -> None:
        """There are at most so many; a place that is free again can be taken."""
        await self.begin()
        made = [await self.webhook() for _ in range(self.settings.most)]
        await self.fails(self.webhook(), TooManyWebhooks)
        await self.webhooks.delete(made[0].id)
        await self.webhook()

    async def test_made_once(self) -> None:
        """Under one idempotency key there is one, as long as it is there; another key is another."""
        await self.begin()
        new = NewWebhook(url="https://hr.example/", secret=new_secret())
        made = await self.webhooks.add(new, "a:k1")
        await self.fails(self.webhooks.add(new, "a:k1"), MadeBefore)
        other = await self.webhooks.add(new, "a:k2")
        self.assertEqual({one.id for one in await self.webhooks.all()}, {made.id, other.id})
        await self.webhooks.delete(made.id)
        await self.webhooks.add(new, "a:k1")

    async def test_no_secret(self) -> None:
        """The secret stands nowhere in the store, and is not told; only its own webhook opens it."""
        await self.begin()
        secret = new_secret()
        webhook = await self.webhook(secret=secret)
        other = await self.hash(await self.webhook())
        kept = await self.hash(webhook)
        self.assertNotIn(secret, str(kept) + str(msgspec.json.encode(webhook)))
        self.assertNotIn(secret.removeprefix("whsec_"), str(kept))
        self.assertEqual(unseal(VAULT, kept["key"], webhook.id, kept["secret"]), secret)
        with self.assertRaises(StoreError):
            unseal(VAULT, other["key"], webhook.id, kept["secret"])

    async def test_begins_with_what_comes(self) -> None:
        """It begins behind the newest punch, also when there are none any more."""
        await self.begin()
        await self.punch(1, 2)
        newest = (await self.feed.page("0-0", 5))[-1][0]
        self.assertEqual((await self.webhook()).health.cursor, newest)
        await self.client.write("XTRIM", self.client.keys.punches, "MAXLEN", 0)
        self.assertEqual((await self.webhook()).health.cursor, newest)

    async def test_begins_in_the_past(self) -> None:
        """It may begin at any place before that, and nowhere behind it."""
        await self.begin()
        await self.punch(1, 2)
        (first, _), (second, _) = await self.feed.page("0-0", 5)
        ms, number = second.split("-")
        asked = ("0-0", first, f"{ms}-{int(number) + 1}", f"{int(ms) + 1}-0")
        found = [(await self.webhook(after=place)).health.cursor for place in asked]
        self.assertEqual(found, ["0-0", first, second, second])

    async def test_behind(self) -> None:
        """How long the oldest waits is told, by the store's clock, for what the webhook is for."""
        await self.begin()
        webhook, events = await self.webhook(), await self.webhook(kinds=("terminal",))
        await self.client.write("XADD", self.client.keys.punches, "1000-0", "v", 1, "p", "{}")
        await self.client.write("XADD", self.client.keys.punches, "1001-0", "v", 1, "p", "{}")
        [seconds, micro] = await self.client.read("TIME")
        behind = (await self.found(webhook)).health.behind_seconds
        self.near(behind, int(seconds) + int(micro) / 1e6 - 1, 30)
        self.assertEqual((await self.found(events)).health.behind_seconds, 0)
        await self.client.write("XADD", self.client.keys.news, "2000-0", "d", "{}")
        self.assertGreater((await self.found(events)).health.behind_seconds, 1e9)


class ChangingTests(DeliveringCase):
    """What can be changed."""

    async def test_each(self) -> None:
        """Only what is named is changed."""
        await self.begin()
        webhook = await self.webhook(kinds=("punch",), batch=5)
        changed = await self.webhooks.change(webhook.id, Change(sites=("north",), batch=7))
        self.assertEqual(changed, msgspec.structs.replace(webhook, sites=("north",), batch=7))
        changed = await self.webhooks.change(webhook.id, Change(kinds=("door",), url="https://b.example/"))
        self.assertEqual((changed.kinds, changed.url, changed.batch), (("door",), "https://b.example/", 7))
        changed = await self.webhooks.change(webhook.id, Change(state=State.PAUSED))
        self.assertIs(changed.state, State.PAUSED)

    async def test_secret(self) -> None:
        """A new secret signs beside the old one for a day."""
        await self.begin()
        webhook = await self.webhook()
        self.assertIsNone(webhook.old_secret_until)
        before = await self.hash(webhook)
        secret = new_secret()
        changed = await self.webhooks.change(webhook.id, Change(secret=secret))
        self.assertIsNotNone(changed.old_secret_until)
        kept = await self.hash(webhook)
        self.assertEqual(kept["previous"], before["secret"])
        self.assertEqual(unseal(VAULT, kept["key"], webhook.id, kept["secret"]), secret)
        left = int(kept["previous_until"]) - int(kept["created"])
        self.near(left / 1000, 86_400, 60)

    async def test_new_kinds(self) -> None:
        """What was not asked for until now is not sent from the past; what was goes on where it stood."""
        await self.begin()
        webhook = await self.webhook(kinds=("punch",))
        await self.punch(1)
        await self.event("up")
        await self.webhooks.change(webhook.id, Change(kinds=("door", "terminal")))
        kept = await self.hash(webhook)
        self.assertEqual(kept["punches"], "0-0")
        newest = await self.client.read("XREVRANGE", self.client.keys.news, "+", "-", "COUNT", 1)
        self.assertEqual(kept["news"], newest[0][0])
        await self.webhooks.change(webhook.id, Change(kinds=("terminal",)))
        await self.punch(2)
        await self.webhooks.change(webhook.id, Change(kinds=()))
        kept = await self.hash(webhook)
        self.assertEqual(kept["punches"], (await self.feed.page("0-0", 5))[-1][0])
        self.assertEqual(kept["news"], newest[0][0])

    async def test_tried_at_once(self) -> None:
        """A new address, secret or state is tried at once; another change is not."""
        await self.begin()
        webhook, store = await self.webhook(), self.deliveries("one")
        await store.tend()
        for change, waits in (
            (Change(batch=2), True),
            (Change(url="https://c.example/"), False),
            (Change(secret=new_secret()), False),
            (Change(state=State.ACTIVE), False),
        ):
            [held] = (await store.tend()).held
            await store.failed(webhook.id, held.version, 100, Failure(500, "it answered 500"))
            await self.webhooks.change(webhook.id, change)
            [held] = (await store.tend()).held
            self.assertEqual(held.wait > 0, waits, change)

    async def test_missing(self) -> None:
        """One that is not there can't be changed, forgotten, looked at or sent again."""
        await self.begin()
        for missing in ("0" * 16, "no-number"):
            self.assertIsNone(await self.webhooks.get(missing))
            await self.fails(self.webhooks.change(missing, Change(batch=2)), NoSuchWebhook)
            await self.fails(self.webhooks.change(missing, Change(secret=new_secret())), NoSuchWebhook)
            await self.fails(self.webhooks.delete(missing), NoSuchWebhook)
            await self.fails(self.webhooks.dead_letters(missing, 5, "0-0"), NoSuchWebhook)
            await self.fails(self.webhooks.redeliver(missing), NoSuchWebhook)
        self.assertEqual(await self.webhooks.all(), [])


class DeadLetterTests(DeliveringCase):
    """What was refused."""

    async def with_letters(self, count: int) -> str:
        """A webhook with so many dead letters; its id."""
        await self.begin()
        webhook, store = await self.webhook(), self.deliveries("one")
        await store.tend()
        refused = [
            Refused(f"{n}-0", f"punch_{n}", 422, "it answered 422", f'{{"n":{n}}}') for n in range(count)
        ]
        await store.advance(webhook.id, Step(PUNCHES, "0-0", "5-0", 0, 422, refused))
        return webhook.id

    async def numbers(self, webhook_id: str) -> list[str]:
        """The dead letters that there are."""
        letters, _ = await self.webhooks.dead_letters(webhook_id, 1000, "0-0")
        return [letter.message_id for letter in letters]

    async def test_pages(self) -> None:
        """They are listed page by page, as they were refused."""
        webhook_id = await self.with_letters(5)
        first, cursor = await self.webhooks.dead_letters(webhook_id, 3, "0-0")
        assert cursor is not None
        second, end = await self.webhooks.dead_letters(webhook_id, 3, cursor)
        self.assertIsNone(end)
        found = first + second
        self.assertEqual([letter.message_id for letter in found], [f"punch_{n}" for n in range(5)])
        self.assertEqual((found[0].status, found[0].why), (422, "it answered 422"))
        self.assertEqual(bytes(found[4].message), b'{"n":4}')

    async def test_redeliver(self) -> None:
        """Some are taken by their ids, each once; those that are not there are passed over."""
        webhook_id = await self.with_letters(5)
        letters, _ = await self.webhooks.dead_letters(webhook_id, 5, "0-0")
        wanted = [letters[1].id, letters[3].id, "77-0", letters[1].id]
        self.assertEqual(await self.webhooks.redeliver(webhook_id, wanted), 2)
        self.assertEqual(await self.numbers(webhook_id), ["punch_0", "punch_2", "punch_4"])
        found = await self.webhooks.get(webhook_id)
        assert found is not None
        self.assertEqual(found.health.redelivering, 2)

    async def test_redeliver_all(self) -> None:
        """Without ids all are, however many there are."""
        self.settings = WebhookSettings(dead_letters=1200)
        webhook_id = await self.with_letters(1100)
        self.assertEqual(await self.webhooks.redeliver(webhook_id), 1100)
        self.assertEqual(await self.numbers(webhook_id), [])

    async def test_deleted(self) -> None:
        """With the webhook all is forgotten, and nobody brings it back."""
        webhook_id = await self.with_letters(3)
        letters, _ = await self.webhooks.dead_letters(webhook_id, 5, "0-0")
        await self.webhooks.redeliver(webhook_id, [letters[0].id])
        await self.webhooks.delete(webhook_id)
        self.assertEqual(await self.client.read("KEYS", f"*{webhook_id}*"), [])
        self.assertEqual((await self.deliveries("one").tend()).held, [])
