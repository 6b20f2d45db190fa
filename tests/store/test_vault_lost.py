"""Which master keys a start needs, what needs which, and going on without one."""

from __future__ import annotations

from typing import Any

from tests.store.ordered import MASTER
from tests.store.rotating import HOOKS, NEW, NEW_ID, OLD_ID, RotationCase, silent
from tests.store.test_outbox_sealed import RECORD
from tests.store.test_users import ORIGIN, ZOE
from tfserver.config import Orders as OrderSettings
from tfserver.errors import StartError, StoreError, StoreUnavailable
from tfserver.store.blocking import Blocking
from tfserver.store.deliveries import Deliveries
from tfserver.store.masterkey import check_key
from tfserver.store.outbox import Outbox
from tfserver.store.sealedunder import Sealed, sealed_by_key
from tfserver.store.users import Users
from tfserver.store.vault import Vault
from tfserver.store.webhooks import Change, State, Webhooks


class StartTests(RotationCase):
    """Which keys a start needs."""

    async def test_first(self) -> None:
        """The first start says which key seals: the first of several."""
        self.client = await self.connect()
        await check_key(self.client, Vault(NEW, MASTER))
        self.assertEqual(await self.client.read("HGET", "tf:meta", "master_key"), NEW_ID)
        vault = Vault(MASTER, NEW)
        await check_key(self.client, vault)
        self.assertEqual(vault.key_id, NEW_ID)

    async def test_missing(self) -> None:
        """Without the key that seals the start is refused: its id, what needs it, and what can be done."""
        await self.fill(await self.begin())
        error = await self.fails(check_key(self.client, Vault(NEW)), StartError)
        for words in (
            OLD_ID,
            NEW_ID,
            "30 credentials of 30 people",
            "1 webhooks",
            "1 values that orders bring",
            "--with-keys",
            f"tfserver key lost {OLD_ID}",
        ):
            self.assertIn(words, error)

    async def test_only_another_is_missing(self) -> None:
        """One that only some still need refuses no start; what it sealed fails alone."""
        await self.fill(await self.begin())
        self.change()
        vault = Vault(NEW, bytes([3]) * 32)
        stands = self.rotation.stands()
        self.assertEqual(stands.leaving, (OLD_ID,))
        await check_key(self.client, vault)
        users = Users(self.client, vault)
        self.assertIn(OLD_ID, await self.fails(users.credential("T1", 1, 0), StoreError))
        await users.put("T1", 99, ZOE, (0, RECORD), ORIGIN)
        taken = await self.taken(Outbox(self.client, vault, OrderSettings(), "one/1"))
        self.assertIn(OLD_ID, taken.broken)


