"""The archiver: punches from a real store into a real database, once, in order, whoever dies."""

from __future__ import annotations

import json
import os
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs

from tests.real import postgres
from tests.store.archive.archives import punch
from tests.store.archiving import ArchivingCase, places
from tests.store.connected import until
from tests.store.records import uids
from tfserver.config import Admission as AdmissionSettings
from tfserver.config import Archive as ArchiveSettings
from tfserver.delivery.archiver import Archiver
from tfserver.delivery.tidying import Tidying
from tfserver.delivery.watch import Watch
from tfserver.errors import ArchiveUnavailable
from tfserver.metrics import Metrics
from tfserver.model import Kind
from tfserver.store.archive.database import Archive
from tfserver.store.archived import Archived
from tfserver.store.terminals import Terminals


class Process:
    """One process that archives, as the server puts it together."""

    def __init__(self, case: ArchiverCase, archive: Archive, holder: str, **settings: Any) -> None:
        self.metrics = Metrics()
        self.archive = archive
        chosen = ArchiveSettings(**settings)
        self.archived = Archived(case.client, chosen, holder)
        terminals = Terminals(case.client, AdmissionSettings(), "one/1")
        self.watch = Watch(reactor, archive, self.archived, self.metrics)
        self.tidying = Tidying(archive, self.archived, terminals, self.watch, chosen)
        self.archiver = Archiver(reactor, archive, self.archived, self.tidying, self.metrics)

    async def start(self) -> Process:
        """Archive from now on."""
        await self.archiver.start()
        return self


class ArchiverCase(ArchivingCase):
    """A store with an archive, and processes on demand."""

    async def process(self, holder: str = "one", archive: Archive | None = None, **settings: Any) -> Process:
        """A process that archives."""
        process = Process(self, archive or self.archive, holder, **settings)
        self.addCleanup(lambda: Deferred.fromCoroutine(process.archiver.stop()))
        return await process.start()

    async def archived_up_to(self, place: str, archive: Archive | None = None) -> None:
        """Wait until the store knows that everything up to this place is archived."""

        async def is_there() -> bool:
            return (await self.archived.look()).place == place

        await until(is_there, f"the archive has {place}")
        self.assertEqual(await (archive or self.archive).place(), place)


class OrderTests(ArchiverCase):
    """The ordinary way."""

    async def test_all_in_order(self) -> None:
        """What was there and what comes is archived as it stands in the stream, and stays in it as well."""
        await self.begin()
        there = await self.add(*range(1, 1201))
        process = await self.process()
        await self.archived_up_to(there[-1])
        there += await self.add(2001, 2002)
        await self.archived_up_to(there[-1])
        self.assertEqual(places(await self.archive.page("0", 5000)), there)
        self.assertEqual(await self.stream(), there)
        self.assertEqual(process.metrics.archived["new"], 1202)

    async def test_trimmed(self) -> None:
        """What is archived and too much leaves the stream; the feed has all of it."""
        await self.begin()
        there = await self.add(*range(1, 51))
        await self.process(stream_most=10)

        async def is_trimmed() -> bool:
            return len(await self.stream()) == 10

        await until(is_trimmed, "the stream is trimmed")
        self.assertEqual(places(await self.feed.page("0", 99)), there)

    async def test_room(self) -> None:
        """When the store is short of room, everything archived leaves it, and that is told and measured."""
        await self.begin()
        process = await self.process()
        there = await self.add(*range(1, 51))
        await self.archived_up_to(there[-1])
        used = (await self.archived.memory()).used
        self.tell(f"CONFIG SET maxmemory {round(used / 0.75)}")
        with capturedLogs() as told:
            await process.watch.look()
            await process.watch.look()
        self.assertEqual(len([event for event in told if "full" in event["log_format"]]), 1)
        self.assertGreater(process.metrics.store_memory, 0.7)

        async def is_empty() -> bool:
            return not await self.stream()

        await until(is_empty, "the stream is empty")
        self.tell(f"CONFIG SET maxmemory {used * 10}")
        with capturedLogs() as told:
            await process.watch.look()
        self.assertIn("room again", told[0]["log_format"])
        self.assertEqual(places(await self.feed.page("0", 99)), there)

    async def test_gauges(self) -> None:
        """How far the archive is behind is measured by every process."""
        await self.begin()
        watch = Process(self, self.archive, "watching")
        await self.add(1, 2, 3)
        await watch.watch.look()
        self.assertEqual((watch.metrics.archive_lag, watch.metrics.archive_up), (3, True))
        await self.archive.stop()
        await watch.watch.look()
        self.assertFalse(watch.metrics.archive_up)

    async def test_forgets_by_rule(self) -> None:
        """What is older than its kind may be is deleted from the archive; terminals are listed."""
        await self.begin()
        await self.client.write("ZADD", "tf:terminals", 0, "T1")
        await self.client.write(
            "HSET", "tf:terminal:T1", "admission", "approved", "name", "Gate", "site", "hq"
        )
        old = (await self.archived.look()).now_ms - 3 * 86_400_000
        for n, kind in enumerate(("door", "punch")):
            text = json.dumps(punch(n, kind=kind))
            await self.client.write("XADD", "tf:punches", f"{old + n}-0", "v", "1", "p", text)
        await self.process(keep_days={Kind.DOOR: 2, Kind.PUNCH: 4})

        async def is_forgotten() -> bool:
            return await self.archive.forgotten() == f"{old}-0"

        await until(is_forgotten, "the door is forgotten")
        self.assertEqual(places(await self.archive.page("0", 9)), [f"{old + 1}-0"])

        def listed() -> Any:
            import sqlite3

            with sqlite3.connect(self.path) as connection:
                return connection.execute("SELECT sn, name, site FROM terminals").fetchall()

        await until(lambda: listed() == [("T1", "Gate", "hq")], "the terminal is listed")


