"""Imports on a real store: brought in, gone on with after a kill, stopped, and foreseen."""

from __future__ import annotations

import json
from typing import Any

from twisted.internet.defer import Deferred

from tests.people.imported import ImportCase, asked, table
from tests.store.people.listed import zoe
from tfserver.errors import StoreUnavailable
from tfserver.people import entering, imports
from tfserver.people.entering import Entering
from tfserver.people.tabular import Unreadable
from tfserver.store.archive.forms import Form
from tfserver.store.people.imports import MOST_OPEN, Import, ImportState, OtherImport, TooManyImports
from tfserver.web.api.people_export import PeopleExport, head_of

DONE = ImportState.DONE


class EnterTests(ImportCase):
    """What becomes of rows."""

    async def test_outcomes(self) -> None:
        """People are made, changed, left as they are, or told to be wrong; nothing is left of the file."""
        await self.begin_all()
        await self.directory.put(zoe(1, name="Ana", note="kept"))
        await self.directory.put(zoe(2, name="Bo"))
        found = await self.brought(table("001;Ana", "2;Bob", "3;Cy", "x;Di", "3;Again"))
        self.assertEqual((found.state, found.rows, found.reached), (DONE, 5, 6))
        self.assertEqual(self.counts(found), (1, 1, 1, 2))
        self.assertEqual(await self.wrong(found.id), [(5, "enrollid"), (6, "enrollid")])
        self.assertEqual(await self.names(), {1: "Ana", 2: "Bob", 3: "Cy"})
        self.assertEqual((await self.one(1)).person.note, "kept")
        self.assertEqual((await self.one(3)).person.source, "import")
        self.assertEqual(self.continuous.calls, [("touch", ())])
        fields = await self.client.read("HKEYS", self.client.keys.import_of(found.id))
        self.assertEqual([one for one in fields if one.startswith("p:") or one in ("key", "judged")], [])
        self.assertGreater(await self.client.read("PTTL", self.client.keys.import_of(found.id)), 0)

    async def test_sealed(self) -> None:
        """What waits in the store is not to be read there."""
        await self.begin_all()
        made = await self.take(table("1;Ana;4711234", head="enrollid;name;password"))
        flat = await self.client.read("HGETALL", self.client.keys.import_of(made.id))
        self.assertEqual(made.state, ImportState.WAITING)
        self.assertIn("p:1", flat)
        self.assertGreater(await self.client.read("PTTL", self.client.keys.import_of(made.id)), 0)
        self.assertNotIn("4711234", str(flat))
        self.assertNotIn("Ana", str(flat))

    async def test_credentials(self) -> None:
        """Credentials come along, each once; the same again is no change."""
        await self.begin_all()
        data = json.dumps({"enrollid": 7, "card": 55, "credentials": {"0": {"record": "abc", "fpalgo": "3"}}})
        first = await self.brought(data.encode(), asked(Form.NDJSON))
        again = await self.brought(data.encode(), asked(Form.NDJSON))
        self.assertEqual((self.counts(first), self.counts(again)), ((1, 0, 0, 0), (0, 0, 1, 0)))
        self.assertEqual(await self.records(), {0: "abc", 11: "55"})
        self.assertEqual((await self.one()).credentials[0].made.fpalgo, "3")
        more = await self.brought(b'{"enrollid": 7, "card": 56}', asked(Form.NDJSON))
        self.assertEqual((self.counts(more), await self.records()), ((0, 1, 0, 0), {0: "abc", 11: "56"}))

    async def test_refused_by_the_directory(self) -> None:
        """A group that is not there, another's external id, and somebody who is being erased: each row is
        told, and the rest comes in."""
        await self.begin_all()
        await self.grouped("day")
        await self.directory.put(zoe(1, external_id="P-1"))
        await self.client.write("HSET", self.client.keys.erased, 9, "e1")
        data = table("2;P-1;day", "3;P-3;night", "9;;day", "4;P-4;day", head="enrollid;external_id;groups")
        for dry_run in (True, False):
            found = await self.brought(data, asked(dry_run=dry_run))
            self.assertEqual(self.counts(found), (1, 0, 0, 3), dry_run)
            expected = [(2, "external_id"), (3, "groups"), (4, "enrollid")]
            self.assertEqual(await self.wrong(found.id), expected, dry_run)
        self.assertEqual([*await self.names()], [1, 4])
        told = [one.message for one in await self.importing.errors(found.id, 0, 10)]
        self.assertNotRegex(str(told), "P-1|night")

    async def test_handed_on(self) -> None:
        """An external id that one row gives up another may take, in the same file."""
        await self.begin_all()
        await self.directory.put(zoe(1, external_id="P-1"))
        data = table("1;P-2", "2;P-1", head="enrollid;external_id")
        for dry_run in (True, False):
            found = await self.brought(data, asked(dry_run=dry_run))
            self.assertEqual((self.counts(found), await self.wrong(found.id)), ((1, 1, 0, 0), []), dry_run)
        self.assertEqual(await self.directory.by_external_id("P-1"), 2)

    async def test_handed_on_late(self) -> None:
        """Also when the row that takes it is in the store before the one that gives it up."""
        await self.begin_all()
        await self.directory.put(zoe(1, external_id="P-1"))
        put, refused = self.directory.put, Deferred[None]()

        async def late(person: Any, expected: int | None = None) -> Any:
            """The first comes behind the refusal of the second."""
            if person.enrollid == 1:
                await refused
            try:
                return await put(person, expected)
            finally:
                if not refused.called:
                    refused.callback(None)

        self.directory.put = late  # type: ignore[method-assign]
        found = await self.brought(table("1;P-2", "2;P-1", head="enrollid;external_id"))
        self.assertEqual((self.counts(found), await self.directory.by_external_id("P-1")), ((1, 1, 0, 0), 2))

    async def test_dry_run(self) -> None:
        """It says what would come of it, and changes nothing."""
        await self.begin_all()
        await self.directory.put(zoe(1, name="Ana"))
        found = await self.brought(table("1;Bea", "2;Bo", "y;x"), asked(dry_run=True))
        self.assertEqual((found.state, self.counts(found)), (DONE, (1, 1, 0, 1)))
        self.assertEqual(await self.names(), {1: "Ana"})
        self.assertEqual(self.continuous.calls, [])

    async def test_stop(self) -> None:
        """If that is wanted nothing behind the first wrong row comes in, also within a batch."""
        await self.begin_all()
        found = await self.brought(table("1;A", "2;B", "0;C", "3;D"), asked(on_error="stop"))
        self.assertEqual((found.state, self.counts(found)), (ImportState.STOPPED, (2, 0, 0, 1)))
        self.assertEqual((found.reached, found.why), (4, "row 4 is wrong"))
        self.assertEqual([*await self.names()], [1, 2])
        data = table("4;x", "5;none", "6;x", head="enrollid;groups")
        await self.grouped("x")
        found = await self.brought(data, asked(on_error="stop"))
        self.assertEqual((found.reached, [*await self.names()]), (3, [1, 2, 4]))

    async def test_no_lost_update(self) -> None:
        """What somebody changes between reading a person and writing it stays."""
        await self.begin_all()
        await self.directory.put(zoe(1, name="Ana"))
        put, was = self.directory.put, await self.one(1)

        async def late(person: Any, expected: int | None = None) -> Any:
            """Somebody else is faster, once."""
            self.directory.put = put  # type: ignore[method-assign]
            await put(zoe(1, name="Ana", note="theirs"))
            return await put(person, expected)

        self.directory.put = late  # type: ignore[method-assign]
        found = await self.brought(table("1;Bea"))
        person = (await self.one(1)).person
        self.assertEqual((person.name, person.note), ("Bea", "theirs"))
        self.assertEqual((found.changed, person.version > was.person.version), (1, True))


