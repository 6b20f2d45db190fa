"""The change of the master key on a real store: nothing is lost, whatever happens meanwhile."""

from __future__ import annotations

from tests.store.connected import until
from tests.store.ordered import DONE, MASTER
from tests.store.rotating import HOOKS, NEW, NEW_ID, OLD_ID, RotationCase, silent
from tests.store.test_outbox_sealed import RECORD, credential
from tests.store.test_users import ORIGIN, ZOE
from tfserver.config import Orders as OrderSettings
from tfserver.errors import StoreError
from tfserver.store.masterkey import KEYS_CHANGED, KeyWatch, check_key, heard_known, learn
from tfserver.store.outbox import Outbox
from tfserver.store.users import Users
from tfserver.store.vault import Vault, key_id_of, sealed_under
from tfserver.store.webhooks import NewWebhook, Webhooks


class RotationTests(RotationCase):
    """From one key to another."""

    async def test_all_of_it(self) -> None:
        """Afterwards the new key alone opens everything, and the store remembers the old one."""
        await self.fill(await self.begin())
        self.assertEqual(self.counted(), {OLD_ID: 30 + 30 + 1 + 1 + 1})
        vault = self.change()
        found = self.rotation.reseal(vault, silent)
        self.assertEqual((found.changed, found.stuck), (32, {}))
        self.assertTrue(self.rotation.done(NEW_ID))
        self.assertEqual(self.counted(), {NEW_ID: 30 + 30 + 1 + 1 + 1 + 2})
        stands = self.rotation.stands()
        self.assertEqual((stands.seals, stands.following), (NEW_ID, ""))
        self.assertEqual((stands.leaving, stands.retired), ((), (OLD_ID,)))
        await self.opens(NEW)

    async def test_in_the_middle(self) -> None:
        """Broken off after any step, all opens with both keys, and a run from the beginning ends it."""
        await self.fill(await self.begin())
        self.rotation.begin(NEW_ID)
        await self.opens(MASTER)
        vault = self.change()
        pages = self.rotation._pages(vault, {})
        names, wrapped = next(pages)
        self.rotation._run("rewrap", names[:7], *wrapped[:14])
        self.assertEqual(self.rotation.stands().leaving, (OLD_ID,))
        self.assertGreater(min(self.counted().values()), 0)
        other = self.operator()
        stands = self.rotation.stands()
        other.follow(stands.seals, stands.versions, stands.pictures)
        self.assertEqual(self.rotation.reseal(other, silent).changed, 32 - 7)
        self.rotation.done(NEW_ID)
        await self.opens(NEW)

    async def test_changed_meanwhile(self) -> None:
        """A data key that was forgotten, or made anew, between the look and the step stays as it is."""
        await self.fill(await self.begin())
        vault = self.change()
        names, wrapped = next(self.rotation._pages(vault, {}))
        fresh = vault.new_data_key(3)
        await self.client.write("DEL", "tf:user:2")
        await self.client.write("HSET", "tf:user:3", "key", fresh)
        self.assertEqual(self.rotation._run("rewrap", names, *wrapped), len(names) - 2)
        self.assertEqual(await self.client.read("EXISTS", "tf:user:2"), 0)
        self.assertEqual(await self.client.read("HGET", "tf:user:3", "key"), fresh)

    async def test_lives_stay(self) -> None:
        """The life of a key that only an order needs is as long as before."""
        outbox = await self.begin()
        await self.put(outbox, credential())
        before = int(await self.client.read("PTTL", "tf:user:7"))
        self.rotation.reseal(self.change(), silent)
        after = int(await self.client.read("PTTL", "tf:user:7"))
        self.assertTrue(0 < after <= before, (before, after))
        taken = await self.taken(outbox)
        await self.end(outbox, taken, DONE)
        self.assertEqual(await self.client.read("KEYS", "tf:sealed:*"), [])

    async def test_stored_once(self) -> None:
        """An order for what another brings already has the same name for it after the change."""
        outbox = await self.begin()
        await self.put(outbox, credential())
        self.rotation.reseal(self.change(), silent)
        await learn(self.client, self.vault)
        await self.put(outbox, credential())
        self.assertEqual(len(await self.client.read("KEYS", "tf:sealed:*")), 1)
        for _ in range(2):
            taken = await self.taken(outbox)
            self.assertEqual((taken.args["record"], taken.broken), (RECORD, ""))
            await self.end(outbox, taken, DONE)

    async def test_versions(self) -> None:
        """A process that starts with the new key alone gives a credential the version it always had."""
        await self.begin()
        before = self.vault.version_of(RECORD)
        self.rotation.reseal(self.change(), silent)
        fresh = Vault(NEW)
        await check_key(self.client, fresh)
        self.assertEqual(fresh.version_of(RECORD), before)
        await learn(self.client, self.vault)
        self.assertEqual(self.vault.version_of(RECORD), before)

    async def test_back_again(self) -> None:
        """From the new key one may go back to the old."""
        await self.fill(await self.begin())
        self.rotation.reseal(self.change(), silent)
        self.rotation.done(NEW_ID)
        vault = self.operator()
        self.rotation.begin(OLD_ID)
        self.rotation.switch(vault, OLD_ID)
        self.rotation.reseal(vault, silent)
        self.rotation.done(OLD_ID)
        stands = self.rotation.stands()
        self.assertEqual((stands.seals, stands.leaving, stands.retired), (OLD_ID, (), (NEW_ID,)))
        await self.opens(MASTER)

    async def test_two_at_once(self) -> None:
        """Of two changes that are begun only the later one happens; the other hears of it."""
        await self.begin()
        third = bytes([3]) * 32
        self.rotation.begin(NEW_ID)
        self.rotation.begin(key_id_of(third))
        with self.assertRaisesRegex(StoreError, OLD_ID):
            self.rotation.switch(self.operator(), NEW_ID)
        self.rotation.switch(self.operator(MASTER, third), key_id_of(third))
        self.assertEqual(self.rotation.stands().seals, key_id_of(third))

    async def test_damaged(self) -> None:
        """A data key that can't be opened is counted under its master key, and the others are sealed anew."""
        await self.fill(await self.begin())
        await self.client.write("HSET", "tf:user:3", "key", f"{OLD_ID}:AAAA")
        await self.client.write("HSET", "tf:user:4", "key", "12345678:AAAA")
        found = self.rotation.reseal(self.change(), silent)
        self.assertEqual((found.changed, found.stuck), (30, {OLD_ID: 1, "12345678": 1}))


