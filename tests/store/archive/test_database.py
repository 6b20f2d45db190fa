"""What the archive promises, in SQLite and in PostgreSQL."""

from __future__ import annotations

import json
import os
import stat
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.threads import deferToThread

from tests.store.archive.archives import BASE_MS, ArchiveCase, PostgresCase, entries, entry, punch
from tfserver.errors import ArchiveUnavailable, ConfigError, StartError
from tfserver.store.archive.database import Archive
from tfserver.store.archive.filter import Filter
from tfserver.store.archive.rows import Entry
from tfserver.store.archive.writing import Overtaken, Poisoned


def uids(page: list[Entry]) -> list[str]:
    """The uids of a page."""
    return [json.loads(text)["uid"] for _, text in page]


class Keeping:
    """Rows and place go together."""

    async def test_kept(self: Any) -> None:
        """A batch is there with its place, in the order of its places, and says what it said."""
        archive = await self.opened()
        self.assertEqual(await archive.place(), "0-0")
        batch = entries(1, 2, 3, site="Zürich \U0001f550", extra={"a": [None, 1.5]})
        self.assertEqual(await archive.keep(batch, "0-0"), 3)
        self.assertEqual(await archive.place(), batch[-1][0])
        self.assertEqual(await archive.page("0", 10), batch)
        self.assertEqual(await archive.page(batch[0][0], 1), batch[1:2])

    async def test_odd_things(self: Any) -> None:
        """What no column can hold comes back all the same."""
        archive = await self.opened()
        odd = [
            entry(1, extra={"nul": "\0", "big": 2**70}),
            entry(2, verify="a\0b", newer={"x": 1}, mode=2**65),
            entry(3, utc="yesterday", received=None, site="s" * 3000),
        ]
        self.assertEqual(await archive.keep(odd, "0-0"), 3)
        found = await archive.page("0", 10)
        self.assertEqual([json.loads(text) for _, text in found], [json.loads(text) for _, text in odd])

    async def test_once(self: Any) -> None:
        """A punch that comes again at another place is known by its uid, and stays where it was."""
        archive = await self.opened()
        await archive.keep(entries(1, 2), "0-0")
        again = [(f"{BASE_MS + 50}-0", entry(1)[1]), entry(60)]
        self.assertEqual(await archive.keep(again, entry(2)[0]), 1)
        self.assertEqual(await archive.page("0", 10), entries(1, 2, 60))

    async def test_overtaken(self: Any) -> None:
        """Who thinks that the archive stands elsewhere keeps nothing and moves nothing."""
        one, other = await self.opened(), await self.opened()
        await one.keep(entries(1, 2), "0-0")
        await self.fails(other.keep(entries(1, 2, 3), "0-0"), Overtaken)
        self.assertEqual((await other.place(), len(await other.page("0", 9))), (entry(2)[0], 2))

    async def test_two_at_once(self: Any) -> None:
        """Of two that keep at once one is overtaken."""
        one, other = await self.opened(), await self.opened()
        for n in range(1, 20):
            before = await one.place()
            ends: list[Any] = await gatherResults(
                [Deferred.fromCoroutine(self._end(archive, n, before)) for archive in (one, other)]
            )
            self.assertEqual(sorted(ends), ["kept", "overtaken"])

    async def _end(self, archive: Archive, number: int, before: str) -> str:
        try:
            await archive.keep([entry(number)], before)
        except Overtaken:
            return "overtaken"
        return "kept"

    async def test_poisoned(self: Any) -> None:
        """What is no punch is named, and nothing of its batch is kept; without it, the place passes it."""
        archive = await self.opened()
        bad = f"{BASE_MS + 2}-0"
        batch = [entry(1), (bad, "no JSON"), entry(3)]
        told = await self.assertFailure(Deferred.fromCoroutine(archive.keep(batch, "0-0")), Poisoned)
        self.assertEqual([*told.why], [bad])
        self.assertEqual(await archive.page("0", 9), [])
        await archive.keep([batch[0]], "0-0", bad)
        self.assertEqual(await archive.place(), bad)
        await archive.keep([], bad, batch[2][0])
        self.assertEqual(await archive.place(), batch[2][0])

    async def test_refused_by_the_database(self: Any) -> None:
        """A row that the database alone refuses is found out of its batch."""
        archive = await self.opened()
        self.forbid("enrollid = 13")
        batch = [entry(1), entry(2, enrollid=13), entry(3)]
        told = await self.assertFailure(Deferred.fromCoroutine(archive.keep(batch, "0-0")), Poisoned)
        self.assertEqual([*told.why], [batch[1][0]])
        self.assertEqual((await archive.place(), await archive.page("0", 9)), ("0-0", []))

    async def test_everything_is_refused(self: Any) -> None:
        """When a plain row would be refused too, it is the database that is unfit, and no row is blamed."""
        archive = await self.opened()
        self.forbid("ms >= 0")
        why = await self.fails(archive.keep([entry(1)], "0-0"), ArchiveUnavailable)
        self.assertIn("refuses everything", why)

    async def test_another_at_its_place(self: Any) -> None:
        """Two punches at one place are told, none is passed over in silence."""
        archive = await self.opened()
        await archive.keep([entry(1)], "0-0")
        strange = (entry(1)[0], entry(2)[1])
        await self.fails(archive.keep([strange, entry(3)], entry(1)[0]), Poisoned)

    async def test_people(self: Any) -> None:
        """Who punches is known since the first punch under an external id; doors and strangers are nobody."""
        archive = await self.opened()
        await archive.keep([entry(1), entry(2), entry(3, enrollid=0, kind="door")], "0-0")
        await archive.keep([entry(4, external_id="E7"), entry(5, external_id="E7")], entry(3)[0])
        other = await self.opened()
        await other.keep([entry(6, external_id="E7")], entry(5)[0])
        [(enrollid, external_id, since)] = self.rows("SELECT enrollid, external_id, since FROM people")
        self.assertEqual((enrollid, external_id), (5, "E7"))
        self.assertIn("00:00:05", str(since))

    async def test_terminals(self: Any) -> None:
        """Terminals stand there as they are now, and since when."""
        archive = await self.opened()
        row = {"sn": "T1", "name": "Gate", "site": "hq", "timezone": None}
        await archive.keep_terminals([{**row, "now": "2026-04-01T00:00:00.000Z"}])
        await archive.keep_terminals([{**row, "now": "2026-04-02T00:00:00.000Z"}])
        await archive.keep_terminals([{**row, "site": "x", "now": "2026-04-03T00:00:00.000Z"}])
        [found] = self.rows("SELECT sn, name, site, first_seen, changed FROM terminals")
        self.assertEqual(found[:3], ("T1", "Gate", "x"))
        self.assertIn("04-01", str(found[3]))
        self.assertIn("04-03", str(found[4]))


