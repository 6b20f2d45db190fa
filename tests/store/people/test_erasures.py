"""Erasures as they stand in the store."""

from __future__ import annotations

from typing import Any

from tests.store.people.listed import ORIGIN, DirectoryCase, zoe
from tfserver.person import Person
from tfserver.store.errands import Errands
from tfserver.store.people.directory import BeingErased, Outdated
from tfserver.store.people.erasures import (
    ERASURE,
    TERMINAL,
    Asked,
    Erasures,
    Place,
    PlaceState,
    new_id,
    place_of,
)
from tfserver.store.users import Profile

DONE = Place(PlaceState.DONE, "deleted", 5, "not on the list")


class ErasureCase(DirectoryCase):
    """A directory, and erasures of one process."""

    async def started(self) -> Erasures:
        """All faces."""
        await self.begin()
        self.erasures = Erasures(self.client)
        return self.erasures

    async def ordered(self, enrollid: int = 7, *clear: str) -> str:
        """An erasure of which the server has these places to clear."""
        asked = Asked(id=new_id(), enrollid=enrollid, actor="token a", reason="asked")
        found, _ = await self.erasures.order(asked, clear, {"punches": "kept by law"})
        return found

    async def says(self, erasure_id: str, field: str, place: Place = DONE) -> str | None:
        """Tell how far a place is, whatever stands there."""
        going = await self.erasures.going(erasure_id)
        assert going is not None
        return await self.erasures.tell(erasure_id, field, going.raw.get(field, ""), place)


