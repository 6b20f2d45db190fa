"""Three processes behind a balancer, a primary store with replicas and sentinels, and everything is ended,
stopped, cut off and started again while terminals push and people order; then event by event is compared.

``python -m tests.integration.chaos --faults 500 --seed 3`` is the long way; the suite runs a few of one
seed (``test_chaos.py``). Which fault comes when follows from the seed alone, so that a run can be had again.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import signal
import sys
import tempfile
import time
import unittest
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final

from tests.real.balancer import Balancer
from tests.real.giving import Giver, unordered
from tests.real.link import RealLink
from tests.real.placed import PlacedServer, accepted_token
from tests.real.process import free_port
from tests.real.scene import Scene
from tests.real.sentinels import Node, RealReplicas
from tests.real.server import RealServer
from tests.real.simulator import RealSimulator, faults
from tests.real.store import wait_until

SETTINGS: Final = """
admission: {policy: open}
catchup: {enabled: false}
store: {acknowledge: replica}
limits: {trusted_proxies: [127.0.0.1], spread_seconds: 1}
"""
TERMINALS: Final = 30
LOAD: Final = (
    "--backlog",
    "5",
    "--rate",
    "60",
    "--seconds",
    "1000000",
    "--wait-ack",
    "--dialect",
    "documented",
)
ORDERED: Final = ("opendoor", "reboot", "gettime")
A_FAULT: Final = (20, 120)
"""So many punches are acknowledged between two faults."""
BACK: Final = 60.0
"""Seconds within which everything works again, whatever happened."""


class Chaos(Scene):
    """So many faults under load, by ``seed``."""

    most = 10
    seed = 1

    def setUp(self) -> None:
        self.chance = random.Random(self.seed)
        self.done: Counter[str] = Counter()
        self.told: list[str] = []
        self.redis = RealReplicas()
        self.addCleanup(self.redis.remove)
        self.redis.start()
        self.folder = tempfile.mkdtemp(prefix="tfa-")
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.token = accepted_token(self.redis.primary)
        self.servers = [self._process(name) for name in ("one", "two", "three")]
        self.links = [self._link(server) for server in self.servers]
        self.balancer = self._balancer()
        self.asking = RealServer()
        self.addCleanup(shutil.rmtree, self.asking.folder, True)
        self.asking.http, self.asking.token = self.balancer.http_port, self.token

    def run_through(self) -> dict[str, Any]:
        """Push and order, break, wait, compare; what was seen."""
        began = time.monotonic()
        simulator = self.simulator_now = self._simulator()
        numbers = [row["sn"] for row in self._terminals("online")]
        giver = Giver(self._ask, numbers, self.seed, ORDERED).start()
        for fault in self.chosen():
            self._let_pass()
            self.done[fault.__name__] += 1
            self.told.append(f"{time.monotonic() - began:7.1f} s  {fault.__name__}")
            fault()
        given = giver.stop()
        self._until_all_back()
        ends = {order.id: self._end(order.id) for order in given if order.id}
        report = simulator.interrupt()
        self.assertEqual(report["complaints"], {})
        obeyed = simulator.obeyed()
        for cmd in ("opendoor", "reboot"):
            self.assertEqual(unordered(given, ends, obeyed, cmd), {}, self._story())
        acked = simulator.acked()
        for server in self.servers:
            self.assertEqual(faults(acked, server.punches()), {}, self._story())
        return {
            "seed": self.seed,
            "seconds": round(time.monotonic() - began),
            "faults": dict(self.done),
            "acked": acked.total(),
            "orders": len(given),
            "ends": dict(Counter(ends.values())),
            "lost": 0,
            "doubled": 0,
            "stale": 0,
        }

    def chosen(self) -> Iterator[Callable[[], None]]:
        """As many as are wanted: every one in some order, and again in another one."""
        kinds = self.faults()
        order: list[Callable[[], None]] = []
        for _ in range(self.most):
            order = order or self.chance.sample(kinds, len(kinds))
            yield order.pop()

    def faults(self) -> list[Callable[[], None]]:
        """All that can go wrong."""
        processes = [self.kill_a_server, self.restart_a_server, self.stop_a_server_for_a_while]
        lines = [self.cut_a_line, self.silence_a_line, self.restart_the_balancer]
        stores = [self.kill_the_primary, self.stop_the_primary, self.kill_a_replica, self.kill_a_sentinel]
        return [*processes, *lines, *stores]

    def kill_a_server(self) -> None:
        """kill -9."""
        server = self.chance.choice(self.servers)
        server.kill()
        server.start()

    def restart_a_server(self) -> None:
        """As for a new version."""
        server = self.chance.choice(self.servers)
        server.stop()
        server.start()

    def stop_a_server_for_a_while(self) -> None:
        """SIGSTOP until its terminals are somewhere else, or were told to be."""
        server = self.chance.choice(self.servers)
        server.signal(signal.SIGSTOP)
        self._let_pass()
        server.signal(signal.SIGCONT)

    def cut_a_line(self) -> None:
        """Between the balancer and a process."""
        link = self.chance.choice(self.links)
        link.cut()
        self._let_pass()
        link.mend()

    def silence_a_line(self) -> None:
        """As when a cable was drawn: nobody is told."""
        link = self.chance.choice(self.links)
        link.fall_silent()
        self._let_pass()
        link.mend()

    def restart_the_balancer(self) -> None:
        """All terminals come back at once."""
        self.balancer.remove()
        self.balancer = self._balancer(self.balancer)

    def kill_the_primary(self) -> None:
        """kill -9; it comes back as a replica of the one that took over."""
        primary = self._primary()
        primary.kill()
        self._until_another(primary)
        primary.start()
        self._until_whole()

    def stop_the_primary(self) -> None:
        """SIGSTOP until another is the primary; then it wakes, and believes that it still is."""
        primary = self._primary()
        primary.pause()
        self._until_another(primary)
        primary.go_on()
        self._until_whole()

    def kill_a_replica(self) -> None:
        """kill -9; it comes back."""
        primary = self._primary()
        replica = self.chance.choice([node for node in self.redis.nodes if node is not primary])
        replica.kill()
        self._let_pass()
        replica.start()
        self._until_whole()

    def kill_a_sentinel(self) -> None:
        """kill -9; it comes back, and has to learn everything anew."""
        sentinel = self.chance.choice(self.redis.sentinels)
        sentinel.kill()
        self._let_pass()
        sentinel.spawn()
        wait_until(sentinel.is_ready, "the sentinel knows everybody", BACK)

    def _primary(self) -> Node:
        """Whom most sentinels name."""
        named: Counter[str] = Counter()
        for sentinel in self.redis.sentinels:
            told = sentinel.ask("SENTINEL GET-MASTER-ADDR-BY-NAME main").split("\r\n")
            named[told[4] if len(told) > 4 else ""] += 1
        [(port, count)] = named.most_common(1)
        assert port and count > 1, f"the sentinels don't agree: {named}"
        return next(node for node in self.redis.nodes if str(node.place) == port)

    def _until_another(self, primary: Node) -> None:
        wait_until(lambda: self._primary() is not primary, "the sentinels name another primary", BACK)

    def _until_whole(self) -> None:
        """All replicas follow the primary."""
        wait_until(lambda: self._primary().online() == len(self.redis.replicas), "the replicas follow", BACK)

    def _process(self, name: str) -> PlacedServer:
        """A process whose people's port stays the same too: the balancer asks there how it is."""
        place = f"tcp:{free_port()}:interface=127.0.0.1"
        file = self.file("settings.yaml", SETTINGS)
        options = ("-c", file, "--instance", name, "--http", place, "--redis", self.redis.url)
        server = self.unstarted(*options, "--data-dir", self.folder)
        server.token = self.token
        server.start()
        return server

    def _link(self, server: PlacedServer) -> RealLink:
        link = RealLink(server.port).start()
        self.addCleanup(link.remove)
        return link

    def _balancer(self, before: Balancer | None = None) -> Balancer:
        """In front of the lines; at the place of another one, if there was one."""
        ports = [(link.port, server.http) for link, server in zip(self.links, self.servers, strict=True)]
        balancer = Balancer("haproxy", ports)
        if before is not None:
            balancer.terminals_port, balancer.http_port = before.terminals_port, before.http_port
        self.addCleanup(balancer.remove)
        return balancer.start()

    def _simulator(self) -> RealSimulator:
        url = f"ws://127.0.0.1:{self.balancer.terminals_port}/pub/chat"
        simulator = RealSimulator(url, "--terminals", str(TERMINALS), *LOAD).write_obeyed()
        self.addCleanup(simulator.remove)
        simulator.start()
        wait_until(lambda: len(self._terminals("online")) == TERMINALS, "all terminals are there", BACK)
        return simulator

    def _until_all_back(self) -> None:
        try:
            wait_until(lambda: len(self._terminals("online")) == TERMINALS, "all terminals are back", BACK)
        except AssertionError as missing:
            away = [row["sn"] for row in self._terminals("offline")]
            raise AssertionError(f"{missing}; offline: {away}; {self._story()}") from missing

    def _let_pass(self) -> None:
        """Wait for some more punches: whatever is broken, the others go on."""
        wanted = self.simulator_now.acked().total() + self.chance.randint(*A_FAULT)
        wait_until(lambda: self.simulator_now.acked().total() >= wanted, self._story(), BACK)

    def _ask(self, path: str, body: Any) -> tuple[int, Any]:
        """Ask through the balancer."""
        return self.asking.post(path, body)

    def _terminals(self, state: str) -> list[dict[str, Any]]:
        """Terminals of that state, from any process that answers."""
        status, body = self.asking.get(f"/terminals?state={state}&limit=1000")
        return list(body["terminals"]) if status == 200 else []

    def _end(self, order_id: str) -> str:
        """How an order ended; every one does."""
        return str(self.ended(self.asking, order_id)["state"])

    def _story(self) -> str:
        return f"seed {self.seed}:\n" + "\n".join(self.told)


def main() -> int:
    """The long way; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--faults", type=int, default=500)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    given = parser.parse_args()

    class Long(Chaos):
        """As long as was asked for."""

        most, seed = given.faults, given.seed
        timeout = 86_400

        def test_long(self) -> None:
            """Everything breaks for long."""
            sys.stdout.write(json.dumps(self.run_through(), indent=2) + "\n")

    sys.stdout.write(f"seed {given.seed}, {given.faults} faults\n")
    found = unittest.TextTestRunner().run(Long("test_long"))
    return 0 if found.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
