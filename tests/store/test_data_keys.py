"""Keys of persons that were made for orders: there as long as an order needs them, and no longer."""

from __future__ import annotations

from tests.store.ordered import MASTER, SN, OutboxCase
from tests.store.test_outbox_sealed import RECORD, credential
from tfserver.store.users import Origin, Profile, Users
from tfserver.store.vault import Vault


class LifeTests(OutboxCase):
    """How long they live."""

    async def test_life_of_the_key(self) -> None:
        """A key made for an order outlives what is sealed with it, and is not there for ever: nobody can fill
        the store with keys of people that no terminal has."""
        outbox = await self.begin()
        for ttl in (7 * 86_400.0, 60.0):
            await self.put(outbox, credential(ttl=ttl))
            [name] = await self.client.read("KEYS", "tf:sealed:*")
            lives = [await self.client.read("PTTL", key) for key in (name, "tf:user:7")]
            self.assertLessEqual(int(lives[0]), int(lives[1]))
            self.assertEqual(round(int(lives[1]) / 86_400_000), 8)

    async def test_life_begins_anew(self) -> None:
        """Each order gives the key its whole life again, so that it can be opened as long as it is open."""
        outbox = await self.begin()
        await self.put(outbox, credential())
        await self.client.write("PEXPIRE", "tf:user:7", 60_000)
        await self.put(outbox, credential(backupnum=20))
        self.assertEqual(round(int(await self.client.read("TTL", "tf:user:7")) / 86_400), 8)
        self.assertEqual([(await self.taken(outbox)).args["record"] for _ in range(2)], [RECORD, RECORD])

    async def test_life_of_a_new_key(self) -> None:
        """So does one that is made after the person was forgotten, for what is sealed already."""
        outbox = await self.begin()
        await self.put(outbox, credential(ttl=7 * 86_400.0))
        await self.client.write("DEL", "tf:user:7")
        await self.put(outbox, credential(ttl=60.0))
        self.assertEqual(round(int(await self.client.read("TTL", "tf:user:7")) / 86_400), 8)

    async def test_key_of_a_person(self) -> None:
        """The key of somebody of whom a terminal told stays for good, whichever came first."""
        outbox, users = await self.begin(), Users(self.client, Vault(MASTER))
        origin = Origin("x", "", "", "")
        for order_first in (True, False):
            if order_first:
                await self.put(outbox, credential())
            await users.put(SN, 7, Profile("Zoë", 0), (10, "1111"), origin)
            self.assertEqual(await self.client.read("TTL", "tf:user:7"), -1)
        await self.put(outbox, credential(backupnum=20))
        self.assertEqual(await self.client.read("TTL", "tf:user:7"), -1)
        self.assertEqual([(await self.taken(outbox)).args["record"] for _ in range(2)], [RECORD, RECORD])
