"""An acknowledged punch is never lost and never doubled, whatever dies, stops or fills up."""

from __future__ import annotations

import os
import resource
import signal
import time
from pathlib import Path

from tests.real.client import log
from tests.real.placed import PlacedServer
from tests.real.process import is_running
from tests.real.scene import DAY, LOAD, OPEN, Scene
from tests.real.simulator import RealSimulator
from tests.real.store import wait_until
from tfserver.simulator.registration import identity_of

SECONDS = ("--seconds", "2")
STOPPED = 4.0
"""Seconds that a store stands still."""


class Killed(Scene):
    """kill -9 in the middle of the work."""

    def _busy(self, server: PlacedServer) -> RealSimulator:
        simulator = self.simulator(server, *LOAD, *SECONDS)
        wait_until(lambda: len(simulator.acked()) > 300, "there is load")
        return simulator

    def test_server_with_embedded_store(self) -> None:
        """A killed server finds its store again, and every acknowledged punch in it once."""
        server = self.server(*OPEN)
        simulator = self._busy(server)
        server.kill()
        server.start()
        self.assert_all_well(simulator, server)

    def test_server_with_shared_store(self) -> None:
        """A server killed twice beside a store that lives on loses and doubles nothing."""
        server = self.server(*OPEN, store=self.store())
        simulator = self._busy(server)
        for _ in range(2):
            server.kill()
            server.start()
        self.assert_all_well(simulator, server)

    def test_embedded_store(self) -> None:
        """A killed embedded store is started again by its server and has what was acknowledged."""
        server = self.server(*OPEN)
        simulator = self._busy(server)
        first = server.store_pid()
        assert first is not None
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: server.store_pid() not in (None, first), "the store is started again")
        self.assert_all_well(simulator, server)

    def test_shared_store(self) -> None:
        """A killed and restarted store has what was acknowledged, and the server goes on by itself."""
        store = self.store()
        server = self.server(*OPEN, store=store)
        simulator = self._busy(server)
        store.kill()
        before = simulator.acked()
        store.start()
        self.assert_all_well(simulator, server)
        self.assertFalse(before - simulator.acked())

    def test_server_and_store_together(self) -> None:
        """After a power cut of both, the punches are there."""
        server = self.server(*OPEN)
        simulator = self._busy(server)
        pid = server.store_pid()
        assert pid is not None
        server.kill()
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not is_running(pid), "the store is gone")
        server.start()
        self.assert_all_well(simulator, server)

    def test_disk_that_takes_half_a_write(self) -> None:
        """A store that can write only a part of what it must dies, and loses nothing acknowledged."""
        server = self.server(*OPEN)
        simulator = self._busy(server)
        first = server.store_pid()
        assert first is not None
        folder = Path(server.folder, "tfserver-data", "store", "appendonlydir")
        room = max(path.stat().st_size for path in folder.iterdir()) + 2000
        resource.prlimit(first, resource.RLIMIT_FSIZE, (room, room))
        wait_until(lambda: server.store_pid() not in (None, first), "another store was started")
        self.assert_all_well(simulator, server)


