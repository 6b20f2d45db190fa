"""Somebody else learns from punches before they are archived."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.defer import Deferred

from tests.delivery.test_archiver import ArchiverCase, Process
from tfserver.delivery.archiver import Archiver
from tfserver.store.archive.rows import Entry


class LearningTests(ArchiverCase):
    """What is told, and when."""

    async def test_before_they_are_kept(self) -> None:
        """Each punch is told once, while the archive does not have it."""
        await self.begin()
        there = await self.add(*range(1, 6))
        told: list[str] = []
        known: list[str] = []

        async def learn(entries: Sequence[Entry]) -> None:
            """Note what came, and how far the archive was."""
            told.extend(place for place, _ in entries)
            known.append(await self.archive.place())

        process = Process(self, self.archive, "one")
        parts = (process.archive, process.archived, process.tidying, process.metrics)
        archiver = Archiver(self.client.reactor, *parts, learn)
        self.addCleanup(lambda: Deferred.fromCoroutine(archiver.stop()))
        await archiver.start()
        await self.archived_up_to(there[-1])
        self.assertEqual(told, there)
        self.assertNotIn(there[-1], known)