class ProcessTests(RotationCase):
    """What processes do that don't know of the change yet."""

    async def paused(self) -> tuple[Vault, list[bytes]]:
        """The vault of a process that knows the old key, and what stands where it gets its keys from."""
        there = [MASTER]
        vault = Vault(MASTER, more=lambda: there)
        await check_key(self.client, vault)
        return vault, there

    async def test_new_person(self) -> None:
        """A process that stood still during the change keeps a new person under the new key."""
        await self.begin()
        vault, there = await self.paused()
        self.rotation.reseal(self.change(), silent)
        there.append(NEW)
        await Users(self.client, vault).put("T1", 7, ZOE, (0, RECORD), ORIGIN)
        self.assertEqual(sealed_under(await self.client.read("HGET", "tf:user:7", "key")), NEW_ID)
        self.assertEqual(await self.users.credential("T1", 7, 0), (RECORD, ORIGIN))

    async def test_without_the_new_key(self) -> None:
        """One that has no way to the new key keeps nothing, says why, and loses nothing of what was there."""
        outbox = await self.begin()
        await self.fill(outbox)
        vault, _ = await self.paused()
        users = Users(self.client, vault)
        self.rotation.reseal(self.change(), silent)
        for call in (
            users.put("T1", 99, ZOE, (0, RECORD), ORIGIN),
            users.put("T1", 1, ZOE, (0, RECORD), ORIGIN),
            users.credential("T1", 1, 0),
            Outbox(self.client, vault, OrderSettings(), "one/1").put(credential(enrollid=98)),
            Webhooks(self.client, vault, HOOKS).add(NewWebhook(url="https://x.example/", secret="s")),
        ):
            self.assertIn(NEW_ID, await self.fails(call, StoreError))
        self.assertEqual(set(self.counted()), {NEW_ID})
        await self.opens(NEW)

    async def test_order_and_webhook(self) -> None:
        """Orders and webhooks of a process that stood still are sealed under the new key too."""
        await self.begin()
        vault, there = await self.paused()
        self.change()
        there.append(NEW)
        outbox = Outbox(self.client, vault, OrderSettings(), "one/1")
        await self.put(outbox, credential())
        self.assertEqual((await self.taken(outbox)).args["record"], RECORD)
        vault.follow(OLD_ID)
        made = await Webhooks(self.client, vault, HOOKS).add(NewWebhook(url="https://x.example/", secret="s"))
        self.assertEqual(set(self.counted()), {NEW_ID})
        wrapped = await self.client.read("HGET", self.client.keys.webhook(made.id), "key")
        self.assertEqual(sealed_under(wrapped), NEW_ID)

    async def test_remembered(self) -> None:
        """A data key that a process remembers as it was before is looked up again."""
        outbox = await self.begin()
        await self.put(outbox, credential())
        await self.put(outbox, credential(backupnum=20))
        self.rotation.reseal(self.change(), silent)
        await self.put(outbox, credential(backupnum=11))
        for _ in range(3):
            self.assertEqual((await self.taken(outbox)).args["record"], RECORD)

    async def test_opens_what_is_new(self) -> None:
        """What another sealed under a key that came meanwhile is opened after a look at the keys."""
        await self.begin()
        vault, there = await self.paused()
        self.change()
        await learn(self.client, self.vault)
        await self.users.put("T1", 7, ZOE, (0, RECORD), ORIGIN)
        there.append(NEW)
        self.assertEqual(await Users(self.client, vault).credential("T1", 7, 0), (RECORD, ORIGIN))

    async def test_while_people_are_pushed(self) -> None:
        """People that come while everything is sealed anew are all there, none under the old key."""
        outbox = await self.begin()
        await self.fill(outbox)
        vault = self.change()
        for enrollid in range(100, 160):
            for names, wrapped in self.rotation._pages(vault, {}):
                await self.users.put("T1", enrollid, ZOE, (0, RECORD), ORIGIN)
                await self.users.put("T1", enrollid - 100, ZOE, (1, RECORD), ORIGIN)
                self.rotation._run("rewrap", names[:2], *wrapped[:4])
        self.rotation.reseal(vault, silent)
        self.assertEqual(set(self.counted()), {NEW_ID})
        for enrollid in range(60):
            self.assertEqual(await self.users.credential("T1", enrollid, 1), (RECORD, ORIGIN))
            self.assertEqual(await self.users.credential("T1", 100 + enrollid, 0), (RECORD, ORIGIN))
        await self.opens(NEW)

    async def test_heartbeat(self) -> None:
        """A wake-up makes a process look at its keys, and its heartbeat tells them at once."""
        await self.begin()
        vault, there = await self.paused()
        watch = KeyWatch(self.client, vault, self.registry)
        await self.registry.beat({})
        self.assertEqual(self.rotation.processes(), {"one/1": (OLD_ID,)})
        self.assertEqual(self.rotation.without(NEW_ID), ["one/1"])
        there.append(NEW)
        self.assertFalse(watch.heard("lease ZXAB1"))
        self.assertTrue(watch.heard(KEYS_CHANGED))
        await until(lambda: not self.rotation.without(NEW_ID), "the heartbeat tells it")
        self.assertEqual(self.rotation.without(OLD_ID), [])

    async def test_older_release(self) -> None:
        """Of a process whose heartbeat says nothing of keys nobody believes that it has the new one."""
        await self.begin()
        self.assertEqual(self.rotation.processes(), {"one/1": None})
        self.assertEqual(self.rotation.without(NEW_ID), ["one/1"])
        await self.client.write("DEL", "tf:alive:one/1")
        self.assertEqual(self.rotation.without(NEW_ID), [])
        self.assertIsNone(heard_known("1"))
