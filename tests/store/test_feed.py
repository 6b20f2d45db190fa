"""Reading the feed of punches: no gaps beside writers, and no silence about what was trimmed."""

from __future__ import annotations

from twisted.internet.defer import Deferred, gatherResults

from tests.store.records import record, uids
from tests.store.test_punches import PunchesCase
from tfserver.errors import Gone
from tfserver.store.punches import Punches


class BesideWritersTests(PunchesCase):
    """A reader while others write."""

    async def test_no_gap(self) -> None:
        """A reader beside two writing processes sees every punch once, in the order of the stream."""
        one, other = await self.punches(), await self.punches()
        writers = [Deferred.fromCoroutine(self.write(p, f"T{n}")) for n, p in enumerate((one, other))]
        found, cursor = [], "0"
        while len(found) < 600:
            page = await one.page(cursor, 7)
            found += uids(page)
            cursor = page[-1][0] if page else cursor
        await gatherResults(writers)
        self.assertEqual(found, await self.feed())
        self.assertEqual(await one.page(cursor, 7), [])

    async def write(self, punches: Punches, sn: str) -> None:
        """Three hundred punches in batches of five."""
        for n in range(60):
            await punches.append(sn, n, [record(sn, n * 10 + m) for m in range(5)], [])


class GoneTests(PunchesCase):
    """A feed whose beginning was trimmed."""

    async def filled(self) -> tuple[Punches, list[str]]:
        """Ten punches, and the places where they stand."""
        punches = await self.punches()
        await punches.append("T1", 7, [record("T1", n) for n in range(10)], [])
        return punches, [place for place, _ in await punches.page("0", 10)]

    async def test_trimmed(self) -> None:
        """A cursor before punches that were trimmed unread is gone, it does not skip them."""
        punches, places = await self.filled()
        await self.client.write("XTRIM", "tf:punches", "MAXLEN", 3)
        await self.fails(punches.page(places[0], 10), Gone)
        await self.fails(punches.page(places[5], 10), Gone)

    async def test_trimmed_to_nothing(self) -> None:
        """When everything was trimmed, only the newest cursor is still good."""
        punches, places = await self.filled()
        await self.client.write("XTRIM", "tf:punches", "MAXLEN", 0)
        await self.fails(punches.page(places[0], 10), Gone)
        self.assertEqual(await punches.page(places[-1], 10), [])

    async def test_still_good(self) -> None:
        """A cursor that stands in the stream, and the beginning, are good after a trim."""
        punches, places = await self.filled()
        await self.client.write("XTRIM", "tf:punches", "MAXLEN", 3)
        self.assertEqual([place for place, _ in await punches.page(places[7], 10)], places[8:])
        self.assertEqual(await punches.page(places[9], 10), [])
        self.assertEqual([place for place, _ in await punches.page("0", 10)], places[7:])
