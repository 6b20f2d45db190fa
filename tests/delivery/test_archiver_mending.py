"""An archive and a store that do not fit each other: nothing of either is lost."""

from __future__ import annotations

import json
from collections.abc import Sequence

from twisted.logger import capturedLogs

from tests.delivery.test_archiver import ArchiverCase
from tests.store.archive.archives import punch
from tests.store.archiving import places
from tests.store.connected import until
from tfserver.store.archive.rows import Entry


class MendingTests(ArchiverCase):
    """What whoever archives finds when it begins."""

    async def test_another_store(self) -> None:
        """What came before the place to which another store moved the archive is archived all the same."""
        await self.begin()
        there = await self.add(1, 2, 3)
        ms = int(there[-1].partition("-")[0])
        theirs = f"{ms + 1}-0"
        later = [await self.client.write("XADD", "tf:punches", f"{ms + 2}-0", "p", json.dumps(punch(4)))]
        await self.archive.keep([(theirs, json.dumps(punch(9)))], "0-0")
        with capturedLogs() as told:
            await self.process()
            await self.archived_up_to(later[-1])
        self.assertEqual([1 for event in told if "another store" in event["log_format"]], [1])
        self.assertEqual(places(await self.archive.page("0", 9)), [*there, theirs, *later])

    async def test_failover_while_archiving(self) -> None:
        """A store that fails over while a batch goes into the archive is not told that it has it: what the
        next primary lacks of it is found first, made known, and read in the archive."""
        await self.begin()
        there = await self.add(1, 2, 3)
        keep, lost = self.archive.keep, there[-1]

        async def failing_over(entries: Sequence[Entry], before: str, to: str) -> int:
            """Meanwhile the store has another primary, which lacks the last punch."""
            kept = await keep(entries, before, to)
            self.patch(self.archive, "keep", keep)
            await self.client.write("XDEL", "tf:punches", lost)
            self.client.lineage = "of another primary"
            return kept

        self.patch(self.archive, "keep", failing_over)
        with capturedLogs() as told:
            await self.process()
            await self.archived_up_to(lost)
        self.assertEqual([1 for event in told if "failover" in event["log_format"]], [1])
        self.assertEqual(places(await self.feed.page("0", 9)), there)

    async def test_feed_of_a_lost_store(self) -> None:
        """What a store lost is in the feed if the archive has it, also if who mends the stream dies."""
        await self.begin()
        there = await self.add(1, 2, 3, 4)
        await self.archive_all()
        left = await self.archived.batch("0-0", 2)
        await self.client.write("DEL", "tf:punches")
        for place, text in left:
            await self.client.write("XADD", "tf:punches", place, "v", "1", "p", text)
        await self.archived.follow(there[-1])
        await self.archived.release()
        await self.process()

        async def is_mended() -> bool:
            return not (await self.archived.look()).is_joining

        await until(is_mended, "the stream and the archive fit each other")
        there += await self.add(5)
        self.assertEqual(places(await self.feed.page(there[0], 99)), there[1:])
