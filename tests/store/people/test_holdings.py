"""What terminals have, as far as is known."""

from __future__ import annotations

from tests.store.people.holding import SN, HoldingCase, accepted, read
from tfserver.locks import DOUBTFUL, UNLOCKED
from tfserver.person import Held, HeldPerson, Proof, Reading
from tfserver.store.people.holdings import Went


class ToldTests(HoldingCase):
    """What terminals tell, credential by credential."""

    async def test_what_is_told_is_kept(self) -> None:
        """A person and its credential are there, and where the person is is known."""
        holdings = await self.known()
        await holdings.told("zxab1 ", 7, 0, read(at=5), HeldPerson(name='Ines "M"', admin=1))
        found = await holdings.of(SN)
        self.assertEqual(found.people, {7: HeldPerson(name='Ines "M"', admin=1)})
        self.assertEqual(found.credentials, {(7, 0): Held(Proof.READ, "v1", 5)})
        self.assertIsNone(found.reading)
        self.assertEqual(
            await holdings.where(7),
            [(SN, HeldPerson(name='Ines "M"', admin=1), {0: Held(Proof.READ, "v1", 5)})],
        )
        self.assertEqual(await holdings.where(8), [])

    async def test_none_changes_nothing(self) -> None:
        """What is not told stays as it is known."""
        holdings = await self.known()
        await self.put(7, 0, name="Ines", admin=2)
        await holdings.told(SN, 7, None, None, HeldPerson(name="Ina"))
        await holdings.told(SN, 7, 0, read("v1", 9), None)
        found = await holdings.of(SN)
        self.assertEqual(found.people[7], HeldPerson(ours=True, name="Ina", admin=2))
        self.assertEqual(found.credentials[7, 0], Held(Proof.READ, "v1", 9))

    async def test_proof_stays_while_it_is_the_same(self) -> None:
        """The same credential put once more is no less proven, another one is."""
        holdings = await self.known()
        await self.put(7, 0, read("v1"))
        await holdings.recognised([(SN, 7, "fp", "2026-04-02")])
        await self.put(7, 0, accepted("v1", 3))
        self.assertEqual(
            (await holdings.of(SN)).credentials[7, 0], Held(Proof.RECOGNISED, "v1", 3, "2026-04-02")
        )
        await self.put(7, 0, accepted("v2", 4))
        self.assertEqual((await holdings.of(SN)).credentials[7, 0], Held(Proof.ACCEPTED, "v2", 4))

    async def test_what_is_sent_is_not_there(self) -> None:
        """Something on its way takes no room, makes nobody be there, and hides nothing that is."""
        holdings = await self.known()
        await holdings.told(SN, 7, 0, Held(Proof.SENT, "v1", 1), HeldPerson(ours=True))
        found = await holdings.of(SN)
        self.assertEqual((found.people, await self.used()), ({}, {}))
        self.assertEqual(await holdings.where(7), [(SN, None, {0: Held(Proof.SENT, "v1", 1)})])
        await self.put(7, 0)
        await holdings.told(SN, 7, 0, Held(Proof.SENT, "v2", 2), None)
        self.assertEqual((await holdings.of(SN)).credentials[7, 0].version, "v1")
        self.assertEqual(await self.used(), {"user": 1, "fp": 1})

    async def test_of_a_terminal_that_was_deleted_nothing_is_kept(self) -> None:
        """Whoever comes late for a terminal leaves nothing behind."""
        holdings = await self.known()
        await self.put(7, 0)
        await self.registry.delete(SN)
        await holdings.forget(SN)
        await self.put(8, 0)
        await holdings.listed(SN, [(9, 0, 0)], 5)
        self.assertEqual(await self.client.read("KEYS", "tf:hold*"), [])
        self.assertEqual(await self.raw(), {})