class ResumeTests(ImportCase):
    """A process that dies over an import."""

    async def test_killed(self) -> None:
        """Wherever a process dies, the next goes on: each row is counted once, as what it was."""
        await self.begin_all()
        self.patch(entering, "BATCH", 3)
        self.patch(imports, "SLICE", 16)
        self.patch(imports, "PIECE", 16)
        await self.directory.put(zoe(2, name="B2"))
        await self.directory.put(zoe(3, name="old"))
        rows = [f"{n};{'B' if n != 9 else 'B' * 90}{n}" for n in range(1, 12)]
        made = await self.take(table(*rows, "1;again"))
        deaths, left = 0, 1
        while True:
            self.means = self.means._replace(imports=self.dying(left), directory=self.directory)
            try:
                found = await self.done(made.id)
            except StoreUnavailable:
                deaths, left = deaths + 1, left + 1
            else:
                break
        self.assertGreater(deaths, 8)
        self.assertEqual((found.state, self.counts(found)), (DONE, (8, 1, 1, 2)))
        self.assertEqual(await self.wrong(made.id), [(10, "name"), (13, "enrollid")])
        self.assertEqual(len(await self.names()), 10)

    def dying(self, left: int) -> Any:
        """The store of a process that has only so many calls left."""
        store = self.imports

        class Dying:
            """Fails for good after the last of them."""

            def __getattr__(self, name: str) -> Any:
                nonlocal left
                left -= 1
                if left < 0:
                    raise StoreUnavailable("killed")
                return getattr(store, name)

        return Dying()

    async def test_two_at_once(self) -> None:
        """A process that only seemed dead does not count anything twice."""
        await self.begin_all()
        self.patch(entering, "BATCH", 3)
        made = await self.take(table(*(f"{n};N{n}" for n in range(1, 30))))
        both = [Deferred.fromCoroutine(Entering(self.means).do(made.id)) for _ in range(2)]
        for one in both:
            self.assertIsNone(await one)
        found = await self.now(made.id)
        self.assertEqual((found.state, sum(self.counts(found)), len(await self.names())), (DONE, 29, 29))

    async def test_dry_run_again(self) -> None:
        """One that changes nothing begins anew."""
        await self.begin_all()
        self.patch(entering, "BATCH", 2)
        made = await self.take(table("1;A", "x;B", "2;C", "3;D"), asked(dry_run=True))
        self.means = self.means._replace(imports=self.dying(7))
        await self.fails(Entering(self.means).do(made.id), StoreUnavailable)
        self.assertGreater((await self.now(made.id)).reached, 0)
        self.means = self.means._replace(imports=self.imports)
        found = await self.done(made.id)
        self.assertEqual((self.counts(found), await self.wrong(made.id)), ((3, 0, 0, 1), [(3, "enrollid")]))

    async def test_cancelled(self) -> None:
        """Nothing more comes in once somebody cancelled it, not even a row that was cut by that."""
        await self.begin_all()
        self.patch(imports, "SLICE", 10)
        self.patch(imports, "PIECE", 10)
        self.patch(entering, "BATCH", 1)
        made = await self.take(table("1;Ana", "22;Bea"))
        advance = self.imports.advance

        async def cancelling(*args: Any) -> bool:
            """Somebody cancels it behind the first row."""
            told = await advance(*args)
            self.assertTrue(await self.importing.cancel(made.id))
            return told

        self.imports.advance = cancelling  # type: ignore[method-assign, assignment]
        found = await self.done(made.id)
        self.assertEqual((found.state, await self.names()), (ImportState.CANCELLED, {1: "Ana"}))
        self.assertFalse(await self.importing.cancel(made.id))
        self.assertIsNone(await Entering(self.means).do(made.id))

    async def test_punches_first(self) -> None:
        """As long as the process is pressed no batch is begun."""
        await self.begin_all()
        self.patch(entering, "EASE_SECONDS", 0)
        looks, many = list[int](), self.directory.many

        class Pressed:
            """At ease when it is looked at for the fourth time."""

            @property
            def is_high(self) -> bool:
                """Whether there is too much to do."""
                looks.append(0)
                return len(looks) < 4

        async def after(enrollids: Any) -> Any:
            """The first thing that a batch asks."""
            self.assertEqual(len(looks), 4)
            return await many(enrollids)

        self.directory.many = after  # type: ignore[method-assign]
        pressed: Any = Pressed()
        self.means = self.means._replace(pressure=pressed)
        await self.brought(table("1;Ana"))
        self.assertEqual(await self.names(), {1: "Ana"})


