"""Processes on one store behind a balancer, with the files in ``etc/``: what holds for either balancer."""

from __future__ import annotations

import itertools
import shutil
import ssl
import tempfile
import urllib.error
import urllib.request
from collections import Counter
from typing import Any

from tests.delivery.certificates import Authority
from tests.real.balancer import ETC, Balancer, Kind
from tests.real.client import Lost, RealClient, log
from tests.real.placed import PlacedServer
from tests.real.process import free_port
from tests.real.scene import DAY, OPEN, Scene
from tests.real.simulator import RealSimulator
from tests.real.store import wait_until

FLEET = str(ETC / "fleet.yaml")
LOAD = ("--terminals", "60", "--backlog", "10", "--rate", "120", "--seconds", "8", "--wait-ack")
NAMES = ("one", "two", "three")
GOING_AWAY = 1001
BACK_SECONDS = 30.0
"""Within which everybody is back."""


class Behind(Scene):
    """Up to three processes that share store and archive, behind a balancer."""

    kind: Kind
    servers: list[PlacedServer]
    balancer: Balancer

    def fleet(self, number: int, certificate: str = "") -> None:
        """Start processes and the balancer in front of them."""
        redis = self.store()
        folder = tempfile.mkdtemp(prefix="tfa-")
        self.addCleanup(shutil.rmtree, folder, True)
        options = ("-c", FLEET, "--data-dir", folder, *OPEN)
        ports = [free_port() for _ in range(number)]
        self.servers = [
            self.unstarted(
                *options, "--instance", name, "--http", f"tcp:{port}:interface=127.0.0.1", store=redis
            )
            for name, port in zip(NAMES, ports, strict=False)
        ]
        # at the same time, as after a power cut: one of them makes the tables
        for starting in [self.meanwhile(server.start) for server in self.servers]:
            starting.result()
        places = [(server.port, server.http) for server in self.servers]
        self.balancer = Balancer(self.kind, places, certificate)
        self.addCleanup(self.balancer.remove)
        self.balancer.start()

    def through(self, sn: str = "", **how: Any) -> RealClient:
        """A connection through the balancer; with a serial number a registered one."""
        client = RealClient(self.balancer.terminals_port, **how)
        self.addCleanup(client.shut)
        if sn:
            self.assertTrue(client.register(sn)["result"])
        return client

    def asked(self, url: str, tls: ssl.SSLContext | None = None) -> int:
        """The status of a GET with a server's token."""
        try:
            with urllib.request.urlopen(self.request(url), timeout=20, context=tls) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code

    def request(self, url: str) -> urllib.request.Request:
        """A request with a server's token; a path alone is asked of the balancer."""
        base = "" if "://" in url else f"http://127.0.0.1:{self.balancer.http_port}"
        token = self.servers[0].token
        return urllib.request.Request(base + url, headers={"Authorization": f"Bearer {token}"})

    def owners(self, asked: PlacedServer) -> Counter[str | None]:
        """How many terminals are at which process."""
        status, body = asked.get("/terminals?limit=1000")
        self.assertEqual(status, 200, body)
        return Counter(row["owner"] for row in body["terminals"])

    def at(self, name: str, asked: PlacedServer) -> list[str]:
        """The terminals at a process."""
        rows = asked.get("/terminals?limit=1000")[1]["terminals"]
        return [row["sn"] for row in rows if row["owner"] == name]

    def test_killed_process(self) -> None:
        """A process dies under load: its terminals come back by the balancer, each punch is there once."""
        self.fleet(3)
        one, two, _ = self.servers
        url = f"ws://127.0.0.1:{self.balancer.terminals_port}/pub/chat"
        simulator = RealSimulator(url, *LOAD)
        self.addCleanup(simulator.remove)
        simulator.start()
        wait_until(lambda: len(simulator.acked()) > 100, "there is load")
        wait_until(lambda: self.owners(two)["one"] >= 10, "it has its share of the terminals")
        one.kill()
        wait_until(lambda: set(self.owners(two)) == {"two", "three"}, "they are back", BACK_SECONDS)
        self.assertEqual(self.owners(two).total(), 60)
        self.assert_all_well(simulator, two)

    def test_spread_and_drain(self) -> None:
        """Terminals go where the fewest are, none to a process that drains, and to it again afterwards."""
        self.fleet(3)
        one, two, _ = self.servers
        before = {f"BEFORE{n}": self.through(f"BEFORE{n}") for n in range(12)}
        self.assertEqual(self.owners(two), {"one": 4, "two": 4, "three": 4})
        for sn in self.at("three", two):
            before.pop(sn).shut()
        wait_until(lambda: not self.at("three", two), "the third process has nobody")
        before |= {f"MORE{n}": self.through(f"MORE{n}") for n in range(4)}
        self.assertEqual(len(self.at("three", two)), 4)
        one.stop_later()
        wait_until(lambda: one.get("/healthz")[0] in (503, 0), "it drains")
        after = [self.through(f"AFTER{n}") for n in range(12)]
        one.wait()
        self.assertEqual([code for code in map(end_of, before.values()) if code], [GOING_AWAY] * 4)
        shown = self.owners(two)
        self.assertEqual((shown["one"], shown["two"] + shown["three"]), (0, 20), shown)
        self.assertTrue(all(client.ask(cmd="heartbeat")["result"] for client in after))
        one.start()
        numbers = itertools.count()

        def again() -> bool:
            """Whether a terminal that connects now comes to the process."""
            sn = f"AGAIN{next(numbers)}"
            self.through(sn)
            return sn in self.at("one", two)

        wait_until(again, "terminals come to it again", BACK_SECONDS)

    def test_what_arrives(self) -> None:
        """Real addresses arrive and no made-up ones, events as they happen; nobody reads the counters."""
        self.fleet(1)
        self.through("PINNED", source="127.0.0.2")
        other = self.through(source="127.0.0.3", headers="X-Forwarded-For: 127.0.0.9\r\n")
        self.assertFalse(other.ask(cmd="reg", sn="PINNED", cpusn="another", devinfo={})["result"])
        claimants = self.servers[0].get("/quarantine")[1]["claimants"]
        self.assertEqual([claimant["address"] for claimant in claimants], ["127.0.0.3"])
        self.assertEqual((self.asked("/api/v1/terminals"), self.asked("/healthz")), (200, 200))
        hidden = ("/metrics", "//metrics", "/%6detrics", "/%2Fmetrics", "/metrics?x")
        self.assertEqual({path: self.asked(path) for path in hidden}, dict.fromkeys(hidden, 404))
        with urllib.request.urlopen(self.request("/api/v1/stream"), timeout=20) as stream:
            client = self.through("EVENT")
            record = log(7, f"{DAY} 08:00:00")
            self.assertTrue(client.ask(cmd="sendlog", count=1, record=[record])["result"])
            wait_until(lambda: stream.readline() == b"event: punch\n", "the punch is told")

    def test_secrets_and_tls(self) -> None:
        """Terminals and people come encrypted, too; no log shows a terminal's path, or a query of people."""
        authority = Authority()
        self.fleet(1, self.file("balancer.pem", authority.certificate("localhost").dumpPEM().decode()))
        tls = ssl.create_default_context(cadata=authority.pem.decode())
        client = RealClient(self.balancer.terminals_tls_port, tls=tls)
        self.addCleanup(client.shut)
        self.assertTrue(client.register("SECURE")["result"])
        people = f"https://localhost:{self.balancer.http_tls_port}/api/v1/terminals?site=canary"
        terminals = f"http://127.0.0.1:{self.balancer.terminals_port}/canary?canary"
        self.assertEqual((self.asked(people, tls), self.asked(terminals)), (200, 200))
        self.servers[0].kill()
        self.assertEqual({self.asked(people, tls), self.asked(terminals)} - {502, 503}, set())
        self.balancer.stop()
        said = self.balancer.said()
        self.assertEqual((" people " in said, " terminals " in said, "canary" in said), (True, True, False))


def end_of(client: RealClient) -> int | None:
    """The code a connection was closed with, None when it is open."""
    try:
        client.ask(cmd="heartbeat")
    except Lost as lost:
        return lost.code or -1
    return None
