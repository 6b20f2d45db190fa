"""Openings and messages made to hurt, said to a real process: what each costs, and that others are served."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.real.client import PING, PONG, TEXT, Lost, RealClient, frame, log
from tests.real.process import resident_bytes
from tests.real.scene import DAY, OPEN, Scene
from tests.real.server import RealServer
from tests.real.store import SECONDS, wait_until

MEGABYTE: Final = 1 << 20
LARGEST: Final = 4 * MEGABYTE
UPGRADE: Final = (
    b"GET /pub/chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)
OPENINGS: Final = {
    "no end of the header": b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 200_000,
    "no end of a line": b"GET /" + b"a" * MEGABYTE,
    "no line": b"\x00" * MEGABYTE,
    "empty lines": b"\r\n" * 500_000,
    "as many headers as fit": UPGRADE + b"a:\r\n" * 3900 + b"\r\n",
    "one header again and again": UPGRADE + b"Host: a\r\n" * 1700 + b"\r\n",
    "extensions without end": UPGRADE
    + b"Sec-WebSocket-Extensions: "
    + b"permessage-deflate;a=b," * 650
    + b"\r\n\r\n",
    "parts of an extension": UPGRADE + b"Sec-WebSocket-Extensions: " + b"a;" * 7900 + b"\r\n\r\n",
    "protocols without end": UPGRADE + b"Sec-WebSocket-Protocol: " + b"a," * 7900 + b"\r\n\r\n",
    "blanks in a header": UPGRADE + b"Pragma: " + b" " * 16_000 + b"\x01\r\n\r\n",
    "proxies without end": UPGRADE + b"X-Forwarded-For: " + b"127.0.0.1," * 1580 + b"\r\n\r\n",
    "a key of its own": UPGRADE.replace(b"dGhl", b"d" * 12_000) + b"\r\n",
    "a path without end": UPGRADE.replace(b"/pub/chat", b"/%2e" * 3900) + b"\r\n",
    "a query without end": UPGRADE.replace(b"/pub/chat", b"/?a=b" + b"&a=b" * 3800) + b"\r\n",
    "an origin of brackets": UPGRADE + b"Origin: http://" + b"[" * 15_000 + b"\r\n\r\n",
}


def filled(start: bytes, part: bytes, end: bytes) -> bytes:
    """A message of the largest size that is one part again and again."""
    return start + part * ((LARGEST - len(start) - len(end)) // len(part)) + end


PAGE: Final = b'{"cmd":"sendlog","count":1,"record":['
MESSAGES: Final = {
    "lists in lists": filled(b'{"cmd":"sendlog","record":', b"[", b""),
    "objects in objects": filled(b'{"cmd":"sendlog","record":', b'{"a":', b""),
    "a number of millions of digits": filled(b'{"cmd":"sendlog","count":', b"9", b"}"),
    "a person of millions of digits": filled(PAGE + b'{"enrollid":', b"9", b"}]}"),
    "numbers beyond all floats": filled(PAGE, b'{"enrollid":1e999999},', b"{}]}"),
    "long numbers": filled(PAGE, b'{"enrollid":' + b"9" * 4000 + b"},", b"{}]}"),
    "one name again and again": filled(b'{"cmd":"sendlog",', b'"record":"",', b'"a":1}'),
    "names without end": b'{"cmd":"reg","devinfo":{'
    + b",".join(b'"k%d":1' % n for n in range(330_000))
    + b"}}",
    "names to be mended": b'{"cmd":"sendlog",' + b",".join(b'"k%d":1' % n for n in range(330_000)) + b",}",
    "halves of letters": filled(PAGE, b'{"a":"\\ud800"},', b"{}]}"),
    "a text of halves of letters": filled(b'{"cmd":"sendlog","sn":"', b"\\ud800", b'"}'),
    "NUL": filled(b'{"cmd":"sendlog","sn":"', b"\x00", b'"}'),
    "empty records": filled(PAGE, b"{},", b"{}]}"),
    "records that are none": filled(PAGE, b"0,", b"0]}"),
    "braces": b"{" * LARGEST,
    "no letters": b"\xff" * LARGEST,
    "a word without end": filled(b'{"cmd":"', b"a", b'"}'),
}
MOST_SECONDS: Final = 1.5
"""CPU that one message of four megabytes may take; a tenth of it for what a stranger says. The machine that
tests may be three times slower than it was when this was written, where the worst took 0.4 s."""
ROOM: Final = 150 * MEGABYTE


class Hostile(Scene):
    """One server, and one honest terminal."""

    def setUp(self) -> None:
        """Both are there."""
        self.patch(
            RealServer, "settings", "limits: {trusted_proxies: [127.0.0.0/8]}\npunches: {quarantine: 500000}"
        )
        self.here = self.server(*OPEN, store=self.store())
        self.honest = self.client(self.here, "HONEST")
        self.number = 0

    def cpu(self) -> float:
        """Seconds of CPU that the server used so far."""
        fields = Path(f"/proc/{self.here.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def spent(self, before: float) -> float:
        """What it used since, once it serves the honest terminal."""
        wait_until(self.is_served, "the honest terminal is served")
        return self.cpu() - before

    def is_served(self) -> bool:
        """Whether the honest terminal gets a punch through now."""
        self.number += 1
        answer = self.honest.ask(
            cmd="sendlog", count=1, logindex=self.number, record=[log(1, f"{DAY} 08:00:00")]
        )
        return bool(answer["result"] and answer["logindex"] == self.number)

    def dialled(self) -> socket.socket:
        """A connection of somebody."""
        made = socket.create_connection(("127.0.0.1", self.here.port), SECONDS)
        self.addCleanup(made.close)
        return made

    def costly(self, costs: dict[str, float], most: float) -> dict[str, float]:
        """Those that cost more than they may."""
        return {name: cost for name, cost in costs.items() if cost > most}


class OpeningTests(Hostile):
    """Before there is a WebSocket."""

    def test_openings(self) -> None:
        """None of them costs more than a moment, opens compression, or leaves memory behind."""
        before = resident_bytes(self.here.pid)
        costs: dict[str, float] = {}
        for name, opening in OPENINGS.items():
            began = self.cpu()
            answer = self.said_to(opening)
            costs[name] = self.spent(began)
            self.assertNotIn(b"deflate", answer, name)
        self.assertEqual(self.costly(costs, MOST_SECONDS / 10), {})
        self.assertLess(resident_bytes(self.here.pid) - before, ROOM)

    def said_to(self, opening: bytes) -> bytes:
        """What comes back first."""
        somebody = self.dialled()
        try:
            somebody.sendall(opening)
            somebody.shutdown(socket.SHUT_WR)
            return somebody.recv(1 << 16)
        except OSError:
            return b""

    def test_unfinished(self) -> None:
        """Handshakes that are never finished keep nobody from being served."""
        began = self.cpu()
        slow = [self.dialled() for _ in range(300)]
        for part in (b"GET / HT", b"TP/1.1\r\n", b"Host: a\r\n"):
            for somebody in slow:
                somebody.sendall(part)
        self.assertTrue(self.client(self.here, "ANOTHER"))
        self.assertLess(self.spent(began), MOST_SECONDS)


class MessageTests(Hostile):
    """Behind the handshake."""

    def said(self, teller: RealClient, data: bytes) -> None:
        """Say it and see that it was taken, whatever comes of it."""
        try:
            teller.write(data)
            teller.ask(cmd="heartbeat")
        except (Lost, OSError):
            return

    def asked(self, is_admitted: bool) -> Iterator[tuple[str, float]]:
        """What each message costs."""
        for name, message in MESSAGES.items():
            teller = self.client(self.here, "TELLER" if is_admitted else "")
            began = self.cpu()
            self.said(teller, frame(message))
            yield name, self.spent(began)
            teller.shut()

    def test_of_a_stranger(self) -> None:
        """What a stranger says at length is not read."""
        self.assertEqual(self.costly(dict(self.asked(False)), MOST_SECONDS / 10), {})

    def test_of_a_terminal(self) -> None:
        """What a terminal says is read if it can be, and takes no longer than what is honest and as long."""
        before = resident_bytes(self.here.pid)
        self.assertEqual(self.costly(dict(self.asked(True)), MOST_SECONDS), {})
        self.assertLess(resident_bytes(self.here.pid) - before, 2 * ROOM)
        self.assertNotIn("Traceback", self.here.said())

    def test_frames(self) -> None:
        """Floods of control frames and of pieces are taken in passing; what breaks the rules ends."""
        floods = {
            "pings": frame(b"", PING) * 20_000,
            "pongs": frame(b"x" * 125, PONG) * 20_000,
            "pieces": frame(b"", TEXT, False) + frame(b"", 0, False) * 20_000,
            "a length beyond all": b"\x81\xff\x7f" + b"\xff" * 11,
            "compressed": b"\xc1\x80" + bytes(4),
            "no mask": b"\x81\x01x",
            "a long ping": b"\x89\xfe\x01\x00" + bytes(260),
            "texts of nothing": frame(b"", TEXT) * 20_000,
        }
        costs = {}
        for name, flood in floods.items():
            began = self.cpu()
            self.said(self.client(self.here, "TELLER"), flood)
            costs[name] = self.spent(began)
        self.assertEqual(self.costly(costs, 2 * MOST_SECONDS), {})
