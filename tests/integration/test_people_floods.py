"""Floods at the people's side of a real process, byte by byte, while a terminal pushes its punches."""

from __future__ import annotations

import contextlib
import http.client
import json
import selectors
import socket
import threading
import time
from typing import Any

from tests.real.client import log
from tests.real.scene import DAY, OPEN, Scene
from tests.real.store import SECONDS, wait_until

SETTINGS = """
admission: {policy: open}
catchup: {enabled: false}
http: {connections: 80, wrong_tokens: 5, requests_per_second: 1000}
limits: {exempt: [127.0.0.1/32]}
"""
SHARE = 20
BAD, GOOD = "127.0.0.2", "127.0.0.3"
GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"


class Pushing:
    """A terminal that pushes one punch after another, each once the one before is acknowledged."""

    def __init__(self, terminal: Any) -> None:
        self.acked = 0
        self.refused: list[Any] = []
        self._terminal = terminal
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._push, daemon=True)
        self._thread.start()

    def _push(self) -> None:
        while not self._over.is_set():
            at = f"{DAY} {self.acked // 3600 % 24:02}:{self.acked // 60 % 60:02}:{self.acked % 60:02}"
            answer = self._terminal.ask(cmd="sendlog", count=1, record=[log(1 + self.acked // 86_400, at)])
            if not answer["result"]:
                self.refused.append(answer)
            self.acked += 1

    def goes_on(self) -> None:
        """Wait until it was answered again, more than once."""
        before = self.acked
        wait_until(lambda: self.acked > before + 2, "punches are acknowledged")

    def stop(self) -> None:
        """No more."""
        self._over.set()
        self._thread.join(SECONDS)


class Floods(Scene):
    """One server, one honest terminal, and one address that means ill."""

    def setUp(self) -> None:
        self.here = self.server("-c", self.file("settings.yaml", SETTINGS), *OPEN)
        self.pushing = Pushing(self.client(self.here, "HONEST"))
        self.addCleanup(self.pushing.stop)

    def connect(self, source: str = BAD) -> socket.socket:
        """A connection from an address."""
        peer = socket.create_connection(("127.0.0.1", self.here.http), SECONDS, (source, 0))
        self.addCleanup(peer.close)
        return peer

    def answer(self, peer: socket.socket) -> bytes:
        """All that comes until the server closes."""
        found = b""
        while True:
            try:
                more = peer.recv(65_536)
            except ConnectionError:
                return found
            if not more:
                return found
            found += more

    def say(self, *segments: bytes) -> bytes:
        """What comes back to these bytes on one connection."""
        peer = self.connect()
        for segment in segments:
            try:
                peer.sendall(segment)
            except ConnectionError:
                break
        return self.answer(peer)

    def ask(self, source: str = GOOD, token: str = "", path: str = "/api/v1/terminals") -> tuple[int, str]:
        """A whole request from an address: status, and when to come again."""
        asked = http.client.HTTPConnection("127.0.0.1", self.here.http, SECONDS, (source, 0))
        with_token = {"Authorization": f"Bearer {token or self.here.token}"}
        try:
            asked.request("GET", path, headers=with_token)
            answer = asked.getresponse()
            answer.read()
            return answer.status, answer.headers.get("Retry-After", "")
        finally:
            asked.close()

    def counted(self, why: str) -> float:
        """How many were refused for this reason."""
        _, text = self.here.get("/metrics")
        for line in str(text).splitlines():
            if line.startswith(f'tfserver_http_refused_total{{why="{why}"}}'):
                return float(line.split()[-1])
        return 0.0

    def well(self) -> None:
        """Everybody else is served, and nothing of it was our own mistake."""
        self.pushing.goes_on()
        self.assertEqual(self.ask()[0], 200)
        self.assertEqual(self.pushing.refused, [])
        self.assertNotIn("Traceback", self.here.said())
        self.assertNotIn("Unhandled", self.here.said())

    def test_silent_connections(self) -> None:
        """Connections that say nothing: an address has its share, is told so, and others are served."""
        peers = [self.connect() for _ in range(2 * SHARE)]
        told = [self.answer(peer) for peer in peers[SHARE:]]
        self.assertEqual({answer.split()[1] for answer in told}, {b"503"})
        self.assertIn(b"application/problem+json", told[0])
        self.well()
        self.assertEqual(self.counted("connections"), SHARE)
        for peer in peers[:SHARE]:
            self.assertEqual(self.answer(peer), b"", "who says nothing is let go in silence")
        self.assertEqual(self.say(GET + b"Connection: close\r\n\r\n").split()[1], b"200")

    def test_slow_heads(self) -> None:
        """Heads that come byte by byte are given up, however steadily they come."""
        peers = {self.connect(): b"" for _ in range(SHARE)}
        data = GET + b"X-A: " + b"a" * 8000
        left, sent = selectors.DefaultSelector(), 0
        for peer in peers:
            left.register(peer, selectors.EVENT_READ)
        deadline = time.monotonic() + 3 * SECONDS
        while left.get_map():
            self.assertLess(time.monotonic(), deadline, "some are still read from")
            for key in [key for key, _ in left.select(0.1)]:
                peer: Any = key.fileobj
                left.unregister(peer)
                peers[peer] = self.answer(peer)
            for key in list(left.get_map().values()):
                still: Any = key.fileobj
                with contextlib.suppress(OSError):  # it was given up since we looked; what was said comes yet
                    still.sendall(data[sent : sent + 1])
            sent += 1
        self.assertEqual({answer.split()[1] for answer in peers.values()}, {b"408"})
        self.assertEqual(self.counted("slow"), SHARE)
        self.well()

    def test_large_heads(self) -> None:
        """Heads without end, in bytes, lines and one line."""
        self.assertEqual(self.say(b"GET /" + b"a" * 1_000_000).split()[1], b"431")
        self.assertEqual(self.say(GET, *[b"X-A: %b\r\n" % (b"a" * 4000)] * 500).split()[1], b"400")
        self.assertEqual(self.say(GET, b"X: y\r\n" * 100_000).split()[1], b"400")
        self.well()

    def test_pipelined(self) -> None:
        """Ten thousand requests in one go are one request."""
        found = self.say((GET + b"\r\n") * 10_000)
        self.assertEqual(found.count(b"HTTP/1.1 200"), 1)
        self.well()

    def test_bodies(self) -> None:
        """Bodies of a byte a chunk, without end, and shorter than they say."""
        head = b"POST /api/v1/tokens HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        self.assertEqual(self.say(head, *[b"1\r\nx\r\n" * 1000] * 200).split()[1], b"413")
        self.assertEqual(self.say(head, *[b"10000\r\n" + b"x" * 65_536 + b"\r\n"] * 100).split()[1], b"413")
        peers = [self.connect() for _ in range(SHARE - 1)]
        for peer in peers:
            peer.sendall(b"POST /api/v1/tokens HTTP/1.1\r\nHost: x\r\nContent-Length: 500000\r\n\r\n{")
        self.well()

    def test_smuggling(self) -> None:
        """What could be read in two ways is read in none, and ends its connection."""
        smuggled = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
        for lines in (
            b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"Content-Length: 0\r\nContent-Length: 36\r\n\r\n",
            b"Transfer-Encoding: identity\r\nContent-Length: 0\r\n\r\n",
            b"Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n",
            b"Transfer-Encoding: chunked\r\n\r\n-0\r\n\r\n",
            b"Content-Length: 0\r\n X: folded\r\n\r\n",
            b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
        ):
            found = self.say(b"POST /healthz HTTP/1.1\r\nHost: x\r\n" + lines + smuggled)
            self.assertEqual(found.split()[1], b"400", lines)
            self.assertEqual(found.count(b"HTTP/1.1 "), 1, lines)
        self.assertEqual(self.say(b"GET /healthz HTTP/1.0\r\n\r\n" + smuggled).count(b"HTTP/1."), 1)
        self.well()

    def test_wrong_tokens(self) -> None:
        """Wrong tokens lock out their address, right ones from there as well, and nobody else."""
        self.assertEqual(self.ask(GOOD)[0], 200)
        self.assertEqual([self.ask(BAD, "tfs_wrong")[0] for _ in range(6)], [401] * 6)
        for token in ("tfs_wrong", self.here.token):
            status, again = self.ask(BAD, token)
            self.assertEqual(status, 429)
            self.assertTrue(1 <= int(again) <= 60, again)
        self.assertEqual(self.ask(GOOD)[0], 200)
        for _ in range(6):
            self.ask(GOOD, "tfs_wrong")
        self.assertEqual(self.ask(GOOD)[0], 200, "who was right from there goes on")
        self.assertEqual(self.ask(GOOD, "tfs_wrong")[0], 429)
        self.assertGreaterEqual(self.counted("locked out"), 3)
        self.assertEqual(self.here.said().count("too many wrong tokens"), 2)
        self.assertNotIn("tfs_wrong", self.here.said())
        self.well()


class Rates(Scene):
    """A token that asks too often."""

    def test_too_often(self) -> None:
        """It is refused at once, and learns when to come again; another is served."""
        settings = "http: {requests_per_second: 1}\n"
        here = self.server("-c", self.file("settings.yaml", settings), *OPEN)
        _, made = here.post("/tokens", {"name": "other", "role": "reader"})
        found = [here.exchange("GET", "/terminals", None) for _ in range(40)]
        refused = [answer for answer in found if answer.status == 429]
        self.assertTrue(refused)
        self.assertEqual({answer.status for answer in found}, {200, 429})
        self.assertTrue(refused[-1].headers["retry-after"].isdigit())
        self.assertIn("requests_per_second", json.dumps(refused[-1].body))
        other = {"authorization": f"Bearer {made['token']}"}
        self.assertEqual(here.get("/terminals", **other)[0], 200)