class TakeTests(ImportCase):
    """Taking files."""

    async def test_unreadable(self) -> None:
        """What can't be read leaves nothing behind."""
        await self.begin_all()
        for data in (table("1;x", head="enrollid;shoe"), table(), b"\xff\xfe"):
            await self.fails(self.take(data), Unreadable)
        self.assertEqual(await self.importing.listing(10), [])
        self.assertEqual(await self.client.read("KEYS", f"{self.client.keys.import_of('')}*"), [])

    async def test_bounded(self) -> None:
        """Only so many wait at a time; one that is over makes room."""
        await self.begin_all()
        made = [await self.take(table("1;A")) for _ in range(MOST_OPEN)]
        await self.fails(self.take(table("1;A")), TooManyImports)
        await self.done(made[0].id)
        last = await self.take(table("1;A"))
        listed = await self.importing.listing(10)
        self.assertEqual(len(listed), MOST_OPEN + 1)
        self.assertEqual((listed[0].id, listed[-1].id), (last.id, made[0].id))

    async def test_idempotency(self) -> None:
        """The same request again is the same import."""
        await self.begin_all()
        first = await self.importing.begin(asked(), table("1;A"), "a:k1")
        self.assertEqual(await self.importing.begin(asked(), table("1;A"), "a:k1"), first)
        for another in (self.take_as("a:k1", "1;B"), self.take_as("a:k1", "1;A", dry_run=True)):
            with self.assertRaises(OtherImport):
                await another
        self.assertEqual(len(await self.importing.listing(9)), 1)
        other = await self.importing.begin(asked(), table("1;A"), "a:k2")
        self.assertNotEqual(other.id, first.id)

    async def take_as(self, key: str, row: str, *, dry_run: bool = False) -> Import:
        """Send a row under an idempotency key."""
        return await self.importing.begin(asked(dry_run=dry_run), table(row), key)

    async def test_broken_off(self) -> None:
        """A file that is not whole is looked at again, and forgotten when nobody brings the rest."""
        await self.begin_all()
        import_id, wrapped = await self.imports.begin(asked())
        self.assertTrue(await self.imports.put_piece(import_id, wrapped, 1, "enrollid\n1\n"))
        self.assertEqual(await Entering(self.means).do(import_id), entering.LOOK_SECONDS)
        self.assertGreater(await self.client.read("PTTL", self.client.keys.import_of(import_id)), 0)
        await self.imports.drop(import_id)
        self.assertIsNone(await Entering(self.means).do(import_id))
        self.assertFalse(await self.imports.put_piece(import_id, wrapped, 2, "2\n"))
        self.assertFalse(await self.imports.ready(import_id, 2, 2))

    async def test_errand(self) -> None:
        """A file that was taken is somebody's errand at once."""
        await self.begin_all()
        made = await self.take(table("1;A"))
        names, _ = await self.errands.claim("me", 5)
        self.assertEqual(names, [made.id])

    async def test_bounded_report(self) -> None:
        """All wrong rows are counted, and the first of them told."""
        await self.begin_all()
        self.patch(entering, "BATCH", 4)
        from tfserver.store.people import imports as kept

        self.patch(kept, "MOST_TOLD", 5)
        found = await self.brought(table(*(f"x{n};N" for n in range(20))))
        self.assertEqual((found.wrong, found.told), (20, 5))
        self.assertEqual([row for row, _ in await self.wrong(found.id)], [2, 3, 4, 5, 6])
        self.assertEqual([one.row for one in await self.importing.errors(found.id, 3, 1)], [5])


class RoundTripTests(ImportCase):
    """What is exported and imported again."""

    async def test_same(self) -> None:
        """Everybody is the same afterwards, in a new directory and in the old one."""
        await self.begin_all()
        await self.grouped("day", "-x")
        for n in range(1, 260):
            await self.directory.put(
                zoe(n, name=f"=N{n}", external_id=f"0{n}", note="a\r\n'-b", groups=("day", "-x"), admin=n % 3)
            )
        for form in Form:
            export, data = PeopleExport(self.directory, form, ""), head_of(form)
            while (lines := await export.next()) is not None:
                data += lines
            found = await self.brought(data, asked(form))
            self.assertEqual((self.counts(found), await self.wrong(found.id)), ((0, 0, 259, 0), []), form)
