"""Groups on a real store: kept, listed, with the people in them."""

from __future__ import annotations

from twisted.internet.defer import Deferred, gatherResults

from tests.store.people.listed import DirectoryCase, zoe
from tfserver.person import MOST_GROUPS as MOST_OF_A_PERSON
from tfserver.person import Access, Group, Validity
from tfserver.store.people import groups as groups_module
from tfserver.store.people.directory import NoSuchGroup, Outdated
from tfserver.store.people.groups import GroupFills, TooManyGroups


class KeepTests(DirectoryCase):
    """Making and replacing."""

    async def test_round_trip(self) -> None:
        """All that is said of a group comes back, with its version."""
        await self.begin()
        group = Group(
            name="night.shift-2",
            title="Night",
            sites=("north",),
            tags=("gate",),
            terminals=("ZXAB1",),
            everywhere=True,
            access=Access(weekzone=3),
            validity=Validity("2026-01-01", None),
            continuous=True,
            version=99,
        )
        put = await self.groups.put(group)
        self.assertEqual(put.version, 1)
        self.assertEqual(await self.groups.get("night.shift-2"), put)
        self.assertIsNone(await self.groups.get("night"))
        self.assertEqual(await self.groups.put(group), put)
        again = await self.groups.put(Group(name="night.shift-2"))
        self.assertEqual((again.version, again.title), (2, ""))
        await self.groups.put(Group(name="a"))
        self.assertEqual([one.name for one in await self.groups.listing()], ["a", "night.shift-2"])

    async def test_expected(self) -> None:
        """Who has seen an older version changes nothing; 0 is for groups that are to be new."""
        await self.begin()
        await self.groups.put(Group(name="day"), 0)
        for version in (0, 2):
            with self.assertRaisesRegex(Outdated, "has version 1"):
                await self.groups.put(Group(name="day", title="x"), version)
        self.assertEqual((await self.groups.put(Group(name="day", title="x"), 1)).version, 2)

    async def test_racing(self) -> None:
        """No change at once is lost: each has a version of its own."""
        await self.begin()
        puts = [Deferred.fromCoroutine(self.groups.put(Group(name="day", title=str(n)))) for n in range(4)]
        self.assertEqual(sorted(one.version for one in await gatherResults(puts)), [1, 2, 3, 4])

    async def test_bounded(self) -> None:
        """So many groups there may be, and no more."""
        self.patch(groups_module, "MOST_GROUPS", 2)
        await self.begin()
        await self.grouped("a", "b")
        with self.assertRaises(TooManyGroups):
            await self.grouped("c")
        await self.groups.put(Group(name="b", title="x"))
        self.assertEqual(len(await self.groups.listing()), 2)


class MemberTests(DirectoryCase):
    """Who is in it."""

    async def people(self, count: int) -> None:
        """So many, from 1 on."""
        directory = await self.begin()
        await gatherResults(
            [Deferred.fromCoroutine(directory.put(zoe(number))) for number in range(1, count + 1)]
        )

    async def test_changed(self) -> None:
        """People come and go; both sides know it, and doing it again changes nothing."""
        await self.people(4)
        await self.grouped("day", "night")
        moved = await self.groups.change_members("day", [1, 2, 2, 9], [3, 9])
        self.assertEqual(moved, (2, 0, (9,), ()))
        moved = await self.groups.change_members("day", [2, 3], [1, 4])
        self.assertEqual(moved[:2], (1, 1))
        self.assertEqual(await self.groups.members("day"), [2, 3])
        await self.groups.change_members("night", [3], [])
        self.assertEqual([(await self.one(n)).person.groups for n in (1, 3)], [(), ("day", "night")])
        version = (await self.one(3)).person.version
        self.assertEqual(await self.groups.change_members("day", [2, 3], [1]), (0, 0, (), ()))
        self.assertEqual((await self.one(3)).person.version, version)
        self.assertEqual(await self.groups.change_members("day", [2], [2]), (1, 1, (), ()))
        self.assertEqual(await self.groups.members("day"), [2, 3])

    async def test_put(self) -> None:
        """What a person says of its groups and what groups say of their people is one thing."""
        await self.people(1)
        await self.grouped("day", "night")
        await self.directory.put(zoe(1, groups=("day",)))
        await self.directory.put(zoe(1, groups=("night",)))
        members = [await self.groups.members(name) for name in ("day", "night")]
        self.assertEqual((members, await self.groups.count("night")), ([[], [1]], 1))

    async def test_many(self) -> None:
        """Large groups change in several steps, and are listed whole and in order."""
        self.patch(groups_module, "MEMBERS_A_CALL", 7)
        self.patch(groups_module, "MEMBERS_A_READ", 10)
        await self.people(50)
        await self.grouped("day")
        moved = await self.groups.change_members("day", range(50, 0, -1), [])
        self.assertEqual((moved.added, await self.groups.members("day")), (50, list(range(1, 51))))

    async def test_no_such_group(self) -> None:
        """Nobody comes into a group that is not there."""
        await self.people(1)
        for numbers in ([1], []):
            with self.assertRaises(NoSuchGroup):
                await self.groups.change_members("day", numbers, [])
        self.assertEqual((await self.one(1)).person.groups, ())

    async def test_full(self) -> None:
        """A person is in so many groups, and in no more."""
        await self.people(1)
        names = [f"g{number:02}" for number in range(MOST_OF_A_PERSON + 1)]
        await self.grouped(*names)
        for name in names[:-1]:
            self.assertEqual((await self.groups.change_members(name, [1], [])).added, 1)
        self.assertEqual(await self.groups.change_members(names[-1], [1], []), (0, 0, (), (1,)))
        self.assertEqual((await self.one(1)).person.groups, tuple(names[:-1]))

    async def test_removed(self) -> None:
        """With a group goes what its people say of it."""
        self.patch(groups_module, "MEMBERS_A_CALL", 7)
        await self.people(20)
        await self.grouped("day", "night")
        await self.groups.change_members("day", range(1, 21), [])
        await self.groups.change_members("night", [1], [])
        self.assertTrue(await self.groups.remove("day"))
        self.assertFalse(await self.groups.remove("day"))
        self.assertEqual([(await self.one(n)).person.groups for n in (1, 20)], [("night",), ()])
        self.assertEqual([one.name for one in await self.groups.listing()], ["night"])
        self.assertEqual(await self.groups.members("day"), [])

    async def test_removed_while_it_fills(self) -> None:
        """Who comes meanwhile is taken out too; a group that never gets empty stays, and says so."""
        await self.people(3)
        await self.grouped("day")
        await self.groups.change_members("day", [1], [])
        real, comes = self.groups.change_members, iter([2])

        async def filled(name: str, add: list[int], remove: list[int]) -> object:
            """Somebody comes behind those who go."""
            moved = await real(name, add, remove)
            await real(name, [one for one in [next(comes, 0)] if one], [])
            return moved

        self.patch(self.groups, "change_members", filled)
        self.assertTrue(await self.groups.remove("day"))
        self.assertEqual((await self.one(2)).person.groups, ())
        await self.grouped("day")
        comes = iter([3] * 99)
        with self.assertRaises(GroupFills):
            await self.groups.remove("day")
        self.assertEqual((await self.one(3)).person.groups, ("day",))