class PoisonTests(ArchiverCase):
    """What can't be archived."""

    async def test_put_aside(self) -> None:
        """A poisoned entry is found in the quarantine and told, once; everybody else's punches go on."""
        await self.begin()
        good = await self.add(1, 2)
        bad = await self.client.write("XADD", "tf:punches", "*", "v", "1", "p", "no JSON")
        worse = await self.client.write("XADD", "tf:punches", "*", "v", "1")
        with capturedLogs() as told:
            process = await self.process()
            await self.archived_up_to(worse)
            good += await self.add(3)
            await self.archived_up_to(good[-1])
        self.assertEqual(places(await self.archive.page("0", 9)), good)
        found = await self.client.read("XRANGE", "tf:quarantine", "-", "+")
        whys = [dict(zip(f[::2], f[1::2], strict=True))["why"] for _, f in found]
        self.assertEqual([why.partition(":")[0] for why in whys], [bad, worse])
        self.assertEqual(process.metrics.archived["put_aside"], 2)
        self.assertEqual([e["place"] for e in told if "quarantine" in e["log_format"]], [bad, worse])


class DyingTests(ArchiverCase):
    """Processes that die, and those that go on."""

    async def test_taken_over(self) -> None:
        """While one works the other waits; when the one lets go, the other goes on where it was."""
        await self.begin()
        one, other = await self.process("one"), await self.process("other", await self.new_archive())
        there = await self.add(*range(1, 11))
        await self.archived_up_to(there[-1])
        first = one if one.metrics.archived["new"] else other
        second = other if first is one else one
        self.assertEqual((first.metrics.archived["new"], second.metrics.archived["new"]), (10, 0))
        await first.archiver.stop()
        there += await self.add(*range(11, 21))
        await self.archived_up_to(there[-1])
        self.assertEqual(second.metrics.archived["new"], 10)
        self.assertEqual(places(await self.archive.page("0", 99)), there)

    async def test_died_before_the_store_was_told(self) -> None:
        """A batch that is in the database though the store does not know it is not archived twice."""
        await self.begin()
        there = await self.add(1, 2, 3)
        await self.archived.lease(self.archive.id)
        await self.archive.keep(await self.archived.batch("0-0", 9), "0-0")
        await self.client.write("HSET", "tf:archived", "until", 1)
        process = await self.process("other")
        await self.archived_up_to(there[-1])
        self.assertEqual(process.metrics.archived["new"], 0)
        self.assertEqual(places(await self.archive.page("0", 9)), there)

    async def test_overtaken(self) -> None:
        """Who was overtaken while it slept looks where the archive stands, and does no harm."""
        await self.begin()
        process = await self.process()
        there = await self.add(1)
        await self.archived_up_to(there[-1])
        there += await self.add(2, 3)
        before = await self.archive.place()
        if before == there[0]:
            found = await self.archived.batch(before, 9)
            await self.archive.keep(found, before)
        there += await self.add(4)
        await self.archived_up_to(there[-1])
        self.assertEqual(places(await self.archive.page("0", 9)), there)
        self.assertEqual(process.metrics.archive_failures, 0)

    async def test_other_archive(self) -> None:
        """A process with a database of its own archives nothing into it, and says so once."""
        await self.begin()
        await self.archived.lease(self.archive.id)
        await self.archived.release()
        other = await self.new_archive(os.path.join(self.folder, "other.sqlite"))
        await self.add(1)
        with capturedLogs() as told:
            process = await self.process("other", other)
            await until(lambda: process.metrics.archive_failures > 1, "it tried twice")
        self.assertEqual(await other.place(), "0-0")
        said = [event["why"] for event in told if event["log_format"].startswith("not archiving")]
        self.assertEqual(len(said), 1)
        self.assertIn("another archive", said[0])

    async def test_set_back(self) -> None:
        """An archive that lacks what the stream has no more is told, and what is there goes on."""
        await self.begin()
        await self.add(1, 2, 3)
        await self.archive_all()
        await self.archived.trim_all()
        await self.archived.release()
        await self.archive.stop()
        for end in ("", "-wal", "-shm"):
            if os.path.exists(self.path + end):
                os.remove(self.path + end)
        archive = await self.new_archive()
        await self.client.write("HSET", "tf:archived", "archive", archive.id)
        there = await self.add(4)
        with capturedLogs() as told:
            await self.process("other", archive)
            await self.archived_up_to(there[-1], archive)
        self.assertEqual([1 for event in told if "set back" in event["log_format"]], [1])

    async def test_lost_store(self) -> None:
        """In a store that begins anew behind the archive everything that comes is archived all the same."""
        await self.begin()
        ahead = (await self.archived.look()).now_ms + 3_600_000
        await self.archive.keep([(f"{ahead}-0", json.dumps(punch(1)))], "0-0")
        before = await self.add(2, 3)
        with capturedLogs() as told:
            await self.process()
            await self.archived_up_to(f"{ahead}-0")
        self.assertEqual([1 for event in told if "lost punches" in event["log_format"]], [1])
        later = await self.add(4)
        await self.archived_up_to(later[-1])
        self.assertEqual(places(await self.archive.page("0", 9)), [*before, f"{ahead}-0", *later])


