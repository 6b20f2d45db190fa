"""Several processes on one store: the newest connection of a terminal wins, and what is stored is one."""

from __future__ import annotations

import signal
from typing import Any

from tests.real.client import log
from tests.real.placed import PlacedServer
from tests.real.scene import DAY, LOAD, OPEN, Scene
from tests.real.store import RealStore, wait_until

POLICY = 1008
HEARTBEAT_LIFE = 20.0
"""Seconds within which a dead process is known to be dead."""


class Two(Scene):
    """Two processes on one store."""

    def setUp(self) -> None:
        self.redis: RealStore = self.store()
        self.one = self.server(*OPEN, "--instance", "one", store=self.redis)
        self.two = self.server(*OPEN, "--instance", "two", store=self.redis)

    def shown(self, sn: str, by: PlacedServer | None = None) -> tuple[bool, str | None]:
        """Whether a terminal is online, and where."""
        found: dict[str, Any] = (by or self.two).get(f"/terminals/{sn}")[1]
        return found["online"], found["owner"]

    def connections(self, server: PlacedServer) -> float:
        """How many connections of terminals a process counts."""
        lines = server.get("/metrics")[1].splitlines()
        return float(next(line for line in lines if line.startswith("tfserver_connections ")).split()[1])

    def test_terminal_that_moves(self) -> None:
        """The old socket is closed by its process, and its late end does not mark the terminal offline."""
        old = self.client(self.one, "MOVE")
        self.assertEqual(self.shown("MOVE"), (True, "one"))
        self.client(self.two, "MOVE")
        self.assertEqual(old.closed(), POLICY)
        old.shut()
        wait_until(lambda: self.connections(self.one) == 0, "the old process knows of the end")
        self.assertEqual(self.shown("MOVE", self.one), (True, "two"))
        self.assertEqual(self.shown("MOVE", self.two), (True, "two"))
        back = self.client(self.one, "MOVE")
        self.assertEqual(self.shown("MOVE"), (True, "one"))
        self.assertTrue(back.ask(cmd="sendlog", record=[log(1, f"{DAY} 08:00:00")])["result"])

    def test_moves_without_a_wake_up(self) -> None:
        """The old socket is closed also when no process hears of anything: the sweep finds what was noted."""
        self.redis.ask("ACL SETUSER default resetchannels")
        self.redis.ask("CLIENT KILL TYPE pubsub")
        self.assertIn("NOPERM", self.redis.ask("SUBSCRIBE tf:wake"))
        old, kept = self.client(self.one, "QUIET"), self.client(self.one, "KEPT")
        wait_until(lambda: "tf:lost:one/" in self.redis.ask("KEYS tf:lost:*"), "it has compared its leases")
        self.client(self.two, "QUIET")
        self.assertEqual(old.closed(), POLICY)
        self.assertEqual(self.shown("QUIET"), (True, "two"))
        self.assertTrue(kept.ask(cmd="heartbeat", sn="KEPT")["result"])

    def test_newest_in_one_process(self) -> None:
        """A terminal that comes again to the same process is answered, and its old connection closed."""
        old = self.client(self.one, "SAME")
        new = self.client(self.one, "same")
        self.assertEqual(old.closed(), POLICY)
        self.assertTrue(new.ask(cmd="sendlog", record=[log(1, f"{DAY} 08:00:00")])["result"])
        old.shut()
        wait_until(lambda: self.connections(self.one) == 1, "the old connection is gone")
        self.assertEqual(self.shown("SAME"), (True, "one"))

    def test_alternate_delivery(self) -> None:
        """Punches that come through both processes in turn are stored once, and both show the same feed."""
        for turn in range(8):
            client = self.client((self.one, self.two)[turn % 2], "TURN")
            batch = [log(n, f"{DAY} 08:00:0{n}") for n in range(1, turn + 2)]
            self.assertTrue(client.ask(cmd="sendlog", count=len(batch), record=batch)["result"])
            client.shut()
        self.assertEqual([row["enrollid"] for row in self.one.punches()], list(range(1, 9)))
        self.assertEqual(self.one.punches(), self.two.punches())

    def test_load_through_both(self) -> None:
        """Two fleets at two processes, one of which dies: nothing is lost or doubled, the feeds are equal."""
        first = self.simulator(self.one, *LOAD, "--seconds", "2", "--sn-prefix", "ONE")
        second = self.simulator(self.two, *LOAD, "--seconds", "2", "--sn-prefix", "TWO")
        wait_until(lambda: len(first.acked()) > 200 and len(second.acked()) > 200, "there is load")
        self.one.kill()
        self.one.start()
        self.assert_all_well(first, self.two)
        self.assert_all_well(second, self.one)
        self.assertEqual(self.one.punches(), self.two.punches())

    def test_killed_process(self) -> None:
        """Terminals of a killed process show offline in time, and may go elsewhere at once."""
        self.client(self.one, "STAYS")
        self.client(self.one, "GOES")
        self.one.kill()
        self.client(self.two, "GOES")
        self.assertEqual(self.shown("GOES"), (True, "two"))
        wait_until(lambda: self.shown("STAYS") == (False, None), "it shows offline", HEARTBEAT_LIFE)
        self.assertEqual(self.shown("GOES"), (True, "two"))

    def test_paused_process(self) -> None:
        """A process that stood still while its terminal moved on does not take the terminal back."""
        old = self.client(self.one, "PAUSED")
        self.one.signal(signal.SIGSTOP)
        self.addCleanup(self.one.signal, signal.SIGCONT)
        new = self.client(self.two, "PAUSED")
        old.say(cmd="sendlog", count=1, record=[log(1, f"{DAY} 08:00:00")])
        self.one.signal(signal.SIGCONT)
        old.closed()
        self.assertEqual(self.shown("PAUSED"), (True, "two"))
        self.assertTrue(new.ask(cmd="sendlog", count=1, record=[log(1, f"{DAY} 08:00:00")])["result"])
        self.assertEqual(len(self.two.punches()), 1)


