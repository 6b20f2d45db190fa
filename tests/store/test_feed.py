"""Reading the feed: no gaps beside writers and who trims, and no silence about what is gone."""

from __future__ import annotations

import os

from twisted.internet.defer import Deferred, gatherResults

from tests.store.archiving import ArchivingCase, places
from tests.store.records import record, uids
from tfserver.config import Punches as PunchSettings
from tfserver.errors import ArchiveUnavailable, Gone
from tfserver.store.archive.rows import Entry
from tfserver.store.events import Ends, Events
from tfserver.store.feed import Feed
from tfserver.store.punches import Punches


class BesideWritersTests(ArchivingCase):
    """A reader while others write, archive and trim."""

    async def test_no_gap(self) -> None:
        """A reader beside two writing processes sees every punch once, in the order of the stream."""
        await self.begin()
        found = await self.read_beside()
        self.assertEqual(found, uids(await self.archived.batch("0-0", 10_000)))

    async def test_no_gap_beside_trimming(self) -> None:
        """The same while everything that is archived is trimmed at once, again and again."""
        await self.begin(stream_most=1)
        found = await self.read_beside(self.trim_once)
        await self.archive_all()
        self.assertEqual(found, uids(await self.archive.page("0", 10_000)))
        self.assertLess(len(await self.stream()), 600)

    async def trim_once(self) -> None:
        """Archive all there is, and trim."""
        await self.archive_all()
        await self.archived.trim_all()

    async def read_beside(self, meanwhile: object = None) -> list[str]:
        """Read in small pages while 600 punches are written."""
        writing = [Punches(self._reactor(), await self.connect(), PunchSettings()) for _ in range(2)]
        writers = [Deferred.fromCoroutine(self.write(p, f"T{n}")) for n, p in enumerate(writing)]
        found: list[str] = []
        cursor = "0"
        while len(found) < 600:
            page = await self.feed.page(cursor, 7)
            found += uids(page)
            cursor = page[-1][0] if page else cursor
            if callable(meanwhile) and len(found) % 5 == 0:
                await meanwhile()
        await gatherResults(writers)
        self.assertEqual(await self.feed.page(cursor, 7), [])
        return found

    def _reactor(self) -> object:
        return self.client.reactor

    async def write(self, punches: Punches, sn: str) -> None:
        """Three hundred punches in batches of five."""
        for n in range(60):
            await punches.append(sn, n, [record(sn, n * 10 + m) for m in range(5)], [])


