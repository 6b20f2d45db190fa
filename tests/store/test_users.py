"""People on a real store: sealed at rest, side by side, and not confused by races."""

from __future__ import annotations

import base64
from pathlib import Path

from twisted.internet.defer import Deferred, gatherResults

from tests.store.connected import StoreCase
from tfserver.errors import StoreError, StoreUnavailable
from tfserver.store.client import Client
from tfserver.store.users import Origin, Profile, Users
from tfserver.store.vault import Vault

MASTER = bytes(range(32))
RECORD = "c2VjcmV0IHRlbXBsYXRlIG9mIGEgZmluZ2Vy"
ORIGIN = Origin("AiFace", "1.2", "thbio3.0", "2026-04-02T08:15:04.000Z")
ZOE = Profile("Zoë 张伟 😀", 0, {"dept": "0012"})


class UsersCase(StoreCase):
    """Users of one or more processes."""

    async def users(self, master: bytes = MASTER) -> Users:
        """People as a new process sees them."""
        self.client = await self.connect()
        return Users(self.client, Vault(master))


class KeepTests(UsersCase):
    """Putting and getting."""

    async def test_round_trip(self) -> None:
        """Name in any script, what else was sent, record and origin come back; unknown ones are None."""
        users = await self.users()
        await users.put("zxab1", 7, ZOE, (50, RECORD), ORIGIN)
        self.assertEqual(await users.profile("ZXAB1", 7), ZOE)
        self.assertEqual(await users.credential("ZXaB1", 7, 50), (RECORD, ORIGIN))
        for nothing in (
            users.profile("T2", 7),
            users.profile("ZXAB1", 8),
            users.credential("ZXAB1", 7, 11),
            users.credential("T2", 7, 50),
            users.credential("ZXAB1", 8, 50),
        ):
            self.assertIsNone(await nothing)

    async def test_is_known(self) -> None:
        """A person is known once any terminal pushed them."""
        users = await self.users()
        self.assertFalse(await users.is_known(7))
        await users.put("T1", 7, ZOE, None, ORIGIN)
        self.assertTrue(await users.is_known(7))
        self.assertIsNone(await users.credential("T1", 7, 0))

    async def test_ordered_is_not_known(self) -> None:
        """A person for whom an order waits, perhaps in vain, is not known by that: no door opens."""
        users = await self.users()
        await self.client.write("HSET", "tf:user:7", "key", Vault(MASTER).new_data_key(7))
        self.assertFalse(await users.is_known(7))

    async def test_kept_for_good(self) -> None:
        """A data key that was made for an order goes after a while; with a person's data it stays."""
        users = await self.users()
        wrapped = Vault(MASTER).new_data_key(7)
        await self.client.write("HSET", "tf:user:7", "key", wrapped)
        await self.client.write("PEXPIRE", "tf:user:7", 60_000)
        await users.put("T1", 7, ZOE, (50, RECORD), ORIGIN)
        self.assertEqual(await self.client.read("PTTL", "tf:user:7"), -1)
        self.assertEqual(await self.client.read("HGET", "tf:user:7", "key"), wrapped)
        self.assertEqual(await users.credential("T1", 7, 50), (RECORD, ORIGIN))

    async def test_side_by_side(self) -> None:
        """What two terminals say of one enrollid stands side by side."""
        users = await self.users()
        await users.put("T1", 7, ZOE, (10, "1111"), ORIGIN)
        await users.put("T2", 7, Profile("Bob", 1), (10, "2222"), ORIGIN)
        self.assertEqual(await users.profile("T1", 7), ZOE)
        self.assertEqual(await users.profile("T2", 7), Profile("Bob", 1))
        for sn, password in (("T1", "1111"), ("T2", "2222")):
            self.assertEqual(await users.credential(sn, 7, 10), (password, ORIGIN))

    async def test_pushed_again(self) -> None:
        """A later push takes the place of the earlier one, slot by slot."""
        users = await self.users()
        await users.put("T1", 7, ZOE, (0, "first"), ORIGIN)
        await users.put("T1", 7, Profile("Zoë", 1), (1, "second"), ORIGIN)
        await users.put("T1", 7, Profile("Zoë", 1), (0, "third"), ORIGIN)
        self.assertEqual(await users.profile("T1", 7), Profile("Zoë", 1))
        found = [await users.credential("T1", 7, slot) for slot in (0, 1)]
        self.assertEqual(found, [("third", ORIGIN), ("second", ORIGIN)])

    async def test_store_away(self) -> None:
        """Without a store a person is not kept, and the caller learns it at once."""
        users = await self.users()
        await self.client.stop()
        call = Deferred.fromCoroutine(users.put("T1", 7, ZOE, None, ORIGIN))
        self.failureResultOf(call, StoreUnavailable)


