"""Who is let in: networks of sites, secret paths, load balancers that are believed, and rates."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

from tests.real.client import Lost, RealClient, frame, log
from tests.real.placed import PlacedServer
from tests.real.process import free_port
from tests.real.scene import DAY, OPEN, Scene
from tests.real.server import RealServer
from tests.real.store import SECONDS, wait_until

SN = "ZXDM26010042"
SETTINGS = """
limits:
  exempt: []
  trusted_proxies: [127.0.0.2/32]
admission:
  networks:
    north: [192.0.2.0/24]
"""


class DoorScene(Scene):
    """A server that believes 127.0.0.2 alone, and exempts nobody."""

    settings = SETTINGS

    def setUp(self) -> Any:
        """Settings for all servers of this test."""
        self.patch(RealServer, "settings", self.settings)
        return super().setUp()

    def behind(self, port: int, address: str, **more: Any) -> RealClient:
        """A connection of a terminal through the balancer."""
        headers = f"X-Forwarded-For: {address}\r\n"
        client = RealClient(port, source="127.0.0.2", headers=headers, **more)
        self.addCleanup(client.shut)
        return client

    def counted(self, server: PlacedServer, why: str) -> int:
        """How many were turned away for this reason."""
        told = server.get("/metrics")[1]
        line = f'tfserver_turned_away_total{{why="{why}"}} '
        return sum(int(float(row.removeprefix(line))) for row in told.splitlines() if row.startswith(line))


class PlaceTests(DoorScene):
    """Where terminals come from."""

    def test_networks(self) -> None:
        """A terminal of a site is heard from the site's networks only; who claims its number from elsewhere
        is refused and told of, and takes nothing away from it."""
        server = self.server(*OPEN, store=self.store())
        real = self.behind(server.port, "192.0.2.7")
        self.assertTrue(real.register(SN)["result"])
        self.assertEqual(server.patch(f"/terminals/{SN}", {"site": "north"})[0], 200)
        for address in ("198.51.100.9", "127.0.0.2"):
            refused = self.behind(server.port, address).register(SN)
            self.assertEqual((refused["result"], refused["reason"]), (False, "Not from this network"))
        self.assertTrue(real.ask(cmd="sendlog", record=[log(1, f"{DAY} 08:00:00")])["result"])
        self.assertTrue(server.get(f"/terminals/{SN}")[1]["online"])
        self.assertEqual(self.counted(server, "Not from this network"), 2)
        self.assertIn("198.51.100.9", server.said())
        self.assertTrue(self.behind(server.port, "192.0.2.8").register(SN)["result"])

    def test_only_trusted(self) -> None:
        """Who is no trusted proxy can't choose where it comes from."""
        server = self.server(*OPEN, store=self.store())
        self.behind(server.port, "192.0.2.7").register(SN)
        server.patch(f"/terminals/{SN}", {"site": "north"})
        liar = RealClient(server.port, source="127.0.0.3", headers="X-Forwarded-For: 192.0.2.7\r\n")
        self.addCleanup(liar.shut)
        self.assertFalse(liar.register(SN)["result"])

    def test_proxy_protocol(self) -> None:
        """An endpoint for the PROXY protocol takes trusted proxies alone, with all short cuts, and the
        address in front of a connection is the terminal's."""
        port = free_port()
        server = self.server(
            "--terminals", f"haproxy:tcp:{port}:interface=127.0.0.1", *OPEN, store=self.store()
        )
        self.assertNotIn("is not plain TCP", server.said())
        client = RealClient(port, b"PROXY TCP4 192.0.2.7 127.0.0.1 40000 1\r\n", source="127.0.0.2")
        self.addCleanup(client.shut)
        self.assertTrue(client.register(SN)["result"])
        server.patch(f"/terminals/{SN}", {"site": "north"})
        self.assertTrue(client.register(SN)["result"])
        with self.assertRaises((Lost, OSError)):
            RealClient(port, b"PROXY TCP4 192.0.2.7 127.0.0.1 4 1\r\n", source="127.0.0.3")
        self.assertEqual(self.counted(server, "not a trusted proxy"), 1)

    def test_proxy_protocol_for_people(self) -> None:
        """The people's side takes such an endpoint too."""
        place = f"haproxy:tcp:{free_port()}:interface=127.0.0.1"
        server = self.server("--http", place, *OPEN, store=self.store())
        for source, is_heard in (("127.0.0.2", True), ("127.0.0.3", False)):
            asked = socket.create_connection(("127.0.0.1", server.http), SECONDS, (source, 0))
            self.addCleanup(asked.close)
            line = b"PROXY TCP4 192.0.2.7 127.0.0.1 40000 1\r\n"
            try:
                asked.sendall(line + b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                answer = asked.recv(4096)
            except OSError:
                answer = b""
            self.assertEqual(answer[:15], b"HTTP/1.1 200 OK" if is_heard else b"")

    def test_nobody_trusted(self) -> None:
        """Without trusted proxies such an endpoint is no use, and the start says so."""
        self.patch(RealServer, "settings", "")
        server = self.unstarted("--terminals", "haproxy:tcp:0:interface=127.0.0.1", *OPEN, store=self.store())
        self.assertEqual(server.spawn().wait(30), 1)
        self.assertIn("limits.trusted_proxies", server.said())


class PathTests(DoorScene):
    """Secret paths."""

    def test_secret_path(self) -> None:
        """A terminal that has a path is heard by that path only, and nobody sees which it is."""
        server = self.server(*OPEN, store=self.store())
        real = self.behind(server.port, "192.0.2.7")
        real.register(SN)
        status, made = server.post(f"/terminals/{SN}/path", {})
        self.assertEqual((status, made["sn"]), (201, SN))
        self.assertTrue(server.get(f"/terminals/{SN}")[1]["has_path"])
        guesses = ("/pub/chat", "/", "/" + "a" * 20, made["path"][:-1], made["path"] + "/x")
        for path in guesses:
            refused = self.behind(server.port, "192.0.2.9", path=path).register(SN)
            self.assertEqual((refused["result"], refused["reason"]), (False, "Wrong path"), path)
        self.assertTrue(server.get(f"/terminals/{SN}")[1]["online"])
        for path in (made["path"], f"/pub/chat{made['path']}", f"{made['path']}?a=b"):
            self.assertTrue(self.behind(server.port, "192.0.2.7", path=path).register(SN)["result"])
        self.assertEqual(self.counted(server, "Wrong path"), len(guesses))
        self._assert_hidden(server, made["path"].strip("/"))
        self.assertEqual(server.delete(f"/terminals/{SN}/path")[0], 204)
        self.assertTrue(self.behind(server.port, "192.0.2.7").register(SN)["result"])

    def _assert_hidden(self, server: PlacedServer, secret: str) -> None:
        """It stands in no log, metric, answer or key of the store."""
        assert server._store is not None
        for where in ("/terminals", f"/terminals/{SN}", "/audit", "/metrics", f"/terminals/{SN}/frames"):
            self.assertNotIn(secret, str(server.get(where)[1]), where)
        self.assertNotIn(secret, server.said())
        self.assertNotIn(secret, str(server._store.ask(f"HGETALL tf:terminal:{SN}")))
        files = [path for path in Path(server.folder).rglob("*") if path.is_file()]
        self.assertNotIn(secret.encode(), b"".join(path.read_bytes() for path in files))


class RateTests(DoorScene):
    """How often, and how fast."""

    settings = "limits: {exempt: [], handshakes_per_second: 1, messages_per_second: 5}"

    def test_handshakes(self) -> None:
        """An address that connects too often is refused in words; another is not concerned."""
        server = self.server(*OPEN, store=self.store())
        for _ in range(10):
            self.addCleanup(RealClient(server.port, source="127.0.0.4").shut)
        refused = self.assertRaises(AssertionError, RealClient, server.port, source="127.0.0.4")
        self.assertIn("503 too many new connections from this address", str(refused))
        self.addCleanup(RealClient(server.port, source="127.0.0.5").shut)
        self.assertGreaterEqual(self.counted(server, "too many new connections from this address"), 1)

    def test_messages(self) -> None:
        """One that speaks too fast is read more slowly and loses nothing."""
        server = self.server(*OPEN, store=self.store())
        client = RealClient(server.port, source="127.0.0.4")
        self.addCleanup(client.shut)
        client.register(SN)
        told = (
            {"cmd": "sendlog", "logindex": n, "record": [log(n, f"{DAY} 08:00:00")]} for n in range(1, 81)
        )
        client.write(b"".join(frame(json.dumps(one).encode()) for one in told))
        client.say(cmd="heartbeat")
        answers = [client.answer_to("sendlog") for _ in range(80)]
        self.assertEqual([answer["logindex"] for answer in answers], list(range(1, 81)))
        self.assertTrue(all(answer["result"] for answer in answers))
        self.assertTrue(client.answer_to("heartbeat")["result"])
        wait_until(lambda: len(server.punches()) == 80, "all punches are in the feed")
        self.assertIn('tfserver_notes_total{what="too many messages in a second"}', server.get("/metrics")[1])