class Standing(Scene):
    """The store is there and does not do its work."""

    def test_stopped_store(self) -> None:
        """While the store stands still nothing is acknowledged; afterwards all goes on by itself."""
        store = self.store()
        server = self.server(*OPEN, store=store)
        client = self.client(server, "ALONE")
        simulator = self.simulator(server, *LOAD, "--seconds", "6")
        wait_until(lambda: len(simulator.acked()) > 300, "there is load")
        store.pause()
        self.addCleanup(store.go_on)
        began = time.monotonic()
        self.assertFalse(
            client.ask(cmd="sendlog", count=1, logindex=0, record=[log(1, f"{DAY} 08:00:00")])["result"]
        )
        standing = simulator.acked()
        while time.monotonic() < began + STOPPED:
            self.assertFalse(client.ask(cmd="sendlog", record=[log(2, f"{DAY} 08:00:00")])["result"])
        self.assertEqual(simulator.acked(), standing)
        store.go_on()
        report = self.assert_all_well(simulator, server)
        self.assertTrue(any(text.startswith("sendlog") for text in report["rejections"]))
        self.assertGreater(sum(simulator.acked().values()), sum(standing.values()))

    def test_write_applied_after_the_refusal(self) -> None:
        """A write that the store does after its terminal was told no is no double when it comes again."""
        store = self.store()
        server = self.server(*OPEN, store=store)
        client = self.client(server, "LATE")
        batch = {
            "cmd": "sendlog",
            "count": 2,
            "logindex": 0,
            "record": [log(n, f"{DAY} 08:00:00") for n in (1, 2)],
        }
        self.assertTrue(client.ask(cmd="sendlog", record=[log(3, f"{DAY} 07:00:00")])["result"])
        store.pause()
        self.addCleanup(store.go_on)
        self.assertFalse(client.ask(**batch)["result"])
        store.go_on()
        server.until_ready()
        wait_until(lambda: len(server.punches()) == 3, "the late write is there")
        self.assertTrue(client.ask(**batch)["result"])
        self.assertEqual(len(server.punches()), 3)

    def test_full_store(self) -> None:
        """A store without room acknowledges nothing, and goes on when it has room again."""
        store = self.store()
        server = self.server(*OPEN, store=store)
        client = self.client(server, "FULL")
        batch = {"cmd": "sendlog", "count": 1, "logindex": 0, "record": [log(1, f"{DAY} 08:00:00")]}
        store.ask("CONFIG SET maxmemory 1mb")
        self.assertFalse(client.ask(**batch)["result"])
        wait_until(lambda: server.get("/readyz")[0] == 503, "it says that it takes nothing")
        self.assertFalse(client.ask(**batch)["result"])
        store.ask("CONFIG SET maxmemory 100mb")
        wait_until(lambda: client.ask(**batch)["result"], "it takes punches again")
        self.assertEqual(len(server.punches()), 1)

    def test_store_made_less_durable(self) -> None:
        """A store whose durability is taken away while it runs is not written to any more."""
        store = self.store()
        server = self.server(*OPEN, store=store)
        client = self.client(server, "WEAK")
        store.ask("CONFIG SET appendfsync no")
        wait_until(lambda: server.get("/readyz")[0] == 503, "it was noticed")
        self.assertFalse(client.ask(cmd="sendlog", record=[log(1, f"{DAY} 08:00:00")])["result"])
        store.ask("CONFIG SET appendfsync always")
        server.until_ready()
        self.assertTrue(client.ask(cmd="sendlog", record=[log(1, f"{DAY} 08:00:00")])["result"])
        self.assertEqual(len(server.punches()), 1)


class Again(Scene):
    """What comes again, and what cannot be kept."""

    def test_everything_sent_again(self) -> None:
        """Terminals that send all their records again change nothing in the feed."""
        server = self.server(*OPEN, store=self.store())
        self.assert_all_well(self.simulator(server, *LOAD, "--seconds", "0.5"), server)
        feed = server.punches()
        for index in range(50):
            identity = identity_of("SIMT", index)
            client = self.client(server)
            client.ask(cmd="reg", sn=identity.sn, cpusn=identity.cpusn, devinfo={"mac": identity.mac})
            rows = [row for row in feed if row["sn"] == identity.sn]
            again = [log(row["enrollid"], row["device_time"], mode=row["mode"]) for row in rows]
            self.assertTrue(
                client.ask(cmd="sendlog", sn=identity.sn, count=len(again), record=again)["result"]
            )
            client.shut()
        self.assertEqual(server.punches(), feed)

    def test_one_poisoned_terminal(self) -> None:
        """A terminal whose records the store cannot take gets no, and all others yes."""
        store = self.store()
        server = self.server(*OPEN, store=store)
        store.ask(f"SET tf:known:BAD:{DAY.replace('-', '')} wrong")
        batch = {"cmd": "sendlog", "count": 1, "logindex": 0, "record": [log(1, f"{DAY} 08:00:00")]}
        clients = {sn: self.client(server, sn) for sn in ("G1", "G2", "BAD", "G3", "G4")}
        for client in clients.values():
            client.say(**batch)
        answers = {sn: client.hear()["result"] for sn, client in clients.items()}
        self.assertEqual(answers, {sn: sn != "BAD" for sn in clients})
        store.ask(f"DEL tf:known:BAD:{DAY.replace('-', '')}")
        self.assertTrue(clients["BAD"].ask(**batch)["result"])
        self.assertEqual(sorted(row["sn"] for row in server.punches()), sorted(clients))

    def test_full_quarantine(self) -> None:
        """Unreadable records without room in the quarantine are not acknowledged; readable ones are."""
        config = self.file("tfserver.yaml", "punches: {quarantine: 2}\n")
        server = self.server("-c", config, *OPEN, store=self.store())
        client = self.client(server, "ODD")
        self.assertTrue(client.ask(cmd="sendlog", count=2, record=["x", {"enrollid": 1}])["result"])
        self.assertFalse(client.ask(cmd="sendlog", count=1, record=["y"])["result"])
        self.assertTrue(client.ask(cmd="sendlog", count=1, record=[log(1, f"{DAY} 08:00:00")])["result"])
        self.assertEqual(len(server.get("/quarantine")[1]["quarantine"]), 2)