class Reading:
    """What is asked of it."""

    async def test_filter(self: Any) -> None:
        """Every part of a filter has to fit."""
        archive = await self.opened()
        batch = [
            entry(1),
            entry(2, enrollid=6, site="lab"),
            entry(3, sn="T2", kind="door", enrollid=0),
            entry(4, clock="suspect"),
            entry(5, utc=None, time=None, device_time="?"),
        ]
        await archive.keep(batch, "0-0")
        start = 1_775_001_600_000  # 2026-04-01T00:00:00Z
        cases: list[tuple[Filter, list[int]]] = [
            (Filter(), [0, 1, 2, 3, 4]),
            (Filter(sn="T2"), [2]),
            (Filter(enrollid=5), [0, 3, 4]),
            (Filter(enrollid=0), [2]),
            (Filter(site="lab"), [1]),
            (Filter(sites=("lab", "moon")), [1]),
            (Filter(site="hq", sites=("lab",)), []),
            (Filter(kinds=("door", "stranger")), [2]),
            (Filter(clocks=("suspect", "unknown")), [3]),
            (Filter(since_ms=start + 2000, until_ms=start + 4000), [1, 2]),
            (Filter(since_ms=start - 10**15, until_ms=start + 10**15), [0, 1, 2, 3]),
            (Filter(enrollid=5, since_ms=start + 2000), [3]),
        ]
        for wanted, expected in cases:
            self.assertEqual(await archive.page("0", 10, wanted), [batch[n] for n in expected], wanted)

    async def test_known(self: Any) -> None:
        """Of many uids those are told that are there."""
        archive = await self.opened()
        await archive.keep(entries(*range(1, 20)), "0-0")
        asked = [punch(n)["uid"] for n in range(10, 1500)]
        self.assertEqual(await archive.known(asked), set(asked[:10]))
        self.assertEqual(await archive.known([]), set())

    async def test_readers_do_not_wait(self: Any) -> None:
        """While a transaction that writes is open, others read what was there before."""
        archive = await self.opened()
        await archive.keep(entries(1), "0-0")
        engine = archive._writer
        with engine.connect() as connection, connection.begin():
            connection.exec_driver_sql("UPDATE meta SET value = value")
            connection.exec_driver_sql("DELETE FROM punches")
            self.assertEqual(await archive.page("0", 9), entries(1))

    async def test_wrong_page(self: Any) -> None:
        """A place beyond all punches there can be is no error."""
        archive = await self.opened()
        await archive.keep(entries(1), "0-0")
        self.assertEqual(await archive.page("9" * 19 + "-" + "9" * 19, 9), [])


