"""Credentials of the directory: sealed under the person's data key, and forgotten with it."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, gatherResults

from tests.store.people.listed import MADE, MASTER, DirectoryCase, check, zoe
from tfserver.errors import StoreError
from tfserver.person import Credential
from tfserver.store.blocking import Blocking
from tfserver.store.masterkey import check_key
from tfserver.store.people.directory import BeingErased, Directory, NoSuchPerson
from tfserver.store.rotation import Rotation
from tfserver.store.users import Users
from tfserver.store.vault import Vault, key_id_of, sealed_under

NEW = bytes(32)


class CredentialTests(DirectoryCase):
    """Putting and opening."""

    async def test_round_trip(self) -> None:
        """A credential comes back with where it was made; those that are not there are None."""
        directory = await self.begin()
        await directory.put(zoe())
        put = await directory.put_credential(7, 10, "4815", MADE)
        self.assertEqual(put, Credential(10, self.vault.version_of("4815"), MADE, 4))
        self.assertEqual((await self.one()).credentials, (put,))
        self.assertEqual(await directory.record(7, 10), ("4815", put))
        self.assertIsNone(await directory.record(7, 11))
        self.assertIsNone(await directory.record(8, 10))

    async def test_replaced(self) -> None:
        """Another takes its place, and nothing of the first is left."""
        directory = await self.begin()
        await directory.put(zoe())
        for record in ("first", "second", "second"):
            await directory.put_credential(7, 0, record, MADE)
        self.assertEqual(await self.records(), {0: "second"})
        check(await self.fields())

    async def test_nobody(self) -> None:
        """There is no credential without a person, nor of one who is being erased."""
        directory = await self.begin()
        with self.assertRaises(NoSuchPerson):
            await directory.put_credential(7, 10, "4815", MADE)
        self.assertEqual(await self.fields(), {})
        await directory.put(zoe())
        await self.client.write("HSET", self.client.keys.erased, 7, "e1")
        with self.assertRaises(BeingErased):
            await directory.put_credential(7, 10, "4815", MADE)
        await self.client.write("HSET", self.client.keys.user(7), "p:T1", '{"name":"Zoë","admin":0}')
        with self.assertRaises(BeingErased):
            await directory.adopt(7, "T1")
        with self.assertRaises(ValueError):
            await directory.put_credential(7, 12, "4815", MADE)

    async def test_sealed_at_rest(self) -> None:
        """Who reads the store learns no record, and not whether two people have the same password."""
        directory = await self.begin()
        for number in (7, 8):
            await directory.put(zoe(number))
            await directory.put_credential(number, 10, "48151623", MADE)
        for number in (7, 8):
            self.assertNotIn("48151623", str(await self.fields(number)))
        values = [{text for name, text in (await self.fields(n)).items() if name[:2] == "r:"} for n in (7, 8)]
        self.assertTrue(values[0] and values[0].isdisjoint(values[1]))

    async def test_one_key(self) -> None:
        """What is put and what terminals tell is sealed under one data key, whoever comes first."""
        directory = await self.begin()
        await directory.put(zoe())
        other = Directory(await self.connect(), Vault(MASTER))
        puts: list[Deferred[Any]] = [
            Deferred.fromCoroutine(each.put_credential(7, slot, f"record {slot}", MADE))
            for slot, each in enumerate((directory, other) * 5)
        ]
        tells: list[Deferred[Any]] = [
            Deferred.fromCoroutine(self.told("T1", "Zoë", slot, f"record {slot}")) for slot in range(10)
        ]
        await gatherResults([*puts, *tells])
        self.assertEqual(await self.records(), {slot: f"record {slot}" for slot in range(10)})
        check(await self.fields())

    async def test_replaced_while_read(self) -> None:
        """A credential that is replaced between two looks is read as it is then."""
        directory = await self.begin()
        await directory.put(zoe())
        await directory.put_credential(7, 0, "first", MADE)
        real = self.client.read

        async def interfered(*words: object) -> object:
            """Another is put before what stands in it is read."""
            if words[0] == "HMGET":
                self.patch(self.client, "read", real)
                await directory.put_credential(7, 0, "second", MADE)
            return await real(*words)

        self.patch(self.client, "read", interfered)
        found = await directory.record(7, 0)
        assert found is not None
        self.assertEqual(found[0], "second")


class MasterKeyTests(DirectoryCase):
    """Master keys that change, and that are lost."""

    async def rotating(self) -> Rotation:
        """A directory with a person of the API and one of a terminal; and who changes keys."""
        directory = await self.begin()
        await check_key(self.client, self.vault)
        await directory.put(zoe())
        await directory.put_credential(7, 10, "4815", MADE)
        await self.told("T1", "Ana", 0, "template", enrollid=8)
        blocking = Blocking(self.client.address)
        self.addCleanup(blocking.close)
        return Rotation(blocking, "tf:")

    async def test_changed(self) -> None:
        """After a change of the master key all opens with the new one alone, and counts as the same."""
        rotation = await self.rotating()
        before = (await self.one()).credentials
        vault = Vault(MASTER, NEW)
        rotation.begin(key_id_of(NEW))
        rotation.switch(vault, key_id_of(NEW))
        self.assertEqual(rotation.reseal(vault, lambda done, total: None).changed, 2)
        for enrollid in (7, 8):
            self.assertEqual(sealed_under((await self.fields(enrollid))["key"]), key_id_of(NEW))
        self.vault = Vault(NEW)
        await check_key(self.client, self.vault)
        self.directory = Directory(self.client, self.vault)
        self.users = Users(self.client, self.vault, adopt=True)
        self.assertEqual((await self.records(7), await self.records(8)), ({10: "4815"}, {0: "template"}))
        await self.told("T1", "Zoë", 10, "4815")
        self.assertEqual(((await self.one()).credentials, await self.clashes()), (before, []))

    async def test_written_during_a_change(self) -> None:
        """A process that has not heard of the change yet seals nothing under the old key."""
        rotation = await self.rotating()
        rotation.begin(key_id_of(NEW))
        self.vault = Vault(MASTER, NEW)
        await check_key(self.client, self.vault)
        self.directory = Directory(self.client, self.vault)
        await self.directory.put(zoe(9))
        rotation.switch(Vault(MASTER, NEW), key_id_of(NEW))
        await self.directory.put_credential(9, 10, "4815", MADE)
        self.assertEqual(sealed_under((await self.fields(9))["key"]), key_id_of(NEW))

    async def test_lost(self) -> None:
        """With a lost key the credentials are gone and the people stay; what comes anew opens."""
        rotation = await self.rotating()
        rotation.lose(Vault(NEW), key_id_of(MASTER), key_id_of(NEW), lambda done, total: None)
        self.vault = Vault(NEW)
        await check_key(self.client, self.vault)
        self.directory = Directory(self.client, self.vault)
        self.users = Users(self.client, self.vault, adopt=True)
        self.assertEqual((await self.one()).person.name, "Zoë")
        await self.told("T1", "Zoë", 10, "4815")
        await self.told("T1", "Ana", 0, "template", enrollid=8)
        await self.directory.put_credential(7, 11, "1623", MADE)
        self.assertEqual(await self.records(7), {10: "4815", 11: "1623"})
        self.assertEqual(await self.records(8), {0: "template"})
        for enrollid in (7, 8):
            check(await self.fields(enrollid))

    async def test_without_its_key(self) -> None:
        """What is left sealed under a key that is gone counts for nothing: the same record is sealed anew."""
        directory = await self.begin()
        await self.told("T1", "Zoë", 10, "4815")
        await self.told("T2", "Zoë", 11, "1623")
        await self.client.write("HDEL", self.client.keys.user(7), "key")
        self.assertIsNone(await self.users.credential("T1", 7, 10))
        await self.told("T1", "Zoë", 10, "4815")
        self.assertEqual(await self.records(), {10: "4815"})
        self.assertIsNone(await self.users.credential("T2", 7, 11))
        self.assertEqual(await directory.count(), 1)
        check(await self.fields())

    async def test_damaged(self) -> None:
        """A record of somebody else opens for nobody."""
        directory = await self.begin()
        for number in (7, 8):
            await directory.put(zoe(number))
            await directory.put_credential(number, 10, "4815", MADE)
        [place] = await self.sealed()
        other = (await self.fields(8))[place]
        await self.client.write("HSET", self.client.keys.user(7), place, other)
        self.assertIn("credential 7/10", await self.fails(directory.record(7, 10), StoreError))