class StepTests(ErasureCase):
    """The steps one by one."""

    async def test_order_leaves_an_errand(self) -> None:
        """With the order there is somebody who has to see it through, whatever happens then."""
        await self.started()
        erasure = await self.ordered()
        names, _ = await Errands(self.client, ERASURE).claim("t", 9)
        self.assertEqual(names, [erasure])

    async def test_terminals_that_told(self) -> None:
        """Those that pushed the person, or have it as far as is known, are places from the beginning."""
        await self.started()
        await self.told_of("T1", "T2")
        await self.client.write("SADD", self.client.keys.holders(7), "T3")
        found = await self.erasures.going(await self.ordered(7, "orders"))
        assert found is not None
        fields = {"t:T1", "t:T2", "t:T3", "s:orders", "s:punches", "s:directory", "s:key"}
        self.assertEqual(set(found.raw), fields)
        self.assertEqual(place_of(found.raw["s:punches"]).state, PlaceState.KEPT)

    async def told_of(self, *sns: str) -> None:
        """Terminals push the person."""
        for number, sn in enumerate(sns):
            await self.users.put(sn, 7, Profile("Zoë", 0), (number, f"record {number}"), ORIGIN)

    async def test_unreadable_for_ever(self) -> None:
        """What was sealed before the order, and kept by somebody, opens by no key that there is now."""
        directory = await self.started_with_person()
        record = (await self.fields())["r:0:" + self.vault.version_of("record 0")]
        await self.ordered()
        self.assertEqual(await self.fields(), {})
        await self.erasures.lift(10**15)
        await self.client.write("DEL", self.client.keys.erased)
        await directory.put(zoe())
        await self.told_of("T1")
        wrapped = (await self.fields())["key"]
        with self.assertRaisesRegex(Exception, "can't be opened"):
            self.vault.open(wrapped, 7, 0, record)

    async def started_with_person(self) -> Any:
        """A person with a credential."""
        await self.started()
        await self.told_of("T1")
        return self.directory

    async def test_told_by_two(self) -> None:
        """Of two who tell of one place only the first does, and none after the end."""
        erasures = await self.started()
        erasure = await self.ordered()
        field = TERMINAL + "T1"
        first = await erasures.tell(erasure, field, "", Place(PlaceState.OPEN))
        assert first is not None
        self.assertIsNone(await erasures.tell(erasure, field, "", DONE))
        self.assertIsNotNone(await erasures.tell(erasure, field, first, DONE))
        going = await erasures.going(erasure)
        assert going is not None
        self.assertIsNotNone(await erasures.finish(going))
        self.assertIsNone(await erasures.tell(erasure, field, going.raw[field], Place(PlaceState.OPEN)))
        self.assertIsNone(await erasures.tell("nobody", field, "", DONE))

    async def test_finished_as_it_was_seen(self) -> None:
        """A report is closed only while every place is as the report has it."""
        erasures = await self.started()
        erasure = await self.ordered()
        await self.says(erasure, "t:T1")
        seen = await erasures.going(erasure)
        assert seen is not None
        await self.says(erasure, "t:T1", Place(PlaceState.OPEN, "it told again"))
        self.assertIsNone(await erasures.finish(seen))
        await self.says(erasure, "t:T2")
        again = await erasures.going(erasure)
        assert again is not None
        changed = again._replace(raw={name: raw for name, raw in again.raw.items() if name != "t:T2"})
        self.assertIsNone(await erasures.finish(changed))
        self.assertIsNotNone(await erasures.finish(again))
        self.assertIsNone(await erasures.finish(again))

    async def test_at_a_terminal(self) -> None:
        """What is to be done at a terminal are the places there that have not ended, of all that are open."""
        erasures = await self.started()
        first, second = await self.ordered(7), await self.ordered(8)
        for erasure in (first, second):
            await self.says(erasure, "t:T1", Place(PlaceState.WAITING, "offline", 5))
        await self.says(first, "t:T2")
        # of two orders within a millisecond either may come first
        self.assertCountEqual([one.asked.id for one in await erasures.at(" t1 ")], [first, second])
        self.assertEqual(await erasures.at("T2"), [])
        self.assertEqual((await erasures.standing()).open, 2)

    async def test_pages(self) -> None:
        """The newest come first, and a cursor leads to those behind."""
        erasures = await self.started()
        made = [await self.ordered(enrollid) for enrollid in range(1, 6)]
        found, cursor = await erasures.listing(3, "")
        assert cursor is not None
        self.assertEqual([one.id for one in found], made[:1:-1])
        rest, end = await erasures.listing(3, cursor)
        self.assertEqual(([one.id for one in rest], end), (made[1::-1], None))

    async def test_forgotten(self) -> None:
        """Reports go when they are old; an erasure that is open stays however old it is."""
        erasures = await self.started()
        old, open_one = await self.ordered(7), await self.ordered(8)
        going = await erasures.going(old)
        assert going is not None
        await erasures.finish(going)
        self.assertEqual(await erasures.forget(0), 0)
        self.assertEqual(await erasures.forget(10**15), 1)
        self.assertIsNone(await erasures.get(old))
        self.assertIsNotNone(await erasures.get(open_one))

    async def test_unknown_person(self) -> None:
        """A number that the directory does not have is erased as well: terminals may have it."""
        erasures = await self.started()
        report = await erasures.get(await self.ordered(99))
        assert report is not None
        told = {one.place: one.told for one in report.places}
        self.assertEqual((told["directory"], told["key"]), ("it was not there", "there was none"))

    async def test_other_people(self) -> None:
        """Nobody else loses anything, not even who has the same name."""
        await self.started()
        await self.directory.put(zoe(7, external_id="P-7"))
        await self.directory.put(zoe(8, external_id="P-8"))
        await self.ordered(7)
        self.assertEqual(await self.directory.by_external_id("P-7"), None)
        self.assertEqual(await self.directory.by_external_id("P-8"), 8)
        found, _ = await self.directory.find("zo", "", 9)
        self.assertEqual([known.person.enrollid for known in found], [8])


class NumberTests(ErasureCase):
    """Who may have the number when."""

    async def test_while_it_is_open(self) -> None:
        """Nobody can be made under the number, by whatever way."""
        await self.started()
        await self.ordered()
        with self.assertRaises(BeingErased):
            await self.directory.put(Person(enrollid=7))
        with self.assertRaises((BeingErased, Outdated)):
            await self.directory.put(Person(enrollid=7), 0)
        self.assertIsNone(await self.directory.get(7))
