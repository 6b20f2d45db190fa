"""Punches newest first, and by hour, whether the archive has them, the stream, or both."""

from __future__ import annotations

from datetime import date

import msgspec

from tests.store.archiving import ArchivingCase
from tfserver.store import lookback, search
from tfserver.store.archive.filter import EVERYTHING, Filter
from tfserver.store.lookback import Lookback

DAY = date(2026, 4, 1)
HOUR = 3600


class LookbackTests(ArchivingCase):
    """A stream of which a part is archived."""

    async def start(self, *numbers: int, archived: int) -> Lookback:
        """Punches of these seconds of a day; so many of them are archived, the first also gone from the
        stream."""
        await self.begin()
        places = await self.add(*numbers[:archived])
        await self.archive_all()
        for place in places[:1]:
            await self.client.write("XDEL", "tf:punches", place)
        await self.add(*numbers[archived:])
        return Lookback(self.feed, self.archive)

    async def seconds(self, looking: Lookback, limit: int, wanted: Filter = EVERYTHING) -> list[list[int]]:
        """What all pages say, by the seconds of the day."""
        pages, before = list[list[int]](), ""
        while True:
            found = await looking.page(before, limit, wanted)
            self.assertLess(len(pages), 50)
            if found.entries or not pages:
                times = [msgspec.json.decode(text)["device_time"][11:] for _, text in found.entries]
                pages.append([int(t[:2]) * HOUR + int(t[3:5]) * 60 + int(t[6:]) for t in times])
            before = found.following
            if not before:
                return pages

    async def test_both(self) -> None:
        """Pages go back from the stream into the archive, with nothing twice and nothing missing."""
        looking = await self.start(*range(10), archived=6)
        self.assertEqual(await self.seconds(looking, 3), [[9, 8, 7], [6, 5, 4], [3, 2, 1], [0]])

    async def test_one_of_both(self) -> None:
        """All in the archive, or none."""
        looking = await self.start(*range(4), archived=4)
        self.assertEqual(await self.seconds(looking, 9), [[3, 2, 1, 0]])
        await self.add(4, 5)
        self.assertEqual(await self.seconds(looking, 2), [[5, 4], [3, 2], [1, 0]])

    async def test_nothing(self) -> None:
        """There are no punches."""
        looking = await self.start(archived=0)
        self.assertEqual(await self.seconds(looking, 3), [[]])

    async def test_filters(self) -> None:
        """What fits is found on both sides: by person, terminal, site, repeats and instants."""
        looking = await self.start(*range(4), archived=3)
        await self.add(10, enrollid=9, sn="T2", site="south", repeat_of="x")
        await self.archive_all()
        await self.add(11, enrollid=9, sn="T2", site="south", repeat_of="y")
        for wanted in (
            Filter(enrollid=9),
            Filter(sn="T2"),
            Filter(site="south"),
            Filter(sites=("south", "east")),
            Filter(repeats=True),
            Filter(since_ms=1_775_001_600_000 + 10_000),
        ):
            self.assertEqual(await self.seconds(looking, 5, wanted), [[11, 10]], wanted)

    async def test_without_index(self) -> None:
        """Where no index helps a page looks at a bounded number, and the next goes on."""
        looking = await self.start(*range(12), archived=12)
        self.patch(lookback, "MOST_SCANNED", 5)
        self.patch(search, "MOST_SCANNED", 5)
        pages = await self.seconds(looking, 3, Filter(kinds=("punch",)))
        self.assertEqual([one for page in pages for one in page], [*range(11, -1, -1)])

    async def test_archive_far_behind(self) -> None:
        """What waits for the archive is looked through in turns, and nothing between is left out."""
        looking = await self.start(*range(14), archived=2)
        self.patch(lookback, "MOST_SCANNED", 5)
        for wanted in (EVERYTHING, Filter(kinds=("punch",))):
            pages = await self.seconds(looking, 9, wanted)
            self.assertEqual([one for page in pages for one in page], [*range(13, -1, -1)])
        self.assertEqual((await looking.page("", 9, Filter(sn="T9"))).is_cut, False)
        self.assertTrue((await looking.by_hour(DAY, EVERYTHING)).is_cut)

    async def test_by_hour(self) -> None:
        """Counts are by the terminal's own day and hour, archived or not."""
        looking = await self.start(0, 1, HOUR, 2 * HOUR, 24 * HOUR, archived=3)
        await self.add(5 * HOUR, sn="T2", site="south")
        found = await looking.by_hour(DAY, EVERYTHING)
        self.assertEqual(found.hours, {0: 2, 1: 1, 2: 1, 5: 1})
        self.assertEqual((found.terminals, found.all), ({"T1": 4, "T2": 1}, 5))
        found = await looking.by_hour(DAY, Filter(site="south"))
        self.assertEqual((found.hours, found.is_cut), ({5: 1}, False))

    async def test_archive_away(self) -> None:
        """While the archive is away the stream tells what it has, and it is said that this is not all."""
        looking = await self.start(*range(4), archived=2)
        await self.archive.stop()
        found = await looking.page("", 9, EVERYTHING)
        self.assertEqual((len(found.entries), found.following, found.is_cut), (3, "", True))
        counted = await looking.by_hour(DAY, EVERYTHING)
        self.assertEqual((counted.all, counted.is_cut), (3, True))
