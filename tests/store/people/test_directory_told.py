"""What terminals tell gets into the directory, or is shown as a collision: never merged silently."""

from __future__ import annotations

from twisted.internet.defer import Deferred, gatherResults

from tests.store.people.listed import MADE, ORIGIN, DirectoryCase, check, zoe
from tfserver.person import Made
from tfserver.store.users import Profile

PHOTO = "/9j/" + "x" * 100_000


class EnteringTests(DirectoryCase):
    """Whom the directory does not know."""

    async def test_new(self) -> None:
        """A new number is a new person, with what it was told with."""
        directory = await self.begin()
        await self.told("zxab1", " Zoë ", 10, "4815", admin=1)
        known = await self.one()
        person = known.person
        self.assertEqual((person.name, person.admin, person.source, person.version), ("Zoë", 1, "ZXAB1", 1))
        [credential] = known.credentials
        made = Made("ZXAB1", "AiFace", "1.2", "thbio3.0", ORIGIN.received)
        self.assertEqual((credential.backupnum, credential.made, credential.bytes), (10, made, 4))
        self.assertEqual(credential.version, self.vault.version_of("4815"))
        self.assertEqual(await self.records(), {10: "4815"})
        self.assertEqual(await self.clashes(), [])
        self.assertEqual(len((await directory.find("zo", "", 9))[0]), 1)

    async def test_bare(self) -> None:
        """Somebody without a credential is a person too."""
        directory = await self.begin()
        await self.told("T1", "Zoë")
        self.assertEqual((await self.one()).credentials, ())
        self.assertEqual(await directory.count(), 1)

    async def test_odd_admin(self) -> None:
        """An admin level that nobody knows gives no rights."""
        await self.begin()
        await self.told("T1", "Zoë", admin=14)
        self.assertEqual((await self.one()).person.admin, 0)

    async def test_not_adopted(self) -> None:
        """Where the directory is people's alone, a terminal adds nobody and nothing, and what contradicts it
        is shown all the same."""
        directory = await self.begin(adopt=False)
        await self.told("T1", "Zoë", 10, "4815")
        self.assertIsNone(await directory.get(7))
        self.assertEqual(await self.users.credential("T1", 7, 10), ("4815", ORIGIN))
        await directory.put(zoe(name=""))
        await self.told("T1", "Zoë", 10, "4815")
        self.assertEqual(((await self.one()).person.name, await self.records()), ("", {}))
        await directory.put(zoe(name="Ana"))
        await self.told("T1", "Zoë", 10, "4815")
        self.assertEqual(await self.clashes(), [("T1", "name", "Ana", "Zoë")])

    async def test_no_person(self) -> None:
        """Doors and strangers are nobody; what terminals tell of them is kept as before."""
        directory = await self.begin()
        for number in (0, -3, 99_999_999):
            await self.told("T1", "x", 10, "1", enrollid=number)
            self.assertEqual(await self.users.credential("T1", number, 10), ("1", ORIGIN))
        self.assertEqual(await directory.count(), 0)

    async def test_undefined_slot(self) -> None:
        """A slot that nobody defined is kept as the terminal's, and never gets into the directory."""
        await self.begin()
        await self.told("T1", "Zoë", 77, "raw")
        self.assertEqual((await self.one()).credentials, ())
        self.assertEqual(await self.users.credential("T1", 7, 77), ("raw", ORIGIN))

    async def test_being_erased(self) -> None:
        """Somebody who is being erased is not made again by a terminal that was not told yet."""
        directory = await self.begin()
        await self.client.write("HSET", self.client.keys.erased, 7, "e1")
        await self.told("T1", "Zoë", 10, "4815")
        await self.told("T1", "Zoë")
        self.assertEqual((await self.fields(), await directory.count()), ({}, 0))


