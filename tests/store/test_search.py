"""Punches that fit, out of archive and stream: gap-free, without doubles, and found with bounded work."""

from __future__ import annotations

import json
from typing import Any

from twisted.internet.defer import Deferred, gatherResults

from tests.store.archive.archives import BASE_MS, ArchiveCase, PostgresCase, entries, entry
from tests.store.archiving import ArchivingCase, places
from tests.store.records import record
from tfserver.config import Punches as PunchSettings
from tfserver.errors import ArchiveUnavailable, Gone
from tfserver.store import search
from tfserver.store.archive import finding
from tfserver.store.archive.filter import EVERYTHING, Filter
from tfserver.store.archive.rows import Entry
from tfserver.store.feed import Feed
from tfserver.store.punches import Punches
from tfserver.store.search import Search, fits, milliseconds

ONE = Filter(enrollid=1)
SECOND_OF_APRIL = 1_775_088_000_000


class SearchCase(ArchivingCase):
    """A store, an archive, and questions to both."""

    async def begin(self, **settings: Any) -> None:
        """A process with everything."""
        await super().begin(**settings)
        self.search = Search(self.feed, self.archive)

    async def walk(self, limit: int, wanted: Filter = ONE) -> list[str]:
        """The places of all that fit, page after page, until there is nothing new."""
        found: list[str] = []
        after, cursor = "", "0"
        while after != cursor:
            after = cursor
            page = await self.search.page(after, limit, wanted)
            self.assertLessEqual(len(page.entries), limit)
            found += places(page.entries)
            cursor = page.next
        return found

    async def filled(self) -> list[str]:
        """Punches of two people: the first are in the archive only, the last in the stream only. The places
        of those of one person."""
        await self.begin(stream_most=5)
        there = []
        for number in range(30):
            there += await self.add(number, enrollid=number % 2)
            if number == 19:
                await self.archive_all()
                await self.archived.trim()
        self.assertLess(len(await self.stream()), 20)
        return there[1::2]


class SeamTests(SearchCase):
    """Where the archive ends the stream goes on."""

    async def test_walk(self) -> None:
        """All that fit come once and in order, with pages of any size."""
        expected = await self.filled()
        for scanned in (10_000, 4):
            self.patch(search, "MOST_SCANNED", scanned)
            for limit in (1, 2, 4, 9, 10, 11, 100):
                self.assertEqual(await self.walk(limit), expected, (scanned, limit))

    async def test_one_by_one(self) -> None:
        """The same where no index finds few, and where one question looks at some rows only."""
        expected = await self.filled()
        self.patch(finding, "MOST_FEW", 3)
        for scanned in (1, 2, 7, 100):
            self.patch(search, "MOST_SCANNED", scanned)
            for limit in (1, 3, 100):
                self.assertEqual(await self.walk(limit), expected, (scanned, limit))

    async def test_from_every_place(self) -> None:
        """From any place the rest comes, also from one that is not archived yet."""
        expected = await self.filled()
        for at, after in enumerate(expected):
            page = await self.search.page(after, 100, ONE)
            self.assertEqual(places(page.entries), expected[at + 1 :])

    async def test_nothing_new(self) -> None:
        """``next`` equals the cursor when there is nothing new, in its very letters."""
        await self.begin()
        for after in ("0", "7", "0-0"):
            self.assertEqual(await self.search.page(after, 5, ONE), ([], after, True))

    async def test_past_what_does_not_fit(self) -> None:
        """``next`` moves past all that was looked at, in the archive and behind it."""
        await self.begin()
        await self.add(1, 2, 3)
        place = await self.archive_all()
        self.assertEqual((await self.search.page("0", 5, ONE)).next, place)
        last = (await self.add(4))[0]
        self.assertEqual(await self.search.page("0", 5, ONE), ([], last, True))

    async def test_bound(self) -> None:
        """One question looks at no more than so many, in archive and stream together."""
        await self.begin()
        await self.add(*range(20))
        await self.archive_all()
        later = await self.add(*range(20, 40))
        self.patch(finding, "MOST_FEW", 0)
        self.patch(search, "MOST_SCANNED", 25)
        self.patch(search, "PAGE", 2)
        self.assertEqual((await self.search.page("0", 5, ONE)).next, later[4])

    async def test_beside_writers_and_trimming(self) -> None:
        """Who walks while others write, archive and trim at once, misses and doubles nothing."""
        await self.begin(stream_most=1)
        writing = [Punches(self.client.reactor, await self.connect(), PunchSettings()) for _ in range(2)]
        writers = [Deferred.fromCoroutine(self.write(p, f"T{n}")) for n, p in enumerate(writing)]
        found: list[str] = []
        cursor = "0"
        wanted = Filter(sn="T1")
        while len(found) < 200:
            page = await self.search.page(cursor, 7, wanted)
            found += places(page.entries)
            cursor = page.next
            if len(found) % 3 == 0:
                await self.archive_all()
                await self.archived.trim_all()
        await gatherResults(writers)
        await self.archive_all()
        self.assertEqual(found, places(await self.archive.page("0", 1000, wanted)))

    async def write(self, punches: Punches, sn: str) -> None:
        """Two hundred punches in batches of five."""
        for n in range(40):
            await punches.append(sn, n, [record(sn, n * 10 + m) for m in range(5)], [])

    async def test_archived_between(self) -> None:
        """What is archived and trimmed between the answers of archive and stream is not lost."""
        await self.begin()
        there = await self.add(1, 2, enrollid=1)
        await self.archive_all()
        there += await self.add(3, 4, enrollid=1)
        asked = self.archive.find

        async def find(*given: Any) -> Any:
            """Meanwhile all is archived and trimmed."""
            found = await asked(*given)
            await self.archive_all()
            await self.archived.trim_all()
            return found

        self.archive.find = find  # type: ignore[method-assign]
        self.assertEqual(places((await self.search.page("0", 9, ONE)).entries), there)