class Lease(Scene):
    """Who holds a terminal when the store is slow; one process."""

    def setUp(self) -> None:
        self.redis = self.store()
        self.one = self.server(*OPEN, store=self.redis)
        self.addCleanup(self.redis.go_on)

    def online(self, sn: str) -> bool:
        """Whether a terminal shows online."""
        return self.one.get(f"/terminals/{sn}")[1].get("online") is True

    def until_read(self) -> None:
        """Wait until the server has read what was sent before: an answer to people takes it more turns."""
        wait_until(lambda: self.one.get("/healthz")[0] == 200, "the server looks at its sockets")

    def test_older_reg_that_ends_later(self) -> None:
        """Of two connections the one that registered last stays, though the first takes longer."""
        self.client(self.one, "RACE").shut()
        wait_until(lambda: not self.online("RACE"), "the first visit is over")
        old, new = self.client(self.one), self.client(self.one)
        self.redis.pause()
        old.say(cmd="reg", sn="RACE", cpusn="cpu-RACE", devinfo={"time": "2026-01-01 00:00:00"})
        self.until_read()
        new.say(cmd="reg", sn="RACE", cpusn="cpu-RACE", devinfo={})
        self.until_read()
        self.redis.go_on()
        self.assertTrue(new.hear()["result"])
        self.assertEqual(old.closed(), POLICY)
        self.assertTrue(self.online("RACE"))
        self.assertTrue(new.ask(cmd="sendlog", record=[log(1, f"{DAY} 08:00:00")])["result"])

    def test_reg_that_ended_too_late(self) -> None:
        """A terminal that was refused for a slow store and went away does not show online afterwards."""
        self.client(self.one, "FIRST").shut()
        client = self.client(self.one)
        self.redis.pause()
        self.assertFalse(client.register("GHOST")["result"])
        client.shut()
        self.redis.go_on()
        self.one.until_ready()
        wait_until(lambda: self.one.get("/terminals/GHOST")[0] == 200, "the late write was done")
        wait_until(lambda: not self.online("GHOST"), "it shows offline")

    def test_reg_again_after_an_outage(self) -> None:
        """A terminal that registers again on its connection after an outage keeps its lease."""
        client = self.client(self.one, "KEEPS")
        self.redis.pause()
        self.assertFalse(client.ask(cmd="sendlog", record=[log(1, f"{DAY} 08:00:00")])["result"])
        self.assertFalse(client.register("KEEPS")["result"])
        self.redis.go_on()
        self.one.until_ready()
        self.assertTrue(client.register("KEEPS")["result"])
        for _ in range(2):
            self._until_beat(client)
        self.assertTrue(self.online("KEEPS"))

    def _until_beat(self, client: Any) -> None:
        """Wait until the process has told the store that it heard this terminal."""
        before = self.one.get("/terminals/KEEPS")[1]["last_frame"]
        client.ask(cmd="heartbeat", sn="KEEPS")
        wait_until(lambda: self.one.get("/terminals/KEEPS")[1]["last_frame"] != before, "a heartbeat")