class SameTests(DirectoryCase):
    """Another terminal means the same person."""

    async def test_missing_slots(self) -> None:
        """Credentials that the directory lacks are taken over, from whichever terminal."""
        await self.begin()
        await self.told("T1", "Zoë", 10, "4815")
        await self.told("T2", "ZOE\u0308", 11, "1623")
        self.assertEqual(await self.records(), {10: "4815", 11: "1623"})
        self.assertEqual((await self.one()).credentials[1].made.sn, "T2")
        self.assertEqual((await self.clashes(), (await self.one()).person.name), ([], "Zoë"))

    async def test_empty_name(self) -> None:
        """A terminal without names means the same; the directory learns the name from the next."""
        directory = await self.begin()
        await self.told("T1", "", 10, "4815")
        await self.told("T2", "Zoë", 11, "1623")
        await self.told("T1", "", 20, "face")
        known = await self.one()
        self.assertEqual((known.person.name, known.person.version), ("Zoë", 2))
        self.assertEqual([one.backupnum for one in known.credentials], [10, 11, 20])
        self.assertEqual(len((await directory.find("zoë", "", 9))[0]), 1)

    async def test_enrolled_again(self) -> None:
        """Where a credential was made it may be made anew; terminals with the old one are only behind."""
        await self.begin()
        await self.told("T1", "Zoë", 0, "first")
        await self.told("T1", "Zoë", 0, "second")
        self.assertEqual(await self.records(), {0: "second"})
        await self.told("T2", "Zoë", 0, "first")
        self.assertEqual((await self.records(), await self.clashes()), ({0: "second"}, []))

    async def test_one_record(self) -> None:
        """A photo that many terminals have is kept once, and sent to the store once."""
        await self.begin()
        for place in range(20):
            await self.told(f"T{place}", "Zoë", 50, PHOTO)
        self.assertEqual(len(await self.sealed()), 1)
        used = await self.client.read("MEMORY", "USAGE", self.client.keys.user(7), "SAMPLES", 0)
        self.assertLess(used, 2 * len(PHOTO))
        for place in range(20):
            self.assertEqual(await self.users.credential(f"T{place}", 7, 50), (PHOTO, ORIGIN))
        check(await self.fields())

    async def test_let_go(self) -> None:
        """A record is there as long as anybody has it, and no longer."""
        directory = await self.begin()
        await self.told("T1", "Zoë", 0, "first")
        await self.told("T2", "Zoë", 0, "first")
        await self.told("T1", "Zoë", 0, "second")
        self.assertEqual(len(await self.sealed()), 2)
        await self.told("T2", "Zoë", 0, "second")
        self.assertEqual(len(await self.sealed()), 1)
        await directory.remove_credential(7, 0)
        self.assertEqual(await self.users.credential("T2", 7, 0), ("second", ORIGIN))
        check(await self.fields())

    async def test_record_that_goes_meanwhile(self) -> None:
        """A record that is let go between the look and the step is sent after all."""
        await self.begin()
        await self.told("T1", "Zoë", 77, "raw")
        real, asked = self.client.keep, list[str]()

        async def interfered(name: str, keys: list[str], args: list[str]) -> object:
            """The terminal that had it has another by then."""
            asked.append(args[6])
            if len(asked) == 1:
                self.patch(self.client, "keep", real)
                await self.told("T1", "Zoë", 77, "other")
                self.patch(self.client, "keep", interfered)
            return await real(name, keys, args)

        self.patch(self.client, "keep", interfered)
        await self.told("T2", "Zoë", 77, "raw")
        self.assertEqual((asked[0], len(asked)), ("", 2))
        self.assertEqual(await self.users.credential("T2", 7, 77), ("raw", ORIGIN))
        check(await self.fields())

    async def test_at_once(self) -> None:
        """Terminals that tell of one person at once end with one person and one record of each credential."""
        directory = await self.begin()
        tells = [
            Deferred.fromCoroutine(self.told(f"T{place}", "Zoë", slot, f"record {slot}"))
            for place in range(20)
            for slot in (0, 1, 20)
        ]
        await gatherResults(tells)
        self.assertEqual(await directory.count(), 1)
        self.assertEqual(await self.records(), {slot: f"record {slot}" for slot in (0, 1, 20)})
        self.assertEqual((len(await self.sealed()), await self.clashes()), (3, []))
        check(await self.fields())


