"""The directory in backups, and what it does with lists that a backup of a running server left askew."""

from __future__ import annotations

from typing import Any

from tests.store.people.listed import MADE, DirectoryCase, zoe
from tfserver.store import address
from tfserver.store.backup import keys as backup
from tfserver.store.blocking import Blocking
from tfserver.store.people.directory import Directory
from tfserver.store.people.groups import Groups

TIME = "2026-04-02T08:00:00.000Z"


class BackupTests(DirectoryCase):
    """There and back."""

    def blocking(self, store: Any) -> Blocking:
        """A connection that is closed at the end."""
        connection = Blocking(address.parse(store.url))
        self.addCleanup(connection.close)
        return connection

    async def test_restored(self) -> None:
        """All of it is in a backup: people, what terminals told, records, names, groups, collisions."""
        directory = await self.begin()
        await self.grouped("day")
        await directory.put(zoe(external_id="P-1", groups=("day",)))
        await directory.put_credential(7, 10, "4815", MADE)
        await self.told("T1", "Bob", 0, "template")
        source, target = self.blocking(self.store), self.blocking(other := self.new_store())
        header = backup.described(source, "tf:", TIME)
        backup.restore(target, "tf:", backup.entries(source, "tf:"), header, lambda done, total: None)
        client = await self.connect(other.url)
        restored = Directory(client, self.vault)
        self.assertEqual(await restored.get(7), await directory.get(7))
        self.assertEqual(await restored.record(7, 10), await directory.record(7, 10))
        self.assertEqual(await restored.find("z", "", 9), await directory.find("z", "", 9))
        self.assertEqual(await restored.collided(0, 9), await directory.collided(0, 9))
        self.assertEqual(
            (await restored.by_external_id("P-1"), await Groups(client).members("day")), (7, [7])
        )


class AskewTests(DirectoryCase):
    """A person in a list that is not there, and one that is there and in none."""

    async def test_nobody_in_lists(self) -> None:
        """Somebody who is not there is shown in no list, and keeps neither an external id nor a group."""
        directory = await self.begin()
        await self.grouped("day")
        await directory.put(zoe(8, external_id="P-1", groups=("day",)))
        await self.client.write("DEL", self.client.keys.user(8))
        self.assertEqual((await directory.page(0, 9), await directory.find("", "", 9)), ([], ([], None)))
        await directory.put(zoe(external_id="P-1"))
        self.assertEqual(await directory.by_external_id("P-1"), 7)
        self.assertTrue(await self.groups.remove("day"))

    async def test_in_no_list(self) -> None:
        """Whoever puts a person anew finds it again, also when nothing of it is new."""
        directory = await self.begin()
        await self.grouped("day")
        put = await directory.put(zoe(external_id="P-1", groups=("day",)))
        keys = self.client.keys
        await self.client.write("DEL", keys.people, keys.names, keys.external_ids, keys.members("day"))
        self.assertEqual(await directory.put(zoe(external_id="P-1", groups=("day",))), put)
        self.assertEqual(len(await directory.page(0, 9)), 1)
        self.assertEqual(len((await directory.find("z", "", 9))[0]), 1)
        self.assertEqual((await directory.by_external_id("P-1"), await self.groups.members("day")), (7, [7]))


class TripTests(DirectoryCase):
    """How much it costs to look."""

    async def test_one_trip(self) -> None:
        """A page is one call, however much terminals told of its people, and brings no record."""
        directory = await self.begin()
        for number in range(1, 101):
            await directory.put(zoe(number))
        for place in range(20):
            await self.told(f"T{place}", "Zoë", 50, "x" * 50_000)
        real, asked = self.client.read, list[str]()

        async def counted(*words: Any) -> Any:
            """Each command of a page."""
            asked.append(words[0])
            return await real(*words)

        self.patch(self.client, "read", counted)
        await self.client.write("CONFIG", "RESETSTAT")
        self.assertEqual(len(await directory.page(0, 100)), 100)
        self.assertEqual(len((await directory.find("z", "", 100))[0]), 100)
        self.assertEqual(asked, ["EVALSHA"] * 2)
        for command, calls in (("hmget", 200), ("hgetall", 0), ("hkeys", 0)):
            self.assertEqual(await self.calls(self.client, command), calls, command)