class AwayTests(ArchiverCase):
    """A database that is away."""

    async def test_holds_the_line(self) -> None:
        """Nothing leaves the stream, it is told once, and all is archived when the database is back."""
        await self.begin()
        kept, is_away = self.archive.keep, True

        async def keep(*args: Any) -> int:
            """Fail for a while, sometimes after the batch was kept."""
            if is_away:
                raise ArchiveUnavailable("away for a test")
            return await kept(*args)

        self.archive.keep = keep  # type: ignore[method-assign]
        there = await self.add(*range(1, 31))
        with capturedLogs() as told:
            process = await self.process(stream_most=1)
            await until(lambda: process.metrics.archive_failures > 1, "it tried twice")
            self.assertEqual(await self.stream(), there)
            is_away = False
            await self.archived_up_to(there[-1])
            await until(lambda: "archiving goes on" in lines(told), "it says so")
        self.assertEqual(lines(told), ["not archiving: {why}", "archiving goes on"])
        self.assertEqual(places(await self.feed.page("0", 99)), there)


def lines(told: Any) -> list[str]:
    """What was said of archiving."""
    return [event["log_format"] for event in told if "archiving" in event["log_format"]]


class PostgresAwayTests(ArchiverCase):
    """PostgreSQL that is killed, paused and absent at the start."""

    timeout = 120

    def setUp(self) -> None:
        super().setUp()
        if not postgres.is_installed():
            self.skipTest("no PostgreSQL is installed")
        self.postgres = postgres.RealPostgres()
        self.addCleanup(self.postgres.remove)

    async def new_archive(self, path: str = "", **settings: Any) -> Archive:
        """An archive in the PostgreSQL of this test."""
        archive = Archive(reactor, self.postgres.url, ArchiveSettings(**settings))
        self.addCleanup(lambda: Deferred.fromCoroutine(archive.stop()))
        await archive.start()
        return archive

    async def test_absent_at_the_start(self) -> None:
        """Without it the start succeeds and says why it can't be asked; later it is found and filled."""
        await self.begin()
        self.assertTrue(self.archive.problem)
        there = await self.add(1, 2)
        await self.process()
        self.postgres.start()
        await self.archived_up_to(there[-1])
        self.assertEqual(self.archive.problem, "")

    async def test_killed_under_load(self) -> None:
        """Killed and started again while punches come: every one is archived once, in order."""
        self.postgres.start()
        await self.begin(seconds=2)
        await self.process()
        there: list[str] = []
        for n in range(4):
            there += await self.add(*range(1000 * n, 1000 * n + 700))
            self.postgres.kill()
            there += await self.add(*range(1000 * n + 700, 1000 * n + 750))
            self.postgres.start()
        await self.archived_up_to(there[-1])
        found = await self.archive.page("0", 5000)
        self.assertEqual(places(found), there)
        self.assertEqual(len(set(uids(found))), len(there))

    async def test_paused(self) -> None:
        """One that hangs is given up after the deadline, also at a stop, and found again when it goes on."""
        self.postgres.start()
        await self.begin(seconds=1)
        process = await self.process()
        there = await self.add(1)
        await self.archived_up_to(there[-1])
        self.postgres.pause()
        there += await self.add(2, 3)
        await until(lambda: process.metrics.archive_failures > 0, "it noticed")
        self.assertIn("deadline", self.archive.problem)
        self.postgres.resume()
        await self.archived_up_to(there[-1])
        self.assertEqual(places(await self.archive.page("0", 9)), there)
        self.postgres.pause()
        await process.archiver.stop()
        await self.archive.stop()
        self.postgres.resume()