class CollisionTests(DirectoryCase):
    """A terminal tells something else than the directory."""

    async def test_other_name(self) -> None:
        """Another name under this number changes nothing: no slot of somebody else gets in."""
        await self.begin()
        await self.told("T1", "Zoë", 10, "4815")
        await self.told("T2", "Bob", 11, "1623")
        await self.told("T2", "Bob", 10, "9999")
        known = await self.one()
        self.assertEqual((known.person.name, await self.records()), ("Zoë", {10: "4815"}))
        self.assertEqual(await self.clashes(), [("T2", "name", "Zoë", "Bob")])
        self.assertEqual(await self.users.credential("T2", 7, 11), ("1623", ORIGIN))

    async def test_other_record(self) -> None:
        """Another record in a slot, made elsewhere, changes nothing; neither of them is shown."""
        await self.begin()
        await self.told("T1", "Zoë", 0, "first")
        await self.told("T2", "Zoë", 0, "other")
        self.assertEqual(await self.records(), {0: "first"})
        self.assertEqual(await self.clashes(), [("T2", "fingerprint 0", "Zoë", "Zoë")])
        self.assertNotIn("other", str(await self.one()))

    async def test_kept_moment(self) -> None:
        """A collision that is told again is the same, from the moment it was first told."""
        await self.begin()
        await self.told("T1", "Zoë")
        await self.told("T2", "Bob")
        first = (await self.one()).collisions
        await self.told("T2", "Bob")
        self.assertEqual((await self.one()).collisions, first)

    async def test_over_by_the_terminal(self) -> None:
        """A terminal that tells what the directory says collides no more."""
        await self.begin()
        await self.told("T1", "Zoë", 0, "first")
        await self.told("T2", "Bob", 0, "other")
        await self.told("T2", "Zoë", 0, "other")
        self.assertEqual([one[1] for one in await self.clashes()], ["fingerprint 0"])
        await self.told("T2", "Zoë", 0, "first")
        self.assertEqual(await self.clashes(), [])
        check(await self.fields())

    async def test_over_by_people(self) -> None:
        """So does one that tells what people say by now; others collide still."""
        directory = await self.begin()
        await self.told("T1", "Zoë", 0, "first")
        await self.told("T2", "Bob")
        await self.told("T3", "Zoë", 0, "other")
        await self.told("T4", "Zoë", 0, "fourth")
        await directory.put_credential(7, 0, "other", MADE)
        self.assertEqual([one[:2] for one in await self.clashes()], [("T2", "name"), ("T4", "fingerprint 0")])
        await directory.put(zoe(name="bob"))
        self.assertEqual([one[0] for one in await self.clashes()], ["T4"])
        await directory.remove_credential(7, 0)
        self.assertEqual(await self.clashes(), [])

    async def test_bounded(self) -> None:
        """So many collisions of one person are kept, and no more."""
        await self.begin()
        await self.told("T0", "Zoë")
        for place in range(1, 61):
            await self.told(f"T{place}", "Bob")
        self.assertEqual(len((await self.one()).collisions), 50)

    async def test_replaced_by_people(self) -> None:
        """Where people replaced a credential, the terminal that made the old one is behind, and does not
        bring it back; a new one of its own is shown."""
        directory = await self.begin()
        await self.told("T1", "Zoë", 0, "first")
        await directory.put_credential(7, 0, "ours", MADE)
        await self.told("T1", "Zoë", 0, "first")
        self.assertEqual((await self.records(), await self.clashes()), ({0: "ours"}, []))
        await self.told("T1", "Zoë", 0, "third")
        self.assertEqual(await self.records(), {0: "ours"})
        self.assertEqual([one[:2] for one in await self.clashes()], [("T1", "fingerprint 0")])


