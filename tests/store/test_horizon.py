"""Punches from days of which the store may have forgotten what is known: the archive is asked first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import gatherResults
from twisted.trial.unittest import SynchronousTestCase

from tests.store.records import record
from tests.store.test_punches import PunchesCase
from tfserver.config import Punches as PunchSettings
from tfserver.errors import ArchiveUnavailable, StoreUnavailable
from tfserver.store.horizon import Horizon
from tfserver.store.punches import MOST_OLD, Punches
from tfserver.store.shelf import Bad, Kept, Record

DAYS = 45
DAY = 86_400


class HorizonTests(SynchronousTestCase):
    """Which days the store remembers."""

    def test_days(self) -> None:
        """From the dedupe days before today, less what dates may differ by, until tomorrow."""
        noon = datetime(2026, 3, 31, 12, tzinfo=UTC).timestamp()
        horizon = Horizon(DAYS)
        self.assertEqual(horizon.days(noon), ("20260216", "20260401"))
        self.assertEqual(horizon.days(noon + DAY / 2 - 1), ("20260216", "20260401"))
        self.assertEqual(horizon.days(noon + DAY / 2), ("20260217", "20260402"))
        self.assertEqual(horizon.days(noon - DAY), ("20260215", "20260331"))

    def test_the_store_does(self) -> None:
        """On the last moment of the first day's life it is not asked of the store any more."""
        told = datetime(2026, 1, 1, tzinfo=UTC)
        horizon = Horizon(DAYS)
        # a terminal fourteen hours ahead said the first of January then
        forgotten = told - timedelta(hours=14) + timedelta(days=DAYS)
        self.assertGreater(horizon.days(forgotten.timestamp())[0], "20260101")


class OldTests(PunchesCase):
    """Frames with punches from long ago."""

    async def begin(self, *known: Record) -> None:
        """A process with an archive in which there is something."""
        self.asked: list[list[str]] = []
        self.away = False
        self.known = {one.uid for one in known}
        self.client = await self.connect()
        settings = PunchSettings(dedupe_days=DAYS)
        self.kept = Punches(reactor, self.client, settings, self.archived)

    async def archived(self, uids: list[str]) -> set[str]:
        """What the archive says."""
        self.asked.append(uids)
        if self.away:
            raise ArchiveUnavailable("away")
        return self.known & set(uids)

    def dated(self, enrollid: int, days: int) -> Record:
        """A punch so many days ago."""
        when = datetime.fromtimestamp(reactor.seconds(), UTC) - timedelta(days=days)  # type: ignore[attr-defined]
        return record("T1", enrollid, when.strftime("%Y-%m-%d %H:%M:%S"))

    async def append(self, *records: Record, bad: tuple[Bad, ...] = ()) -> Any:
        """One frame."""
        return await self.kept.append("T1", 7, [*records], [*bad])

    async def test_known_to_the_archive(self) -> None:
        """What the archive has is known and does not enter the stream again; the rest of its frame does."""
        old = [self.dated(n, 100) for n in range(4)]
        await self.begin(*old[:2])
        young = self.dated(9, 1)
        self.assertEqual(await self.append(*old, young), Kept(3, 2, 0))
        self.assertEqual(await self.feed(), [r.uid for r in (*old[2:], young)])
        self.assertEqual(self.asked, [[r.uid for r in old]])

    async def test_all_known(self) -> None:
        """A frame of which everything is known is acknowledged, and its bad records are kept all the same."""
        old = self.dated(1, 100)
        await self.begin(old)
        self.assertEqual(await self.append(old), Kept(0, 1, 0))
        self.assertEqual(await self.append(old, bad=(Bad("why", b"x"),)), Kept(0, 1, 0))
        self.assertEqual(await self.sizes(), (0, 1))

    async def test_known_to_the_store(self) -> None:
        """What was appended and is not archived yet is known by the store, as ever."""
        await self.begin()
        old = self.dated(1, 100)
        self.assertEqual(await self.append(old), Kept(1, 0, 0))
        self.assertEqual(await self.append(old), Kept(0, 1, 0))

    async def test_young_are_not_asked(self) -> None:
        """Ordinary punches never ask the archive, whether it is there or not."""
        await self.begin()
        self.away = True
        records = [self.dated(1, 0), self.dated(2, 43), self.dated(3, -1)]
        self.assertEqual(await self.append(*records), Kept(3, 0, 0))
        self.assertEqual(self.asked, [])

    async def test_no_day_and_days_to_come(self) -> None:
        """What is dated far ahead or not at all may have been told at any time: the archive is asked."""
        future, none = self.dated(1, -50), record("T1", 2, "99:99", day="undated")
        await self.begin(future, none)
        self.assertEqual(await self.append(future), Kept(0, 1, 0))
        self.assertEqual(await self.append(none), Kept(0, 1, 0))

    async def test_archive_away(self) -> None:
        """Without the archive old punches are not acknowledged: the terminal keeps them. Young ones are."""
        await self.begin()
        self.away = True
        old, young = self.dated(1, 100), self.dated(2, 1)
        answers = await gatherResults(
            [
                self.assertFailure(self.kept.append("T1", 7, [old, young], []), StoreUnavailable),
                self.kept.append("T2", 7, [self.dated(3, 1)], []),
            ]
        )
        self.assertEqual(answers[1], Kept(1, 0, 0))
        self.away = False
        self.assertEqual(await self.append(old, young), Kept(2, 0, 0))

    async def test_bound(self) -> None:
        """No more wait for the archive than a bound says."""
        await self.begin()
        self.kept._old = MOST_OLD
        await self.fails(self.kept.append("T1", 7, [self.dated(1, 100)], []), StoreUnavailable)
        self.assertEqual(self.asked, [])

    async def test_large(self) -> None:
        """A frame larger than a call is asked once and told once."""
        old = [self.dated(n, 100) for n in range(450)]
        await self.begin(*old[:10])
        self.assertEqual(await self.append(*old), Kept(440, 10, 0))
        self.assertEqual(len(self.asked), 1)