class AwayTests(SearchCase):
    """An archive that can't be asked."""

    async def test_stream_has_it_all(self) -> None:
        """While nothing was trimmed, the stream does."""
        await self.begin()
        there = await self.add(1, 2, 3, enrollid=1)
        await self.archive_all()
        await self.archive.stop()
        self.assertEqual(await self.walk(2), there)

    async def test_trimmed(self) -> None:
        """What was trimmed can't be had; what was not can."""
        expected = await self.filled()
        await self.archive.stop()
        error = await self.assertFailure(
            Deferred.fromCoroutine(self.search.page("0", 5, ONE)), ArchiveUnavailable
        )
        self.assertIn("let go", str(error))
        self.assertEqual(places((await self.search.page(expected[-3], 5, ONE)).entries), expected[-2:])

    async def test_another_archive(self) -> None:
        """An archive into which this store does not go is not asked."""
        await self.begin()
        there = await self.add(1, enrollid=1)
        await self.archive_all()
        other = await self.new_archive(self.path + "2")
        await other.keep([(f"{BASE_MS}-0", entry(7, enrollid=1)[1])], "0-0")
        beside = Search(Feed(self.client, other), other)
        self.assertEqual(places((await beside.page("0", 5, ONE)).entries), there)


class GoneTests(SearchCase):
    """Cursors whose punches are not kept any more."""

    async def test_gone(self) -> None:
        """Only when something that was asked for is gone; the beginning is that of what there is."""
        await self.begin()
        await self.add(1, 2, 3, kind="door", enrollid=0)
        last = await self.archive_all()
        await self.archive.forget("door", 2**60, 100)
        for wanted in (Filter(enrollid=0), Filter(kinds=("door",))):
            await self.assertFailure(Deferred.fromCoroutine(self.search.page("5-0", 5, wanted)), Gone)
            self.assertEqual((await self.search.page("0", 5, wanted)).next, last)
            self.assertEqual((await self.search.page(last, 5, wanted)).next, last)
        self.assertEqual((await self.search.page("5-0", 5, Filter(kinds=("punch",)))).entries, [])