class AdoptTests(DirectoryCase):
    """A terminal is right."""

    async def test_credential(self) -> None:
        """Of one person the credentials of that terminal replace the directory's, others stay."""
        directory = await self.begin()
        await self.told("T1", "Zoë", 0, "first")
        await self.told("T1", "Zoë", 10, "4815")
        await self.told("T2", "Zoë", 0, "other")
        self.assertTrue(await directory.adopt(7, "t2"))
        self.assertEqual(await self.records(), {0: "other", 10: "4815"})
        self.assertEqual((await self.one()).credentials[0].made.sn, "T2")
        self.assertEqual(await self.clashes(), [])
        check(await self.fields())

    async def test_other_person(self) -> None:
        """Of another person only the credentials of that terminal stay, and the terminals of the former one
        collide when they tell of it again."""
        directory = await self.begin()
        await self.grouped("day")
        await self.told("T1", "Zoë", 0, "first")
        await self.told("T1", "Zoë", 10, "4815")
        await directory.put(zoe(external_id="P-1", groups=("day",), note="x"))
        await self.told("T2", "Bob", 0, "other", admin=1)
        self.assertTrue(await directory.adopt(7, "T2"))
        person = (await self.one()).person
        self.assertEqual((person.name, person.admin, person.note), ("Bob", 1, "x"))
        self.assertEqual((person.external_id, person.groups), ("P-1", ("day",)))
        self.assertEqual((await self.records(), await self.clashes()), ({0: "other"}, []))
        await self.told("T1", "Zoë", 10, "4815")
        self.assertEqual(await self.clashes(), [("T1", "name", "Bob", "Zoë")])
        self.assertEqual(await self.records(), {0: "other"})
        check(await self.fields())

    async def test_nothing_told(self) -> None:
        """A terminal that never told of the person is right about nothing."""
        directory = await self.begin()
        await self.told("T1", "Zoë")
        self.assertFalse(await directory.adopt(7, "T2"))
        self.assertFalse(await directory.adopt(8, "T1"))
        self.assertFalse(await directory.adopt(0, "T1"))

    async def test_enters(self) -> None:
        """Whom the directory does not know gets in by it."""
        directory = await self.begin(adopt=False)
        await self.told("T1", "Zoë", 10, "4815", admin=2)
        self.assertTrue(await directory.adopt(7, "T1"))
        person = (await self.one()).person
        self.assertEqual((person.name, person.admin, person.source), ("Zoë", 2, "T1"))
        self.assertEqual(await self.records(), {10: "4815"})

    async def test_without_a_name(self) -> None:
        """A terminal without names takes nobody's name away."""
        directory = await self.begin()
        await self.told("T1", "Zoë", 10, "4815")
        await self.told("T2", "", 10, "1623")
        self.assertTrue(await directory.adopt(7, "T2"))
        self.assertEqual(((await self.one()).person.name, await self.records()), ("Zoë", {10: "1623"}))

    async def test_changed_meanwhile(self) -> None:
        """What people said between the look and the step is not lost."""
        directory = await self.begin()
        await self.told("T1", "Zoë")
        await self.told("T2", "Bob", admin=1)
        real, asked = self.client.keep, list[str]()

        async def interfered(name: str, keys: list[str], args: list[str]) -> object:
            """Somebody puts a note just before the first step."""
            asked.append(args[0])
            if asked == ["adopt"]:
                await directory.put(zoe(note="x"))
            return await real(name, keys, args)

        self.patch(self.client, "keep", interfered)
        self.assertTrue(await directory.adopt(7, "T2"))
        person = (await self.one()).person
        self.assertEqual((person.name, person.admin, person.note), ("Bob", 1, "x"))
        self.assertEqual(asked, ["adopt", "put", "adopt"])


class TakenOutTests(DirectoryCase):
    """What people took out does not come back by itself."""

    async def test_person(self) -> None:
        """Terminals that tell what was known, also one that never told before, do not bring a person back."""
        directory = await self.begin()
        await self.told("T1", "Zoë", 10, "4815")
        await self.told("T2", "Bob", 11, "1623")
        self.assertTrue(await directory.remove(7))
        await self.told("T1", "Zoë", 10, "4815")
        await self.told("T2", "Bob", 11, "1623")
        await self.told("T3", "Zoë", 10, "4815")
        await self.told("T3", "Zoë")
        self.assertIsNone(await directory.get(7))
        self.assertFalse(await self.users.is_known(7))
        self.assertEqual(await self.users.profile("T2", 7), Profile("Bob", 0))
        check(await self.fields())

    async def test_new_enrolment(self) -> None:
        """Somebody who is enrolled anew under the number is a person again."""
        for name, record in (("Ana", "4815"), ("Zoë", "2342")):
            directory = await self.begin()
            await self.told("T1", "Zoë", 10, "4815")
            await directory.remove(7)
            await self.told("T1", name, 10, record)
            self.assertEqual(((await self.one()).person.name, await self.records()), (name, {10: record}))
            check(await self.fields())
            await self.client.write("FLUSHALL")

    async def test_credential(self) -> None:
        """A credential that was taken away does not come back; another in its slot is a new one."""
        directory = await self.begin()
        await self.told("T1", "Zoë", 10, "4815")
        await self.told("T1", "Zoë", 11, "1623")
        self.assertTrue(await directory.remove_credential(7, 10))
        self.assertFalse(await directory.remove_credential(7, 10))
        await self.told("T1", "Zoë", 10, "4815")
        await self.told("T2", "Zoë", 10, "4815")
        self.assertEqual(await self.records(), {11: "1623"})
        await self.told("T2", "Zoë", 10, "2342")
        self.assertEqual(await self.records(), {10: "2342", 11: "1623"})

    async def test_put_again(self) -> None:
        """What people put is there again, and what was told of it then is told of a person."""
        directory = await self.begin()
        await self.told("T1", "Zoë", 10, "4815")
        await directory.remove(7)
        await directory.put(zoe())
        await self.told("T1", "Zoë", 10, "4815")
        self.assertEqual(await self.records(), {10: "4815"})
