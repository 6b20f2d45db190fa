"""People who got another name, and terminals that still have the one before."""

from __future__ import annotations

from tests.store.people.listed import DirectoryCase, zoe


class RenamedTests(DirectoryCase):
    """What terminals tell then."""

    async def test_renamed(self) -> None:
        """A terminal that still has the name before people gave another one is behind, and nobody else."""
        directory = await self.begin()
        await self.told("T1", "Zoë", 10, "4815")
        await directory.put(zoe(name="Zoë Ray"))
        await self.told("T2", " zoë ", 11, "99")
        self.assertEqual(((await self.one()).person.name, await self.clashes()), ("Zoë Ray", []))
        self.assertEqual(await self.records(), {10: "4815", 11: "99"})
        await self.told("T3", "Ana")
        self.assertEqual(await self.clashes(), [("T3", "name", "Zoë Ray", "Ana")])

    async def test_renamed_to_the_other(self) -> None:
        """When people put what another terminal told they may mean that person: who had the number before is
        somebody else then."""
        directory = await self.begin()
        await self.told("T1", "Zoë")
        await self.told("T2", "Ana")
        await directory.put(zoe(name="Ana"))
        self.assertEqual((await self.clashes(), (await self.one()).person.was), ([], ""))
        await self.told("T1", "Zoë", 10, "4815")
        self.assertEqual(await self.clashes(), [("T1", "name", "Ana", "Zoë")])

    async def test_renamed_and_removed(self) -> None:
        """With the person its name before goes; and a terminal that is right has no other."""
        directory = await self.begin()
        await self.told("T1", "Zoë")
        await directory.put(zoe(name="Ana"))
        self.assertEqual((await self.one()).person.was, "zoë")
        await directory.remove(7)
        await directory.put(zoe(name="Cy"))
        self.assertEqual((await self.one()).person.was, "")
        await directory.put(zoe(name="Di"))
        await directory.adopt(7, "T1")
        self.assertEqual(((await self.one()).person.name, (await self.one()).person.was), ("Zoë", ""))
