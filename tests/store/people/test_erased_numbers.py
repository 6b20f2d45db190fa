"""Numbers of people who were erased: who may use them, and when."""

from __future__ import annotations

from tests.store.ordered import MASTER, SN, OutboxCase, new_order
from tests.store.people.test_erasures import ErasureCase
from tests.store.test_outbox_sealed import credential
from tfserver.person import Person
from tfserver.store.people.directory import Directory, ExternalIdTaken
from tfserver.store.people.erasures import Asked, Erasures
from tfserver.store.vault import Vault


class PutTests(ErasureCase):
    """The directory."""

    async def over(self, enrollid: int = 7) -> None:
        """A person whose erasure is over."""
        erasure = await self.ordered(enrollid)
        going = await self.erasures.going(erasure)
        assert going is not None
        self.assertIsNotNone(await self.erasures.finish(going))

    async def test_put_again(self) -> None:
        """Whoever is put into the directory afterwards has the number, and terminals may tell of them."""
        await self.started()
        await self.over()
        await self.told("T1", "Zoë", 11, "99")
        self.assertIsNone(await self.directory.get(7))
        await self.directory.put(Person(enrollid=7, name="Zoë"))
        await self.told("T1", "Zoë", 11, "99")
        self.assertEqual(await self.records(), {11: "99"})

    async def test_refused_put_frees_nothing(self) -> None:
        """A put that is refused for something else leaves the number as it was."""
        await self.started()
        await self.directory.put(Person(enrollid=8, external_id="P-1"))
        await self.over()
        with self.assertRaises(ExternalIdTaken):
            await self.directory.put(Person(enrollid=7, external_id="P-1"))
        await self.told("T1", "Zoë", 11, "99")
        self.assertIsNone(await self.directory.get(7))


class OrderTests(OutboxCase):
    """Orders that bring a credential."""

    async def test_brings_nothing(self) -> None:
        """No order brings a credential of somebody who was erased; not even a data key is made. Others go."""
        outbox = await self.begin()
        erasures = Erasures(self.client)
        await erasures.order(Asked(id="e1", enrollid=7, actor="a", reason="r"), (), {})
        found = await outbox.put(credential())
        self.assertEqual((found.outcome, found.detail), ("erased", "7"))
        self.assertEqual(await self.client.read("EXISTS", self.client.keys.user(7)), 0)
        self.assertEqual(await self.client.read("ZCARD", self.client.keys.queue(SN)), 0)
        await self.put(outbox, credential(enrollid=8))
        await self.put(outbox, new_order("deleteuser", args={"enrollid": 7, "backupnum": 13}))

    async def test_names_nobody(self) -> None:
        """Nor does an order without a credential that would bring the person, or its name, as one of many."""
        outbox = await self.begin()
        await Erasures(self.client).order(Asked(id="e1", enrollid=7, actor="a", reason="r"), (), {})
        found = await outbox.put(new_order("setusername", people=(6, 7, 8)))
        self.assertEqual((found.outcome, found.detail), ("erased", "7"))
        self.assertEqual((await outbox.put(new_order("adduser", people=(7,)))).outcome, "erased")
        await self.put(outbox, new_order("adduser", people=(6,)))

    async def test_over(self) -> None:
        """Once the erasure is over an order needs the person in the directory first, and then it goes."""
        outbox, erasures = await self.begin(), Erasures(self.client)
        await erasures.order(Asked(id="e1", enrollid=7, actor="a", reason="r"), ("names",), {})
        going = await erasures.going("e1")
        assert going is not None
        self.assertIsNotNone(await erasures.finish(going))
        self.assertEqual((await outbox.put(credential())).outcome, "erased")
        await Directory(self.client, Vault(MASTER)).put(Person(enrollid=7, name="Zoë"))
        await self.put(outbox, credential())

    async def test_waiting(self) -> None:
        """One that waited for its terminal when the person was erased has nothing to bring any more."""
        outbox = await self.begin()
        await self.put(outbox, credential())
        await Erasures(self.client).order(Asked(id="e1", enrollid=7, actor="a", reason="r"), (), {})
        taken = await self.taken(outbox)
        self.assertIn("forgotten", taken.broken)