class GoneTests(HoldingCase):
    """What is not there any more."""

    async def test_numbers_of_deleteuser(self) -> None:
        """12 is all fingerprints, 13 the whole person, any other that credential alone."""
        holdings = await self.known(fpsize=20)
        for backupnum in (0, 1, 11, 50):
            await self.put(7, backupnum)
        await holdings.told(SN, 7, 10, Held(Proof.SENT, "v", 1), None)
        self.assertEqual(await holdings.gone(SN, 7, 11), 1)
        self.assertEqual(await holdings.gone(SN, 7, 12), 2)
        found = await holdings.of(SN)
        self.assertEqual(({*found.people}, {*found.credentials}), ({7}, {(7, 50), (7, 10)}))
        await holdings.gone(SN, 7, 13)
        found = await holdings.of(SN)
        self.assertEqual((found.people, found.credentials, await self.used()), ({}, {}, {}))
        self.assertEqual(await holdings.where(7), [])

    async def test_cleared(self) -> None:
        """After everybody was deleted it is known that nobody is there, and who comes then is."""
        holdings = await self.known(useduser=9)
        await self.put(7, 0)
        await self.put(8, 11)
        await holdings.cleared(SN)
        found = await holdings.of(SN)
        self.assertEqual((found.people, found.credentials, await self.used()), ({}, {}, {}))
        assert found.reading is not None
        self.assertEqual(found.reading.people, 0)
        self.assertEqual(await holdings.where(7) + await holdings.where(8), [])

    async def test_locks_names_and_admins(self) -> None:
        """What is said of several people changes those that are known to be there, and nobody else."""
        holdings = await self.known()
        await self.put(7, 0, admin=1)
        await self.put(8, 0, admin=2)
        await holdings.named(SN, {7: "Ina", 9: "Nobody"})
        await holdings.locked(SN, {7: "a", 8: "b", 9: "c"})
        await holdings.demoted(SN)
        found = (await holdings.of(SN)).people
        self.assertEqual(found[7], HeldPerson(ours=True, name="Ina", admin=0, lock="a"))
        self.assertEqual((found[8].lock, found[8].admin, 9 in found), ("b", 0, False))
        await holdings.locked(SN, {7: ""})
        self.assertEqual((await holdings.of(SN)).people[7].lock, "")
        await holdings.all_locked(SN, "none")
        self.assertEqual({held.lock for held in (await holdings.of(SN)).people.values()}, {"none"})

    async def test_lock_after_the_last(self) -> None:
        """With its last credential a terminal may forget when somebody may pass: nobody knows that then, but
        of who may always."""
        holdings = await self.known()
        for enrollid, lock in ((7, "night"), (8, UNLOCKED), (9, "")):
            await self.put(enrollid, 0)
            await self.put(enrollid, 11)
            await holdings.locked(SN, {enrollid: lock})
            await holdings.gone(SN, enrollid, 0)
            self.assertEqual((await holdings.of(SN)).people[enrollid].lock, lock)
            await holdings.gone(SN, enrollid, 11)
        locks = {one: held.lock for one, held in (await holdings.of(SN)).people.items()}
        self.assertEqual(locks, {7: DOUBTFUL, 8: UNLOCKED, 9: ""})

    async def test_names_of_the_erased(self) -> None:
        """A reply that is late brings no name of somebody who was erased back; one that is there can go."""
        holdings = await self.known()
        await self.put(7, 0, name="Ines")
        await self.client.write("HSET", self.client.keys.erased, 7, "e1")
        await holdings.named(SN, {7: ""})
        await holdings.named(SN, {7: "Ines"})
        await self.put(7, 11, name="Ines", admin=1)
        await self.put(8, 0, name="Tarik")
        found = (await holdings.of(SN)).people
        self.assertEqual((found[7].name, found[7].admin, found[8].name), ("", 1, "Tarik"))
        self.assertNotIn("Ines", str(await self.client.read("HGETALL", self.client.keys.holds(SN))))


