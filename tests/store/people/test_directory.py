"""The directory of people on a real store: put, found, listed, removed."""

from __future__ import annotations

from twisted.internet.defer import Deferred, gatherResults

from tests.store.people.listed import DirectoryCase, zoe
from tfserver.person import Access, Person, Validity
from tfserver.store.people.directory import BeingErased, ExternalIdTaken, NoSuchGroup, Outdated
from tfserver.store.people.names import MOST_NAME, folded, plain_name

LARGEST = 2**63 - 1


class PutTests(DirectoryCase):
    """Making and replacing."""

    async def test_round_trip(self) -> None:
        """All that is said of a person comes back; the server adds version and moments."""
        directory = await self.begin()
        await self.grouped("night", "day")
        said = zoe(
            name=" Zoë 张伟 ",
            external_id="P-0012",
            admin=1,
            validity=Validity("2026-01-01", "2026-12-31"),
            access=Access(weekzone=3, group=2),
            groups=("night", "day", "day"),
            note="left-handed\n",
            source="import",
        )
        put = await directory.put(said)
        self.assertEqual((put.name, put.groups, put.version), ("Zoë 张伟", ("day", "night"), 1))
        self.assertEqual(put.created, put.changed)
        known = await self.one()
        self.assertEqual(known.person, put)
        self.assertEqual((known.credentials, known.collisions), ((), ()))
        self.assertIsNone(await directory.get(8))

    async def test_replaced(self) -> None:
        """What is not said again is gone; the day it was made stays, and the version grows."""
        directory = await self.begin()
        first = await directory.put(zoe(external_id="P-1", note="x"))
        second = await directory.put(zoe(name="Zoe"))
        self.assertEqual((second.created, second.version), (first.created, 2))
        self.assertEqual((await self.one()).person, second)
        self.assertIsNone(await directory.by_external_id("P-1"))

    async def test_same_again(self) -> None:
        """What is the same already is no change."""
        directory = await self.begin()
        await self.grouped("day")
        first = await directory.put(zoe(external_id="P-1", groups=("day",)))
        self.assertEqual(await directory.put(zoe(external_id="P-1", groups=("day",))), first)
        self.assertEqual((await directory.put(zoe(external_id="P-1"))).version, 2)

    async def test_expected(self) -> None:
        """Who has seen an older version changes nothing; 0 is for people that are to be new."""
        directory = await self.begin()
        await directory.put(zoe(), 0)
        with self.assertRaisesRegex(Outdated, "has version 1"):
            await directory.put(zoe(name="Other"), 0)
        await directory.put(zoe(name="Zoe"), 1)
        with self.assertRaises(Outdated):
            await directory.put(zoe(name="Other"), 1)
        with self.assertRaisesRegex(Outdated, "is not there"):
            await directory.put(zoe(8), 3)
        self.assertEqual((await self.one()).person.name, "Zoe")
        self.assertEqual(await directory.count(), 1)

    async def test_external_id(self) -> None:
        """It is one person's alone, and free again when that one has another."""
        directory = await self.begin()
        await directory.put(zoe(external_id="P-1"))
        with self.assertRaisesRegex(ExternalIdTaken, "person 7"):
            await directory.put(zoe(8, external_id="P-1"))
        self.assertIsNone(await directory.get(8))
        self.assertEqual(await directory.by_external_id("P-1"), 7)
        await directory.put(zoe(external_id="P-2"))
        await directory.put(zoe(8, external_id="P-1"))
        found = [await directory.by_external_id(text) for text in ("P-1", "P-2", "P-3", "")]
        self.assertEqual(found, [8, 7, None, None])
        await directory.remove(8)
        self.assertIsNone(await directory.by_external_id("P-1"))

    async def test_racing_external_ids(self) -> None:
        """Of several who want one at once just one gets it."""
        directory = await self.begin()
        other = type(directory)(await self.connect(), self.vault)
        puts = [
            Deferred.fromCoroutine(each.put(zoe(place, external_id="P-1"))).addErrback(
                lambda failed: failed.trap(ExternalIdTaken)
            )
            for place in range(1, 11)
            for each in (directory, other)[place % 2 :][:1]
        ]
        ended = await gatherResults(puts)
        self.assertEqual(sum(isinstance(one, Person) for one in ended), 1)
        self.assertEqual(await directory.count(), 1)

    async def test_racing_versions(self) -> None:
        """Of several who saw the same version just one changes it."""
        directory = await self.begin()
        await directory.put(zoe())
        puts = [
            Deferred.fromCoroutine(directory.put(zoe(name=f"Zoë {place}"), 1)).addErrback(
                lambda failed: failed.trap(Outdated)
            )
            for place in range(10)
        ]
        ended = await gatherResults(puts)
        self.assertEqual(sum(isinstance(one, Person) for one in ended), 1)
        self.assertEqual((await self.one()).person.version, 2)

    async def test_no_such_group(self) -> None:
        """Nobody is put into a group that is not there, and then nothing is changed."""
        directory = await self.begin()
        await self.grouped("day")
        with self.assertRaisesRegex(NoSuchGroup, "'night'"):
            await directory.put(zoe(external_id="P-1", groups=("day", "night")))
        self.assertIsNone(await directory.get(7))
        self.assertIsNone(await directory.by_external_id("P-1"))
        self.assertEqual(await self.groups.members("day"), [])

    async def test_being_erased(self) -> None:
        """Nothing is put of somebody who is being erased."""
        directory = await self.begin()
        await self.client.write("HSET", self.client.keys.erased, 7, "e1")
        with self.assertRaises(BeingErased):
            await directory.put(zoe())
        self.assertEqual(await self.fields(), {})

    async def test_nobodys_numbers(self) -> None:
        """Numbers that stand for doors and strangers are nobody's."""
        directory = await self.begin()
        for number in (0, -1, 99_999_999):
            with self.assertRaises(ValueError):
                await directory.put(zoe(number))

    async def test_order_is_no_person(self) -> None:
        """An order for somebody unknown makes a data key, and no person; put afterwards, it stays."""
        directory = await self.begin()
        key = self.client.keys.user(7)
        await self.client.write("HSET", key, "key", self.vault.new_data_key(7))
        await self.client.write("PEXPIRE", key, 60_000)
        self.assertIsNone(await directory.get(7))
        self.assertEqual((await directory.count(), await directory.page(0, 10)), (0, []))
        self.assertFalse(await self.users.is_known(7))
        await directory.put(zoe())
        self.assertTrue(await self.users.is_known(7))
        self.assertEqual(await self.client.read("PTTL", key), -1)