class TrimmedTests(ArchivingCase):
    """A feed whose beginning is in the archive alone."""

    async def filled(self, count: int = 10, stream_most: int = 3, later: int = 3) -> list[str]:
        """Punches that are archived and trimmed to a few, and some that came later; all places."""
        await self.begin(stream_most=stream_most)
        found = await self.add(*range(1, count + 1))
        await self.archive_all()
        found += await self.add(*range(count + 1, count + 1 + later))
        await self.archived.trim()
        return found

    async def test_every_cursor(self) -> None:
        """From every place and with every size of a page the rest comes whole, as if nothing was trimmed."""
        there = await self.filled()
        self.assertLess(len(await self.stream()), len(there))
        for n, after in enumerate(["0", *there]):
            for limit in (1, 2, 5, 50):
                self.assertEqual(
                    places(await self.feed.page(after, limit)), there[n:][:limit], (after, limit)
                )

    async def test_cursor_of_nobody(self) -> None:
        """A cursor at which no punch stands is a place as good as any."""
        there = await self.filled()
        ms = int(there[3].partition("-")[0])
        expected = [place for place in there if (int(place.partition("-")[0]), 0) > (ms - 1, 0)]
        self.assertEqual(places(await self.feed.page(f"{ms - 1}-99999", 50)), expected)
        self.assertEqual(await self.feed.page("9" * 19 + "-" + "9" * 19, 5), [])

    async def test_same_text(self) -> None:
        """A punch reads the same from the archive as from the stream."""
        await self.begin()
        await self.add(1, 2, 3)
        before = await self.feed.page("0", 9)
        await self.archive_all()
        await self.archived.trim_all()
        self.assertEqual(await self.stream(), [])
        self.assertEqual(await self.feed.page("0", 9), before)

    async def test_trimmed_between_two_reads(self) -> None:
        """What leaves the stream after it was looked at and before the archive was is not lost."""
        there = await self.filled(later=0)
        later: list[str] = []
        asked = self.archive.page

        async def page(after: str, limit: int) -> list[Entry]:
            """Meanwhile more comes, is archived, and all of it is trimmed."""
            found = await asked(after, limit)
            if not later:
                later.extend(await self.add(20, 21))
                await self.archive_all()
                await self.archived.trim_all()
                later.extend(await self.add(22))
            return found

        self.archive.page = page  # type: ignore[assignment,method-assign]
        self.assertEqual(places(await self.feed.page("0", 50)), there + later)

    async def test_newest(self) -> None:
        """The newest place is told also when the stream is empty, so that who begins there gets only news."""
        await self.begin()
        self.assertEqual(await self.feed.newest(), "0-0")
        there = await self.add(1, 2)
        self.assertEqual(await self.feed.newest(), there[-1])
        await self.archive_all()
        await self.archived.trim_all()
        self.assertEqual(await self.feed.newest(), there[-1])
        self.assertEqual(await Events(self.client).ends(), Ends(there[-1], "0-0"))

    async def test_last(self) -> None:
        """The last ones, the newest first, out of the stream alone."""
        await self.begin()
        self.assertEqual(await self.feed.last(2), [])
        await self.add(1, 2, 3)
        told = [text for _, text in await self.feed.page("0", 50)]
        self.assertEqual(await self.feed.last(2), told[:0:-1])

    async def test_archive_away(self) -> None:
        """Without the archive, what is in the stream alone is read; what needs the archive says that."""
        there = await self.filled()
        await self.archive.stop()
        await self.fails(self.feed.page("0", 5), ArchiveUnavailable)
        self.assertEqual(places(await self.feed.page(there[-4], 50)), there[-3:])

    async def test_other_archive(self) -> None:
        """A process with an archive of its own does not take that for the one that has the punches."""
        there = await self.filled()
        other = Feed(self.client, await self.new_archive(os.path.join(self.folder, "other.sqlite")))
        await self.fails(other.page("0", 5), ArchiveUnavailable)
        self.assertEqual(places(await other.page(there[-4], 50)), there[-3:])


class GoneTests(ArchivingCase):
    """A feed whose beginning was forgotten by rule."""

    async def filled(self) -> list[str]:
        """Ten punches of which the first five were doors and are forgotten, and the stream is trimmed."""
        await self.begin(stream_most=2)
        found = [*await self.add(1, 2, 3, 4, 5, kind="door"), *await self.add(6, 7, 8, 9, 10)]
        await self.archive_all()
        await self.archived.trim()
        await self.archive.forget("door", int(found[-1].partition("-")[0]) + 1, 100)
        return found

    async def test_gone(self) -> None:
        """A cursor behind which something was forgotten is gone; one behind all of that is good."""
        there = await self.filled()
        await self.fails(self.feed.page(there[0], 10), Gone)
        await self.fails(self.feed.page(there[3], 10), Gone)
        self.assertEqual(places(await self.feed.page(there[4], 10)), there[5:])

    async def test_beginning(self) -> None:
        """The beginning is where there is something, and never gone."""
        there = await self.filled()
        for beginning in ("0", "0-0"):
            self.assertEqual(places(await self.feed.page(beginning, 10)), there[5:])

    async def test_kinds(self) -> None:
        """Who wants none of what was forgotten goes on."""
        there = await self.filled()
        self.assertEqual(places(await self.feed.page(there[0], 10, ("punch",))), there[5:])
        await self.fails(self.feed.page(there[0], 10, ("punch", "door")), Gone)