class ListedTests(HoldingCase):
    """A whole list replaces what was known."""

    async def test_what_stays_goes_and_comes(self) -> None:
        """Who is still there keeps what is known, who is not goes, who is new is listed."""
        holdings = await self.known()
        await self.put(7, 0, name="Ines")
        await self.put(7, 11)
        await self.put(8, 0)
        went = await holdings.listed(SN, [(7, 0, 1), (9, 10, 0)], 50)
        self.assertEqual(went, Went((8,), ((7, 11), (8, 0))))
        found = await holdings.of(SN)
        self.assertEqual(found.reading, Reading(50, 2, 2))
        self.assertEqual(found.people, {7: HeldPerson(True, "Ines", 1), 9: HeldPerson(admin=0)})
        self.assertEqual(found.credentials, {(7, 0): accepted(), (9, 10): Held(Proof.LISTED, at=50)})
        self.assertEqual(await holdings.where(8), [])
        self.assertEqual(await self.used(), {"user": 2, "fp": 1})

    async def test_what_came_meanwhile_stays(self) -> None:
        """Somebody who enrolled while the list was read is not in it, and is there."""
        holdings = await self.known()
        await self.put(7, 0, read("v1", 60))
        await self.put(8, 0, read("v1", 40))
        went = await holdings.listed(SN, [], 50)
        self.assertEqual(went, Went((8,), ((8, 0),)))
        self.assertEqual({*(await holdings.of(SN)).people}, {7})
        self.assertEqual(await self.used(), {"user": 1, "fp": 1})

    async def test_nothing_new_writes_nothing(self) -> None:
        """The same list again changes the reading alone."""
        holdings = await self.known()
        entries = [(enrollid, 0, 0) for enrollid in range(1, 300)]
        await holdings.listed(SN, entries, 50)
        self.tell("CONFIG RESETSTAT")
        await holdings.listed(SN, entries, 60)
        self.assertEqual(await self.calls(self.client, "sadd") + await self.calls(self.client, "hdel"), 0)
        self.assertLessEqual(await self.calls(self.client, "hset"), 3)

    async def test_bare_people_of_a_terminal_without_a_sensor(self) -> None:
        """Fingerprint 0 on a terminal that takes none is a person without a credential."""
        holdings = await self.known(fpsize=0)
        await holdings.listed(SN, [(7, 0, 0), (7, 11, 0)], 5)
        found = await holdings.of(SN)
        self.assertEqual(({*found.people}, {*found.credentials}), ({7}, {(7, 11)}))
        await holdings.listed(SN, [(7, 0, 0)], 9)
        self.assertEqual({*(await holdings.of(SN)).people}, {7})


class RecognisedTests(HoldingCase):
    """Somebody passed."""

    async def test_the_kind_is_recognised(self) -> None:
        """Those credentials of the kind are, and the person was seen; an earlier day changes nothing."""
        holdings = await self.known()
        await self.put(7, 0)
        await self.put(7, 11)
        await holdings.recognised([(SN, 7, "card", "2026-04-02"), (SN, 8, "card", "2026-04-02")])
        await holdings.recognised([(SN, 7, "card", "2026-04-01")])
        found = await holdings.of(SN)
        self.assertEqual(found.credentials[7, 11], Held(Proof.RECOGNISED, "v1", 1, "2026-04-02"))
        self.assertEqual(found.credentials[7, 0], accepted())
        self.assertEqual((found.people[7].seen, 8 in found.people), ("2026-04-02", False))

    async def test_an_unknown_kind(self) -> None:
        """It counts for those who have only one kind there; for others they were only seen."""
        holdings = await self.known()
        for enrollid, backupnum in ((7, 0), (7, 1), (8, 0), (8, 11)):
            await self.put(enrollid, backupnum)
        await holdings.recognised([(SN, 7, None, "2026-04-02"), (SN, 8, None, "2026-04-02")])
        found = await holdings.of(SN)
        recognised = {slot for slot, held in found.credentials.items() if held.proof is Proof.RECOGNISED}
        self.assertEqual(recognised, {(7, 0), (7, 1)})
        self.assertEqual(found.people[8].seen, "2026-04-02")
