"""Punches end in the archive, whatever is killed, stopped or away on the way there."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.real.archived import archive_faults, archived
from tests.real.client import log
from tests.real.hooks import SETTLED, HookScene
from tests.real.placed import PlacedServer
from tests.real.postgres import RealPostgres
from tests.real.scene import LOAD
from tests.real.simulator import Key, RealSimulator, key_of
from tests.real.store import wait_until

SECONDS = ("--seconds", "2")
LONG_AGO = "2025-03-04 08:00:00"
KNOWN_LONG_AGO = "tf:known:OLD:20250304"


class Archived(HookScene):
    """Simulated terminals that push, and what became of it."""

    archive_more = "seconds: 5"

    def busy(self, server: PlacedServer) -> RealSimulator:
        """A load that has begun."""
        simulator = self.simulator(server, *LOAD, *SECONDS)
        wait_until(lambda: len(simulator.acked()) > 200, "there is load")
        return simulator

    def assert_archived(self, acked: Counter[Key], server: PlacedServer) -> None:
        """All that terminals were told is in the archive, once and in the order of the feed."""
        self.all_archived(server)
        self.assertTrue(acked)
        self.assertEqual(archive_faults(acked, server.punches(), self.archive), {})

    def told(self, simulator: RealSimulator) -> Counter[Key]:
        """What the terminals of a load were told, when it is over and all is acknowledged."""
        report = simulator.report()
        self.assertEqual((report["waiting"], report["complaints"]), (0, {}))
        return simulator.acked()


class InPostgres(Archived):
    """The archive is a PostgreSQL that comes and goes."""

    def setUp(self) -> None:
        super().setUp()
        self.database: RealPostgres = self.postgres()

    def test_restarted_under_load(self) -> None:
        """Restarts and kill -9 of PostgreSQL lose and double nothing, and terminals notice nothing."""
        one = self.process()
        simulator = self.busy(one)
        self.database.restart()
        self.database.kill()
        self.database.start()
        self.database.restart()
        self.assert_archived(self.told(simulator), one)

    def test_hangs(self) -> None:
        """While PostgreSQL answers nothing, punches are taken and delivered; afterwards they are archived."""
        one = self.process()
        target = self.receiver()
        hook = self.hook(one, target)
        self.addCleanup(self.database.resume)
        self.database.pause()
        terminal = self.client(one, "HANG")
        self.push(terminal, 120)
        self.settled(one, hook, target)
        self.database.resume()
        self.assert_archived(Counter(key_of(punch) for punch in one.punches()), one)

    def test_away_at_the_start(self) -> None:
        """A server starts without its archive and takes punches; they are archived once it is there."""
        self.database.stop()
        one = self.process()
        terminal = self.client(one, "EARLY")
        self.push(terminal, 50)
        old = [log(5, LONG_AGO)]
        # nobody can tell now whether this one was there before: the terminal has to keep it
        self.assertFalse(terminal.ask(cmd="sendlog", count=1, record=old)["result"])
        self.database.start()
        self.all_archived(one)
        self.assertTrue(terminal.ask(cmd="sendlog", count=1, record=old)["result"])
        acked = Counter(key_of(punch) for punch in one.punches())
        self.assertEqual(acked.total(), 51)
        self.assert_archived(acked, one)

    def test_processes_killed(self) -> None:
        """Of two processes one archives; whichever is killed under load, the other one goes on."""
        servers = [self.meanwhile(self.process, name) for name in ("one", "two")]
        one, two = (server.result() for server in servers)
        simulator = self.busy(one)
        self.kill(one)
        self.all_archived(two)
        one.start()
        self.kill(two)
        self.assert_archived(self.told(simulator), one)


class InSqlite(Archived):
    """The archive is a file."""

    def test_killed_under_load(self) -> None:
        """A server killed again and again finds its archive in order."""
        one = self.process()
        simulator = self.busy(one)
        for _ in range(2):
            self.kill(one)
            one.start()
        self.assert_archived(self.told(simulator), one)

    def test_killed_with_the_store(self) -> None:
        """After a power cut of server and store, archive and store agree."""
        one = self.process()
        simulator = self.busy(one)
        self.kill(one)
        self.redis.kill()
        self.redis.start()
        one.start()
        self.assert_archived(self.told(simulator), one)

    def test_read_again_after_the_horizon(self) -> None:
        """A punch that the store has forgotten is found in the archive, and is not in the feed twice."""
        one = self.process()
        terminal = self.client(one, "OLD")
        record = log(5, LONG_AGO)
        self.assertTrue(terminal.ask(cmd="sendlog", count=1, record=[record])["result"])
        self.all_archived(one)
        # as if dedupe_days had gone by
        self.assertEqual(self.redis.ask(f"DEL {KNOWN_LONG_AGO}"), ":1\r\n")
        others = [log(6, LONG_AGO), record, log(7, LONG_AGO)]
        self.assertTrue(terminal.ask(cmd="sendlog", count=3, record=others)["result"])
        self.assertEqual([punch["enrollid"] for punch in one.punches()], [5, 6, 7])
        self.assert_archived(Counter(key_of(punch) for punch in one.punches()), one)


class Trimmed(Archived):
    """Only a little of the feed stays in the store."""

    archive_more = "seconds: 5, stream_most: 50, stream_hours: 1"

    def follow(self, server: PlacedServer, cursor: str) -> tuple[list[dict[str, Any]], str]:
        """What is new behind a cursor, in small pages."""
        found: list[dict[str, Any]] = []
        while True:
            status, page = server.get(f"/punches?after={cursor}&limit=37")
            self.assertEqual(status, 200, page)
            found += page["punches"]
            if page["next"] == cursor:
                return found, cursor
            cursor = page["next"]

    def test_no_gap(self) -> None:
        """Who reads along under load, across processes, and who reads afterwards see the same."""
        one, two = (self.meanwhile(self.process, name) for name in ("one", "two"))
        servers = (one.result(), two.result())
        simulator = self.busy(servers[0])
        along: list[dict[str, Any]] = []
        cursor = "0"

        def read_on() -> bool:
            nonlocal cursor
            more, cursor = self.follow(servers[len(along) % 2], cursor)
            along.extend(more)
            return len(along) >= 600

        wait_until(read_on, "600 punches are read along", SETTLED)
        acked = self.told(simulator)
        self.all_archived(servers[0])
        wait_until(lambda: int(self.redis.ask("XLEN tf:punches")[1:]) < 300, "the stream is trimmed", SETTLED)
        more, _ = self.follow(servers[1], cursor)
        along += more
        everything = servers[0].punches()
        self.assertEqual([punch["id"] for punch in along], [punch["id"] for punch in everything])
        self.assertEqual(along, everything)
        self.assertEqual([row["id"] for row in archived(self.archive)], [punch["id"] for punch in everything])
        self.assert_archived(acked, servers[0])

    def test_not_beyond_the_archive(self) -> None:
        """What is not archived is not trimmed, however much there is."""
        database = self.postgres()
        one = self.process()
        database.stop()
        self.push(self.client(one, "KEEP"), 400, a_message=50)
        self.assertEqual(self.redis.ask("XLEN tf:punches"), ":400\r\n")
        database.start()
        self.assert_archived(Counter(key_of(punch) for punch in one.punches()), one)
        self.assertEqual(len(one.punches()), 400)