class Planning:
    """How the archive finds things, in either database."""

    async def found(self: Any, wanted: Filter, **more: Any) -> list[Entry]:
        """All that fit, by whatever way it takes."""
        after = more.get("after", "0")
        by_one = await self.archive.find(after, 100, 10_000, wanted)
        self.assertTrue(by_one.is_all)
        by_index = await self.archive.find(after, 100, 1, wanted)
        if by_index.is_all:
            self.assertEqual(by_index.entries, by_one.entries)
        else:
            self.assertFalse(finding._indexed(wanted))
        return list(by_one.entries)

    async def test_filters(self: Any) -> None:
        """Every filter says in SQL what it says over the stream, by an index and one by one."""
        self.archive = await self.opened()
        told = [
            *entries(1, 2, 3),
            *entries(4, 5, sn="T2", site="east", enrollid=6),
            *entries(6, kind="door", enrollid=0, clock="unknown", utc=None),
            *entries(7, clock="suspect"),
            *entries(90_000, 90_001, site="east"),
        ]
        await self.archive.keep(told, "0-0")
        day = {"since_ms": SECOND_OF_APRIL, "until_ms": SECOND_OF_APRIL + 86_400_000}
        for wanted in (
            EVERYTHING,
            Filter(sn="T2"),
            Filter(enrollid=6),
            Filter(enrollid=0),
            Filter(site="east"),
            Filter(site="east", sn="T1"),
            Filter(sites=("east", "nowhere")),
            Filter(kinds=("door", "stranger")),
            Filter(clocks=("suspect", "unknown")),
            Filter(clocks=("ok",)),
            Filter(enrollid=5, **day),
            Filter(**day),
            Filter(since_ms=SECOND_OF_APRIL),
            Filter(until_ms=SECOND_OF_APRIL, sn="T1"),
            Filter(until_ms=SECOND_OF_APRIL, clocks=("unknown",), by_received=True),
            Filter(enrollid=77),
        ):
            expected = [one for one in told if fits(wanted, one[1])]
            self.assertEqual(await self.found(wanted), expected, wanted)
            after = told[3][0]
            rest = [one for one in expected if one in told[4:]]
            self.assertEqual(await self.found(wanted, after=after), rest, wanted)

    async def test_limit(self: Any) -> None:
        """A page that is full ends at its last row, and one that looked at enough where it stopped."""
        self.archive = await self.opened()
        told = [*entries(*range(20), enrollid=1), *entries(*range(20, 40), enrollid=2)]
        await self.archive.keep(told, "0-0")
        full = await self.archive.find("0", 3, 10, ONE)
        self.assertEqual((full.entries, full.reached, full.is_all), (told[:3], told[2][0], False))
        by_index = await self.archive.find("0", 3, 10, ONE)
        self.assertEqual((by_index.entries, by_index.is_all), (told[:3], False))
        self.patch(finding, "MOST_FEW", 0)
        looked = await self.archive.find(told[19][0], 3, 10, ONE)
        self.assertEqual((looked.entries, looked.reached, looked.is_all), ([], told[29][0], False))

    async def test_doubted_up_to_the_place(self: Any) -> None:
        """Punches are counted up to the place that is told beside them, and no further."""
        archive = await self.opened()
        told = entries(1, 2, 3, clock="suspect")
        await archive.keep(told, "0-0", told[1][0])
        place, [row] = await archive.doubted(Filter(clocks=("suspect",)))
        self.assertEqual((place, row[:2]), (told[1][0], ("T1", 2)))

    async def test_plans(self: Any) -> None:
        """Each question that may find few goes by an index, and none over all rows."""
        archive = await self.opened()
        await archive.keep(entries(1), "0-0")
        self.fill(3000)
        for wanted, index in (
            (Filter(enrollid=3), "punches_enrollid_utc"),
            (Filter(sn="T2", since_ms=SECOND_OF_APRIL), "punches_sn_utc"),
            (Filter(since_ms=SECOND_OF_APRIL, until_ms=SECOND_OF_APRIL + 1000), "punches_utc"),
            (Filter(clocks=("suspect",)), "punches_doubted"),
        ):
            plan = self.plan(archive, wanted)
            self.assertIn(index, plan, plan)

    def plan(self: Any, archive: Any, wanted: Filter) -> str:
        """How the database would find by an index what is wanted."""
        import sqlalchemy as sa

        with archive._reader.connect() as connection:
            (conditions, *_) = finding._indexed(wanted)
            found = finding.by_index(conditions, wanted, finding.Place(0, 0), None)
            text = str(found.compile(connection.engine, compile_kwargs={"literal_binds": True}))
            word = "EXPLAIN" if connection.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
            return "\n".join(str(tuple(row)) for row in connection.execute(sa.text(f"{word} {text}")))


class SqliteTests(Planning, ArchiveCase):
    """In a file."""

    def fill(self, count: int) -> None:
        """As SQLite keeps no statistics, it does not matter what is there."""


class PostgresTests(Planning, PostgresCase):
    """In PostgreSQL."""

    def fill(self, count: int) -> None:
        """So many rows that looking at all of them is dear."""
        names = "ms, seq, uid, sn, site, kind, enrollid, utc, received, clock, extra"
        values = (
            "n, 0, n::text, 'T' || n % 50, 'hq', 'punch', n % 50, to_timestamp(1775000000 + n * 60), now()"
        )
        numbers = f"generate_series(1, {count * 10}) AS n"
        self.run_sql(f"INSERT INTO punches ({names}) SELECT {values}, 'ok', '{{}}' FROM {numbers}")
        self.run_sql("ANALYZE punches")


class FitsTests(ArchiveCase):
    """Filters over JSON."""

    def test_odd(self) -> None:
        """A punch that is odd fits nothing that it does not say, and is no mistake of ours."""
        span = Filter(since_ms=0)
        for text in ('{"utc":"yesterday"}', '{"utc":7}', '{"utc":"2026-04-02"}', '{"sn":5}', "{}"):
            self.assertFalse(fits(span, text), text)
        self.assertTrue(
            fits(Filter(since_ms=0, by_received=True), json.dumps({"received": "2026-04-02T00:00:00Z"}))
        )

    def test_between_milliseconds(self) -> None:
        """A bound between two milliseconds is the later one, for both ends of an interval."""
        from datetime import UTC, datetime

        self.assertEqual(milliseconds(datetime(1970, 1, 1, 0, 0, 1, 500, tzinfo=UTC)), 1001)
        self.assertEqual(milliseconds(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)), 1000)
        self.assertEqual(milliseconds(datetime(1969, 12, 31, 23, 59, 59, 999500, tzinfo=UTC)), 0)