class SealedTests(UsersCase):
    """What somebody sees who can read all of the store."""

    async def test_sealed_at_rest(self) -> None:
        """No key of the server and no file of it holds a record, nor the master key, in any form."""
        users = await self.users()
        secrets = (RECORD, "48151623", "4294960001")
        for slot, record in zip((0, 10, 11), secrets, strict=True):
            await users.put("T1", 7, ZOE, (slot, record), ORIGIN)
        seen = await self.everything(self.client)
        self.assertIn("tf:user:7", seen)
        self.assertIn("thbio3.0", seen)
        for secret in (*secrets, base64.b64decode(RECORD).decode(), base64.b64encode(MASTER).decode()):
            self.assertNotIn(secret, seen)
            self.assertNotIn(secret, self.files())

    async def everything(self, client: Client) -> str:
        """All keys and all values of the server as text."""
        seen = []
        for key in await client.read("KEYS", "*"):
            kind = await client.read("TYPE", key)
            command = {"hash": ("HGETALL", key), "string": ("GET", key), "stream": ("XRANGE", key, "-", "+")}
            seen += [key, str(await client.read(*command[kind]))]
        return "\n".join(seen)

    def files(self) -> str:
        """All files of the server as text."""
        found = [path for path in Path(self.store.folder).rglob("*") if path.is_file()]
        self.assertTrue(any("aof" in path.name for path in found))
        return "\n".join(path.read_bytes().decode("latin-1") for path in found)

    async def test_tampered(self) -> None:
        """A record that was changed in the store is a StoreError without any of it."""
        users = await self.users()
        await users.put("T1", 7, ZOE, (0, RECORD), ORIGIN)
        place = f"r:0:{Vault(MASTER).version_of(RECORD)}"
        sealed = await self.client.read("HGET", "tf:user:7", place)
        await self.client.write("HSET", "tf:user:7", place, f"AAAA{sealed}")
        error = await self.fails(users.credential("T1", 7, 0), StoreError)
        self.assertIn("credential 7/0", error)
        self.assertNotIn(RECORD, error)

    async def test_moved(self) -> None:
        """A record copied to another slot or another person does not open there."""
        users = await self.users()
        await users.put("T1", 7, ZOE, (0, RECORD), ORIGIN)
        await users.put("T1", 8, ZOE, (0, "other"), ORIGIN)
        version = Vault(MASTER).version_of(RECORD)
        for text, place in (("c:0:T1", "c:{}:T1"), (f"r:0:{version}", f"r:{{}}:{version}")):
            kept = await self.client.read("HGET", "tf:user:7", text)
            await self.client.write("HSET", "tf:user:7", place.format(11), kept)
            await self.client.write("HSET", "tf:user:8", place.format(0), kept)
        for enrollid, slot in ((7, 11), (8, 0)):
            await self.fails(users.credential("T1", enrollid, slot), StoreError)
        whole = await self.client.read("HGET", "tf:user:7", "key")
        await self.client.write("HSET", "tf:user:8", "key", whole)
        await self.fails(users.credential("T1", 8, 0), StoreError)

    async def test_other_master_key(self) -> None:
        """A process with another master key neither opens nor adds, and says whose key it was."""
        users, other = await self.users(), await self.users(bytes(32))
        await users.put("T1", 7, ZOE, (0, RECORD), ORIGIN)
        for call in (other.credential("T1", 7, 0), other.put("T1", 7, ZOE, (1, RECORD), ORIGIN)):
            error = await self.fails(call, StoreError)
            self.assertIn("master key", error)
            self.assertNotIn(RECORD, error)
        self.assertEqual(await users.credential("T1", 7, 0), (RECORD, ORIGIN))


class RaceTests(UsersCase):
    """Several processes at once."""

    async def test_racing_data_keys(self) -> None:
        """Two processes that meet a person for the first time at once end with one data key for all."""
        both = await self.users(), await self.users()
        for enrollid in range(20):
            puts = [
                Deferred.fromCoroutine(users.put(f"T{n}", enrollid, ZOE, (slot, f"{n}/{slot}"), ORIGIN))
                for n, users in enumerate(both)
                for slot in (0, 1)
            ]
            await gatherResults(puts)
            for n in range(2):
                for slot in (0, 1):
                    found = await both[1 - n].credential(f"T{n}", enrollid, slot)
                    self.assertEqual(found, (f"{n}/{slot}", ORIGIN))

    async def test_key_that_keeps_changing(self) -> None:
        """A data key that is new at every look ends in a StoreError, not in a record nobody can open."""
        users = await self.users()
        vault = Vault(MASTER)
        real = self.client.run

        async def interfered(name: str, keys: list[str], args: list[object]) -> object:
            await self.client.write("HSET", keys[0], "key", vault.new_data_key(7))
            return await real(name, keys, args)

        self.patch(self.client, "run", interfered)
        error = await self.fails(users.put("T1", 7, ZOE, (0, RECORD), ORIGIN), StoreError)
        self.assertIn("user 7", error)
        self.assertIsNone(await users.credential("T1", 7, 0))