class ListTests(DirectoryCase):
    """Pages."""

    async def test_by_number(self) -> None:
        """People come by their numbers, the longest too, each once."""
        directory = await self.begin()
        numbers = [3, 20, 100, 2**53, 2**53 + 1, LARGEST - 1, LARGEST]
        for number in reversed(numbers):
            await directory.put(zoe(number))
        for limit in (1, 2, 7, 8):
            found: list[int] = []
            while page := await directory.page(found[-1] if found else 0, limit):
                self.assertLessEqual(len(page), limit)
                found += [known.person.enrollid for known in page]
            self.assertEqual(found, numbers, limit)
        self.assertEqual(await directory.count(), 7)

    async def test_more_than_a_call(self) -> None:
        """A page may be longer than what is read at once."""
        directory = await self.begin()
        puts = [Deferred.fromCoroutine(directory.put(zoe(number))) for number in range(1, 451)]
        await gatherResults(puts)
        numbers = [known.person.enrollid for known in await directory.page(10, 430)]
        self.assertEqual(numbers, list(range(11, 441)))
        found, following = await directory.find("z", "", 1000)
        self.assertEqual((len(found), following), (450, None))
        many = await directory.many([500, *range(450, 0, -1)])
        self.assertEqual([known.person.enrollid for known in many], list(range(450, 0, -1)))

    async def test_of_a_group(self) -> None:
        """A page of a group has its members only."""
        directory = await self.begin()
        await self.grouped("day")
        for number in (1, 2, 3, 4):
            await directory.put(zoe(number, groups=("day",) if number % 2 else ()))
        found = [known.person.enrollid for known in await directory.page(1, 10, "day")]
        self.assertEqual((found, await directory.page(0, 10, "night")), ([3], []))

    async def test_find(self) -> None:
        """Names are found by how they begin, whatever the case and the way an accent is written."""
        directory = await self.begin()
        names = ["Zoë", "zoe\u0308 Miller", "ZOE", "Straße", "STRASSE 2", "张伟", "", "Z"]
        for number, name in enumerate(names, 1):
            await directory.put(zoe(number, name=name))

        async def found(prefix: str) -> list[int]:
            """The numbers of those who are found."""
            rows, following = await directory.find(prefix, "", 100)
            self.assertIsNone(following)
            return [known.person.enrollid for known in rows]

        self.assertEqual(await found("zoë"), [1, 2])
        self.assertEqual(await found("ZO"), [3, 1, 2])
        self.assertEqual(await found("strass"), [4, 5])
        self.assertEqual(await found("张"), [6])
        self.assertEqual(len(await found("")), 8)
        self.assertEqual(await found("nobody"), [])

    async def test_find_pages(self) -> None:
        """Pages of names end, and have everybody once, also of those with one name and of one who went."""
        directory = await self.begin()
        for number in range(1, 8):
            await directory.put(zoe(number, name="Ana" if number < 5 else f"Ana {number}"))
        first, following = await directory.find("ana", "", 3)
        assert following is not None
        await directory.remove(first[-1].person.enrollid)
        second, following = await directory.find("ana", following, 2)
        assert following is not None
        third, following = await directory.find("ana", following, 2)
        numbers = [known.person.enrollid for known in (*first, *second, *third)]
        self.assertEqual((numbers, following), ([1, 2, 3, 4, 5, 6, 7], None))
        with self.assertRaises(ValueError):
            await directory.find("ana", "*", 3)

    async def test_renamed(self) -> None:
        """Nobody is found by a former name."""
        directory = await self.begin()
        await directory.put(zoe(name="Ana"))
        await directory.put(zoe(name="Bea"))
        self.assertEqual((await directory.find("ana", "", 9))[0], [])
        self.assertEqual(len((await directory.find("bea", "", 9))[0]), 1)