class Opening:
    """The tables make themselves."""

    async def test_two_make_them(self: Any) -> None:
        """Several processes that open a new database at once make its tables once, and agree on its id."""
        archives = [self.new_archive() for _ in range(4)]
        await gatherResults([Deferred.fromCoroutine(archive.start()) for archive in archives])
        self.assertEqual(len({archive.id for archive in archives}), 1)
        self.assertTrue(archives[0].id)

    async def test_id_stays(self: Any) -> None:
        """A database has its id for ever, and another has another."""
        one = await self.opened()
        await one.stop()
        self.assertEqual((await self.opened()).id, one.id)
        self.url = self.new_url()
        self.assertNotEqual((await self.opened()).id, one.id)

    async def test_newer_schema(self: Any) -> None:
        """A database of a newer tfserver is refused in words that say so."""
        await (await self.opened()).stop()
        self.run_sql("UPDATE alembic_version SET version_num = '9999'")
        archive = self.new_archive()
        self.assertIn("newer tfserver", await self.fails(archive.start(), StartError))

    async def test_stopped(self: Any) -> None:
        """After a stop every question says so at once."""
        archive = await self.opened()
        await archive.stop()
        await self.fails(archive.place(), ArchiveUnavailable)


class SqliteTests(Keeping, Reading, Opening, ArchiveCase):
    """SQLite in a file."""

    def forbid(self, condition: str) -> None:
        """Let the database refuse rows."""
        when = condition.replace("enrollid", "NEW.enrollid").replace("ms", "NEW.ms")
        self.run_sql(
            f"CREATE TRIGGER no BEFORE INSERT ON punches WHEN {when} BEGIN SELECT RAISE(ABORT, 'no'); END"
        )

    async def test_private(self) -> None:
        """Nobody else can read the file, nor those that stand beside it."""
        archive = await self.opened()
        await archive.keep(entries(1), "0-0")
        folder = os.path.dirname(self.path)
        modes = {
            name: stat.S_IMODE(os.stat(os.path.join(folder, name)).st_mode) for name in os.listdir(folder)
        }
        self.assertIn("archive.sqlite-wal", modes)
        self.assertEqual(set(modes.values()), {0o600})

    async def test_durable(self) -> None:
        """A commit is on disk when it is told: the store forgets what was archived."""
        archive = await self.opened()
        with archive._writer.connect() as connection:
            self.assertEqual(connection.exec_driver_sql("PRAGMA synchronous").scalar(), 2)
            self.assertEqual(connection.exec_driver_sql("PRAGMA journal_mode").scalar(), "wal")

    async def test_no_file(self) -> None:
        """A file that can't be had is told with its path."""
        archive = self.new_archive(url="sqlite:////nowhere/at/all.sqlite")
        self.assertIn("/nowhere/at/all.sqlite", await self.fails(archive.start(), StartError))

    async def test_no_database(self) -> None:
        """A file that is something else is refused."""
        with open(self.path, "w") as file:
            file.write("this is no database, " * 100)
        self.assertIn("not a database", await self.fails(self.new_archive().start(), StartError))

    async def test_deadline(self) -> None:
        """Who waits too long is told, the thread is free again, and the next question is answered."""
        archive = await self.opened(seconds=0.3)
        endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"
        call = archive._read(lambda connection: connection.exec_driver_sql(endless).scalar())
        why = await self.fails(call, ArchiveUnavailable)  # type: ignore[arg-type]
        self.assertIn("deadline", why)
        self.assertTrue(archive.problem)
        await deferToThread(self._all_threads_free, archive)
        self.assertEqual(await archive.place(), "0-0")
        self.assertEqual(archive.problem, "")

    def _all_threads_free(self, archive: Archive) -> None:
        from tests.real.store import wait_until

        wait_until(lambda: not archive._reads._pool.working, "the thread was interrupted")

    async def test_urls(self) -> None:
        """Wrong URLs are refused without what may be secret in them."""
        for url in ("mysql://u:geheim@h/d", "sqlite://", "geheim", "sqlite:///:memory:"):
            wrong = self.assertRaises(ConfigError, self.new_archive, url)
            self.assertIn("archive.url", str(wrong))
            self.assertNotIn("geheim", str(wrong))


