"""Two devices with one serial number at two processes: alarmed, held, and nobody is locked out."""

from __future__ import annotations

from typing import Any

from tests.real.client import RealClient, log
from tests.real.link import RealLink
from tests.real.placed import PlacedServer
from tests.real.scene import DAY, OPEN, Scene
from tests.real.store import wait_until
from tfserver.gateway.challenge import ANSWER_SECONDS

HERE, THERE = "127.0.0.1", "127.0.0.2"
GOING_AWAY, POLICY = 1001, 1008


class TwinScene(Scene):
    """Two processes on one store."""

    def setUp(self) -> None:
        self.redis = self.store()
        starting = [self.meanwhile(self.process, name) for name in ("one", "two")]
        self.one, self.two = (each.result() for each in starting)

    def process(self, name: str) -> PlacedServer:
        """A running process of this name."""
        return self.server(*OPEN, "--instance", name, store=self.redis)

    def device(self, port: int, source: str) -> RealClient:
        """A connection from an address."""
        client = RealClient(port, source=source)
        self.addCleanup(client.shut)
        return client

    def shown(self) -> dict[str, Any]:
        """The terminal as people see it."""
        found: dict[str, Any] = self.two.get("/terminals/TWIN")[1]
        return found

    def counted(self, server: PlacedServer, what: str) -> bool:
        """Whether a process counted that."""
        return f'tfserver_twins_total{{what="{what}"}} 1.0' in server.get("/metrics")[1]

    def quarrel(self, port: int) -> tuple[RealClient, RealClient]:
        """One device at ``port``, and its twin at process ``two``, take turns until one of them is held; the
        first, which is heard, and the other, which was refused."""
        last = None
        for at, source in ((port, HERE), (self.two.port, THERE), (port, HERE)):
            client = self.device(at, source)
            self.assertTrue(client.register("TWIN")["result"])
            if last is not None:
                self.assertEqual(last.closed(), POLICY)
            last = client
        other = self.device(self.two.port, THERE)
        answer = other.register("TWIN")
        self.assertEqual((answer["result"], type(answer["reason"])), (False, str))
        assert last is not None
        return last, other


class Twins(TwinScene):
    """Both live."""

    def test_twins(self) -> None:
        """The one that is heard stays and works, the other is refused in words; people are told where both
        are. When the first goes, the other is told to come again, and comes in."""
        first, other = self.quarrel(self.one.port)
        self.assertTrue(first.ask(cmd="sendlog", count=1, record=[log(1, f"{DAY} 08:00:00")])["result"])
        self.assertEqual((self.shown()["online"], self.shown()["owner"]), (True, "one"))
        self.assertEqual(self.shown()["twins"]["sources"], [HERE, THERE])
        self.assertTrue(self.counted(self.two, "detected"))
        [line] = [line for line in self.two.said().splitlines() if "two devices" in line]
        for word in ("TWIN", HERE, THERE):
            self.assertIn(word, line)
        self.assertFalse(other.register("TWIN")["result"])
        first.shut()
        self.assertEqual(other.closed(), GOING_AWAY)
        again = self.device(self.two.port, THERE)
        self.assertTrue(again.register("TWIN")["result"])
        self.assertEqual(self.shown()["owner"], "two")

    def test_flapping(self) -> None:
        """One device that comes again and again without a farewell is admitted each time."""
        for turn in range(12):
            client = self.device((self.one, self.two)[turn % 2].port, HERE)
            self.assertTrue(client.register("TWIN")["result"])
        self.assertIsNone(self.shown()["twins"])


class HalfOpen(TwinScene):
    """The connection of the one that is heard is dead, and nobody knows."""

    def test_dead_holder(self) -> None:
        """It is asked for a sign of life at once, and cut; then the other comes in."""
        line = RealLink(self.one.port).start()
        self.addCleanup(line.remove)
        # a line hides where it comes from: all of it looks like HERE
        _, other = self.quarrel(line.port)
        self.assertTrue(self.shown()["online"])
        line.fall_silent()
        self.assertFalse(other.register("TWIN")["result"])
        self.assertEqual(other.closed(4 * ANSWER_SECONDS), GOING_AWAY)
        again = self.device(self.two.port, THERE)
        self.assertTrue(again.register("TWIN")["result"])
        wait_until(lambda: self.shown()["owner"] == "two", "it is here")
        self.assertIn("cut off: silent", self.one.said())


class Pinned(TwinScene):
    """Another device, that waits in quarantine."""

    def test_approved(self) -> None:
        """When it is approved, the running connection of the one that loses its place ends at once, and the
        other is told to come again."""
        old, new = self.device(self.one.port, HERE), self.device(self.two.port, THERE)
        self.assertTrue(old.register("TWIN")["result"])
        reg = {"cmd": "reg", "sn": "TWIN", "cpusn": "another board", "devinfo": {}}
        self.assertFalse(new.ask(**reg)["result"])
        self.assertEqual(self.two.patch("/terminals/TWIN", {"admission": "approved"})[0], 200)
        self.assertEqual((old.closed(), new.closed()), (POLICY, GOING_AWAY))
        self.assertTrue(self.device(self.two.port, THERE).ask(**reg)["result"])
        self.assertFalse(self.device(self.one.port, HERE).register("TWIN")["result"])
        self.assertEqual((self.shown()["online"], self.shown()["owner"]), (True, "two"))