class RemoveTests(DirectoryCase):
    """Out of the directory."""

    async def test_removed(self) -> None:
        """The person is in no list any more, and nothing of it is left."""
        directory = await self.begin()
        await self.grouped("day")
        await directory.put(zoe(external_id="P-1", groups=("day",)))
        self.assertTrue(await directory.remove(7))
        self.assertFalse(await directory.remove(7))
        self.assertEqual((await directory.get(7), await directory.count()), (None, 0))
        self.assertEqual((await directory.page(0, 9), await directory.find("", "", 9)), ([], ([], None)))
        self.assertEqual(await self.groups.members("day"), [])
        self.assertEqual(await self.fields(), {})
        self.assertFalse(await self.users.is_known(7))

    async def test_key_for_an_order(self) -> None:
        """A data key that an open order may need is there as long as orders are, and then no more."""
        directory = await self.begin()
        await directory.put(zoe())
        await self.client.write("HSET", self.client.keys.user(7), "key", self.vault.new_data_key(7))
        await directory.remove(7)
        self.assertEqual(set(await self.fields()), {"key"})
        self.assertEqual(round(int(await self.client.read("TTL", self.client.keys.user(7))) / 86_400), 8)


class NameTests(DirectoryCase):
    """Names."""

    async def test_bounded(self) -> None:
        """A name is as long as terminals take it, and ends with a whole letter."""
        directory = await self.begin()
        for name in ("张" * 100, "a\0b\n" + "x" * 300, "\ud800x"):
            put = await directory.put(zoe(name=name))
            self.assertLessEqual(len(put.name.encode()), MOST_NAME)
            self.assertEqual((await self.one()).person.name, put.name)
            self.assertEqual(len((await directory.find(put.name, "", 9))[0]), 1)

    async def test_folded(self) -> None:
        """Spaces, case and the way of writing make no other name; control characters are no part of one."""
        self.assertEqual(folded("  ZOE\u0308   Miller "), folded("zo\u00eb miller"))
        self.assertNotEqual(folded("Zoe"), folded("Zoë"))
        self.assertEqual(plain_name(" a\0b "), "ab")