class PostgresTests(Keeping, Reading, Opening, PostgresCase):
    """PostgreSQL."""

    def forbid(self, condition: str) -> None:
        """Let the database refuse rows."""
        self.run_sql(f"ALTER TABLE punches ADD CONSTRAINT no CHECK (NOT ({condition}))")

    async def test_types(self) -> None:
        """Instants are timestamps, and JSON is JSON, for those who ask by themselves."""
        archive = await self.opened()
        await archive.keep([entry(1, extra={"a": 7})], "0-0")
        query = "SELECT utc AT TIME ZONE 'UTC' = '2026-04-01 00:00:01', extra->>'a' FROM punches"
        self.assertEqual(self.rows(query), [(True, "7")])

    async def test_durable_commits(self) -> None:
        """A database that would lose commits is made to keep ours."""
        self.run_sql(f"ALTER DATABASE {self.database} SET synchronous_commit = off")
        archive = await self.opened()
        with archive._writer.connect() as connection:
            self.assertEqual(connection.exec_driver_sql("SHOW synchronous_commit").scalar(), "on")

    async def test_password_is_secret(self) -> None:
        """A password stands in no description and no error."""
        archive = self.new_archive("postgresql://u:geheim@127.0.0.1:1/d", "geheimer")
        await archive.start()
        why = await self.fails(archive.place(), ArchiveUnavailable)
        for text in (why, archive.problem, archive.description):
            self.assertNotIn("geheim", text)

    async def test_encoding(self) -> None:
        """A database that can't hold every text is refused."""
        self.postgres.run("CREATE DATABASE narrow ENCODING 'LATIN1' TEMPLATE template0")
        archive = self.new_archive(self.postgres.url.rpartition("/")[0] + "/narrow")
        self.assertIn("UTF8", await self.fails(archive.start(), StartError))
