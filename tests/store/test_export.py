"""Exports: everything up to the end as it was at the beginning, whatever stands where."""

from __future__ import annotations

import json
from typing import Any

from twisted.internet.defer import Deferred

from tests.store.archive.archives import BASE_MS, entry
from tests.store.archiving import ArchivingCase
from tfserver.errors import ArchiveUnavailable, Gone
from tfserver.store import export
from tfserver.store.archive import finding
from tfserver.store.archive.filter import EVERYTHING, Filter
from tfserver.store.archive.forms import Form
from tfserver.store.export import Export

ONE = Filter(enrollid=1)


class ExportCase(ArchivingCase):
    """A store and an archive."""

    async def filled(self) -> list[str]:
        """Punches of two people in the archive alone, in both, and in the stream alone; all places."""
        await self.begin(stream_most=5)
        there: list[str] = []
        for number in range(30):
            there += await self.add(number, enrollid=number % 2)
            if number == 19:
                await self.archive_all()
                await self.archived.trim()
        return there

    async def chunks(
        self, wanted: Filter = EVERYTHING, after: str = "0", meanwhile: Any = None
    ) -> list[list[str]]:
        """The places in each chunk."""
        made = Export(self.feed, self.archive, Form.NDJSON, wanted)
        await made.open(after)
        found = []
        while (data := await made.next()) is not None:
            found.append([json.loads(line)["id"] for line in data.splitlines()])
            if meanwhile is not None:
                await meanwhile()
        return found

    async def exported(self, *given: Any, **more: Any) -> list[str]:
        """The places of all that came."""
        return [place for chunk in await self.chunks(*given, **more) for place in chunk]


class ExportTests(ExportCase):
    """What comes."""

    async def test_everything(self) -> None:
        """All punches, from the archive and from the stream, once and in order; in chunks of any size."""
        there = await self.filled()
        for fewest, page in ((1, 1), (3, 2), (20, 10), (1000, 1000)):
            self.patch(export, "FEWEST", fewest)
            self.patch(export, "PAGE", page)
            self.assertEqual(await self.exported(), there, fewest)
            self.assertEqual(await self.exported(after=there[6]), there[7:], fewest)
            self.assertEqual(await self.exported(after=there[25]), there[26:], fewest)

    async def test_filter(self) -> None:
        """Only what fits, by an index or one by one."""
        expected = (await self.filled())[1::2]
        self.assertEqual(await self.exported(ONE), expected)
        self.patch(finding, "MOST_FEW", 0)
        for fewest in (1, 4, 100):
            self.patch(export, "FEWEST", fewest)
            self.assertEqual(await self.exported(ONE), expected)

    async def test_sizes(self) -> None:
        """Where little fits more is looked at for a chunk, so that there are few; but not without end."""
        await self.begin()
        await self.add(*range(120), enrollid=2)
        await self.add(*range(120, 124), enrollid=1)
        await self.archive_all()
        self.patch(finding, "MOST_FEW", 0)
        self.patch(export, "FEWEST", 8)
        self.patch(export, "MOST", 16)
        counts = []
        asked = self.archive.chunk

        async def chunk(after: str, upto: str, count: int, *more: Any) -> Any:
            """Note how much is looked at."""
            counts.append(count)
            return await asked(after, upto, count, *more)

        self.archive.chunk = chunk  # type: ignore[method-assign]
        self.assertEqual(len(await self.exported(ONE)), 4)
        self.assertEqual(counts[:4], [8, 16, 16, 16])

    async def test_up_to_the_end_as_it_was(self) -> None:
        """What comes meanwhile is not in it, so that it ends however much comes."""
        there = await self.filled()
        self.patch(export, "FEWEST", 4)
        self.patch(export, "PAGE", 4)

        async def meanwhile() -> None:
            """Two more, which are archived, and everything is trimmed."""
            await self.add(1000, 1001)
            await self.archive_all()
            await self.archived.trim_all()

        self.assertEqual(await self.exported(meanwhile=meanwhile), there)

    async def test_archived_while_it_begins(self) -> None:
        """What comes and is archived between two looks at the beginning is not in it."""
        there = await self.filled()
        asked = self.archive.place

        async def place() -> str:
            """More comes first, and all is archived."""
            self.archive.place = asked  # type: ignore[method-assign]
            await self.add(1000, 1001)
            return await self.archive_all()

        self.archive.place = place  # type: ignore[method-assign]
        self.assertEqual(await self.exported(), there)

    async def test_nothing(self) -> None:
        """Where there is nothing, nothing comes."""
        await self.begin()
        self.assertEqual(await self.chunks(), [])
        last = (await self.add(1))[0]
        self.assertEqual(await self.chunks(after=last), [])
        self.assertEqual(await self.chunks(ONE), [])

    async def test_gone(self) -> None:
        """A cursor whose punches are not kept any more is told; the beginning is that of what there is."""
        await self.begin()
        await self.add(1, 2, kind="door")
        await self.add(3)
        await self.archive_all()
        await self.archive.forget("door", 2**60, 100)
        await self.archived.trim_all()
        await self.assertFailure(Deferred.fromCoroutine(self.chunks(after="5-0")), Gone)
        self.assertEqual(len(await self.exported()), 1)

    async def test_away(self) -> None:
        """While an archive is away the stream does, if it has all; else that is said."""
        await self.begin(stream_most=2)
        there = await self.add(1, 2, 3)
        await self.archive_all()
        await self.archive.stop()
        self.assertEqual(await self.exported(), there)
        await self.archived.trim_all()
        await self.assertFailure(Deferred.fromCoroutine(self.exported()), ArchiveUnavailable)

    async def test_goes_away(self) -> None:
        """An archive that goes away in the middle ends it with an error."""
        await self.filled()
        self.patch(export, "FEWEST", 2)
        error = Deferred.fromCoroutine(self.exported(meanwhile=self.archive.stop))
        await self.assertFailure(error, ArchiveUnavailable)

    async def test_another_archive(self) -> None:
        """An archive of another store is not exported."""
        await self.begin()
        there = await self.add(1)
        await self.archive_all()
        other = await self.new_archive(self.path + "2")
        await other.keep([(f"{BASE_MS}-0", entry(7)[1])], "0-0")
        self.feed._archive = self.archive = other
        self.assertEqual(await self.exported(), there)
