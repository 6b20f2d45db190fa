"""What is kept only for some days."""

from __future__ import annotations

from typing import Any

from tests.store.archive.archives import BASE_MS, ArchiveCase, PostgresCase, entries, entry
from tfserver.store.archive.filter import Filter

KINDS = ("punch", "door")


class Retention:
    """In any database."""

    async def filled(self: Any) -> Any:
        """Twenty records, every other one a door's."""
        archive = await self.opened()
        batch = [entry(n, kind=KINDS[n % 2]) for n in range(1, 21)]
        await archive.keep(batch, "0-0")
        return archive

    async def swept(self: Any, archive: Any, kind: str, before: int, scanned: int) -> list[int]:
        """How many went in each batch of a whole sweep."""
        counts = []
        while True:
            count, more = await archive.forget(kind, BASE_MS + before, scanned)
            counts.append(count)
            if not more:
                return counts

    async def test_one_kind(self: Any) -> None:
        """What is old enough and of the kind goes, in batches; all else stays."""
        archive = await self.filled()
        self.assertEqual(sum(await self.swept(archive, "door", 12, 3)), 6)
        left = [place for place, _ in await archive.page("0", 99)]
        expected = [n for n in range(1, 21) if n % 2 == 0 or n >= 12]
        self.assertEqual(left, [f"{BASE_MS + n}-0" for n in expected])

    async def test_remembered(self: Any) -> None:
        """The highest place that went is remembered by kind."""
        archive = await self.filled()
        self.assertEqual(await archive.forgotten(), "0-0")
        await self.swept(archive, "door", 12, 100)
        self.assertEqual(await archive.forgotten(("door",)), f"{BASE_MS + 11}-0")
        self.assertEqual(await archive.forgotten(("punch",)), "0-0")
        await self.swept(archive, "punch", 7, 100)
        self.assertEqual(await archive.forgotten(("punch", "stranger")), f"{BASE_MS + 6}-0")
        self.assertEqual(await archive.forgotten(), f"{BASE_MS + 11}-0")

    async def test_goes_on(self: Any) -> None:
        """A later sweep goes on where the last one ended, and looks at nothing twice."""
        archive = await self.filled()
        await self.swept(archive, "door", 12, 100)
        self.assertEqual(await archive.forget("door", BASE_MS + 12, 100), (0, False))
        self.assertEqual(await archive.forget("door", BASE_MS + 20, 2), (1, True))
        self.assertEqual(sum(await self.swept(archive, "door", 20, 2)), 3)

    async def test_nothing_else(self: Any) -> None:
        """The place does not move, and what went is not new again under its place but by its uid."""
        archive = await self.filled()
        place = await archive.place()
        await self.swept(archive, "punch", 99, 7)
        self.assertEqual(await archive.place(), place)
        self.assertEqual(await archive.page("0", 99, Filter(kinds=("punch",))), [])
        self.assertEqual(await archive.keep(entries(30), place), 1)


class SqliteTests(Retention, ArchiveCase):
    """SQLite."""


class PostgresTests(Retention, PostgresCase):
    """PostgreSQL."""
