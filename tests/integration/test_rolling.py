"""A rolling restart: three processes behind a load balancer, each is ended and started again under load."""

from __future__ import annotations

import signal
from typing import Any

from tests.real.balancer import Balancer
from tests.real.giving import Giver, unordered
from tests.real.placed import PlacedServer
from tests.real.process import free_port
from tests.real.scene import Scene
from tests.real.simulator import RealSimulator, faults
from tests.real.store import wait_until

SETTINGS = """
admission: {policy: open}
catchup: {enabled: false}
limits: {trusted_proxies: [127.0.0.1], spread_seconds: 2}
"""
TERMINALS = 120
LOAD = ("--terminals", str(TERMINALS), "--backlog", "3", "--rate", "120", "--seconds", "100000", "--wait-ack")
ORDERED = ("opendoor", "enabledevice", "gettime")
"""Doors, what is done at most once, and what may be done again; nothing after which a terminal is away."""
NAMES = ("one", "two", "three")
BACK = 30.0
"""Seconds within which everybody is back."""
BETWEEN = 150
"""Punches that are acknowledged between two restarts."""


class Rolling(Scene):
    """Three processes on one store."""

    def setUp(self) -> None:
        self.redis = self.store()
        self.settings = self.file("settings.yaml", SETTINGS)
        starting = [self.meanwhile(self.process, name) for name in NAMES]
        self.servers = [each.result() for each in starting]
        places = [(server.port, server.http) for server in self.servers]
        self.balancer = Balancer("haproxy", places)
        self.addCleanup(self.balancer.remove)
        self.balancer.start()

    def process(self, name: str) -> PlacedServer:
        """A running process that people find again at the same place, too."""
        people = ("--http", f"tcp:{free_port()}:interface=127.0.0.1")
        return self.server("-c", self.settings, "--instance", name, *people, store=self.redis)

    def online(self, by: PlacedServer) -> list[dict[str, Any]]:
        """The terminals that are connected somewhere."""
        status, body = by.get("/terminals?state=online&limit=1000")
        return list(body["terminals"]) if status == 200 else []

    def until_all_are_back(self, by: PlacedServer) -> None:
        """Wait until every terminal is online."""
        wait_until(lambda: len(self.online(by)) == TERMINALS, "everybody is back", BACK)

    def until_more(self, simulator: RealSimulator, more: int) -> None:
        """Wait until so many more punches are acknowledged."""
        before = simulator.acked().total()
        wait_until(lambda: simulator.acked().total() >= before + more, "punches are acknowledged", BACK)

    def ask(self, path: str, body: Any) -> tuple[int, Any]:
        """A request to the first process that answers, as people do it through the balancer."""
        for server in self.servers:
            status, answer = server.post(path, body)
            if status:
                return status, answer
        return 0, None

    def restart(self, server: PlacedServer) -> None:
        """End it as a service manager does, and start it again."""
        server.stop_later()
        self.assertIn(server.wait(), (0, -signal.SIGTERM), server.said())
        self.assertIn("connections are let go over", server.said())
        self.assertNotIn("Traceback", server.said())
        server.start()

    def test_rolling_restart(self) -> None:
        """No acknowledged punch is lost or doubled, no command is done twice or late, all come back."""
        url = f"ws://127.0.0.1:{self.balancer.terminals_port}/pub/chat"
        simulator = RealSimulator(url, *LOAD).write_obeyed()
        self.addCleanup(simulator.remove)
        simulator.start()
        self.until_all_are_back(self.servers[0])
        numbers = [str(row["sn"]) for row in self.online(self.servers[0])]
        giver = Giver(self.ask, numbers, 7, ORDERED).start()
        self.addCleanup(giver.stop)
        for server in self.servers:
            self.until_more(simulator, BETWEEN)
            self.restart(server)
            self.until_all_are_back(server)
        self.until_more(simulator, BETWEEN)
        given = giver.stop()
        ends = {order.id: self.ended(self.servers[0], order.id)["state"] for order in given if order.id}
        report = simulator.interrupt()
        self.assertEqual(report["complaints"], {})
        obeyed = simulator.obeyed()
        for cmd in ("opendoor", "enabledevice"):
            self.assertTrue([line for line in obeyed if line["cmd"] == cmd])
            self.assertEqual(unordered(given, ends, obeyed, cmd), {})
        for server in self.servers:
            self.assertEqual(faults(simulator.acked(), server.punches()), {})