class LostTests(RotationCase):
    """Going on without a key."""

    async def lose(self) -> Any:
        """Forget what the old key sealed."""
        return self.rotation.lose(Vault(NEW), OLD_ID, NEW_ID, silent)

    async def test_forgotten(self) -> None:
        """Credentials and values are gone, people stay; the new key seals, and nothing needs the old one."""
        outbox = await self.begin()
        await self.fill(outbox)
        self.assertEqual(await self.lose(), (31, 1, 1))
        self.assertEqual(set(self.counted()), {NEW_ID})
        self.assertEqual(self.rotation.stands().seals, NEW_ID)
        vault = Vault(NEW)
        await check_key(self.client, vault)
        users = Users(self.client, vault)
        self.assertEqual(await users.profile("T1", 3), ZOE)
        self.assertIsNone(await users.credential("T1", 3, 0))
        await users.put("T1", 3, ZOE, (0, RECORD), ORIGIN)
        self.assertEqual(await users.credential("T1", 3, 0), (RECORD, ORIGIN))
        taken = await self.taken(Outbox(self.client, vault, OrderSettings(), "one/1"))
        self.assertIn("forgotten", taken.broken)
        self.assertNotIn("record", taken.args)
        self.assertEqual(taken.cmd, "setuserinfo")

    async def test_webhook(self) -> None:
        """A webhook is paused and says why; with a new secret it goes on."""
        await self.fill(await self.begin())
        await self.hooks.change(self.hook.id, Change(secret="whsec_before"))
        await self.lose()
        self.assertIsNone(await self.client.read("HGET", self.client.keys.webhook(self.hook.id), "previous"))
        hooks = Webhooks(self.client, vault := Vault(NEW), HOOKS)
        found = await hooks.get(self.hook.id)
        assert found is not None
        self.assertIs(found.state, State.PAUSED)
        self.assertIn(OLD_ID, found.health.last_error)
        changed = await hooks.change(self.hook.id, Change(secret="whsec_2", state=State.ACTIVE))
        self.assertIs(changed.state, State.ACTIVE)
        deliveries = Deliveries(self.client, vault, HOOKS, "h")
        await deliveries.tend()
        self.assertEqual((await deliveries.standing(self.hook.id)).secrets[0], "whsec_2")

    async def test_only_its_own(self) -> None:
        """What another key sealed stays, and a second run finds nothing."""
        await self.fill(await self.begin())
        vault = self.change()
        names, wrapped = next(self.rotation._pages(vault, {}))
        self.rotation._run("rewrap", names[:7], *wrapped[:14])
        before = sealed_by_key(self.blocking, "tf:")[NEW_ID]
        await self.lose()
        self.assertEqual(self.rotation.stands().leaving, ())
        after = sealed_by_key(self.blocking, "tf:")[NEW_ID]
        self.assertEqual((after.people, after.credentials), (before.people, before.credentials))
        self.assertEqual(await self.lose(), (0, 0, 0))

    async def test_next_one(self) -> None:
        """A key to which a change was begun, and that is lost before, is forgotten like any other."""
        await self.fill(await self.begin())
        self.rotation.begin(NEW_ID)
        self.rotation.lose(Vault(MASTER), NEW_ID, OLD_ID, silent)
        self.assertEqual((self.rotation.stands().seals, self.rotation.stands().following), (OLD_ID, ""))
        await self.opens(MASTER)


class DeliveryTests(RotationCase):
    """A webhook whose secret can't be opened."""

    async def test_told(self) -> None:
        """People read why nothing is delivered; it is told once, and goes on when the key is there again."""
        await self.fill(await self.begin())
        there = [NEW]
        deliveries = Deliveries(self.client, Vault(NEW, more=lambda: there), HOOKS, "h")
        await deliveries.tend()
        for _ in range(3):
            await self.fails(deliveries.standing(self.hook.id), StoreUnavailable)
        found = await self.hooks.get(self.hook.id)
        assert found is not None
        self.assertIn(OLD_ID, found.health.last_error)
        self.assertEqual(found.health.attempts, 1)
        there.append(MASTER)
        self.assertEqual((await deliveries.standing(self.hook.id)).secrets, ["whsec_1"])


class CountTests(RotationCase):
    """What is counted."""

    async def test_kinds(self) -> None:
        """People, credentials, webhooks and orders are told apart; names that are not ours don't count."""
        outbox = await self.begin()
        await self.fill(outbox, people=600)
        await self.users.put("T2", 5, ZOE, (1, RECORD), ORIGIN)
        await self.users.put("T2", 700, ZOE, None, ORIGIN)
        await self.client.write("HSET", "tf:user:", "x", "y")
        self.assertEqual(sealed_by_key(self.blocking, "tf:"), {OLD_ID: Sealed(600, 601, 1, 1, 2)})

    async def test_odd_prefix(self) -> None:
        """A prefix with signs that mean something in a pattern finds its own, and nothing of others."""
        self.client = await self.connect(prefix="t[f]*:")
        vault = Vault(MASTER)
        await Users(self.client, vault).put("T1", 7, ZOE, (0, RECORD), ORIGIN)
        other = await self.connect(prefix="tfx:")
        await Users(other, vault).put("T1", 8, ZOE, (0, RECORD), ORIGIN)
        with Blocking(self.client.address) as store:
            self.assertEqual(sealed_by_key(store, "t[f]*:"), {OLD_ID: Sealed(1, 1)})
            self.assertEqual(sealed_by_key(store, "tfx:"), {OLD_ID: Sealed(1, 1)})
