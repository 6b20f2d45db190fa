"""More than there is room for: punches go first, the rest waits or is refused, memory has a ceiling."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.integration.test_without_shortcuts import NONE
from tests.real.client import PING, Lost, RealClient, frame, log
from tests.real.placed import PlacedServer
from tests.real.scene import DAY, OPEN, Scene
from tests.real.server import RealServer
from tests.real.store import wait_until

MEGABYTE = 1 << 20
BIG = frame(b'{"cmd":"senduser","name":"' + b"x" * (4 * MEGABYTE - 100))[:-1]
"""The longest message there is, but for its last byte."""
_AT_EASE: list[int] = []
NDJSON = "application/x-ndjson"


class OverloadScene(Scene):
    """A server with limits of its own, and a good terminal."""

    more = ""

    def begin(self, **limits: float) -> None:
        """Start it."""
        told = "".join(f"  {name}: {value}\n" for name, value in limits.items())
        self.patch(RealServer, "settings", f"limits:\n{told}catchup: {{enabled: false}}\n{self.more}")
        self.here: PlacedServer = self.server(*OPEN, store=self.store())
        self.good = self.client(self.here, "GOOD")
        self.punched = 0

    def punch(self) -> bool:
        """Whether a punch of the good terminal is acknowledged at its first try."""
        self.punched += 1
        when = f"{DAY} 08:{self.punched // 60:02}:{self.punched % 60:02}"
        answer = self.good.ask(cmd="sendlog", count=1, logindex=self.punched, record=[log(1, when)])
        return bool(answer["result"])

    def counted(self, name: str, **labels: str) -> float:
        """A line of the metrics, 0 when it is not there."""
        told = ",".join(f'{label}="{value}"' for label, value in labels.items())
        wanted = f"{name}{{{told}}} " if told else f"{name} "
        lines = str(self.here.get("/metrics")[1]).splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(wanted))

    def peak(self) -> int:
        """The most memory the server ever held."""
        lines = Path(f"/proc/{self.here.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))

    def at_ease(self) -> int:
        """What a server uses that has nothing to do, in MiB; looked at once."""
        if not _AT_EASE:
            self.begin()
            wait_until(lambda: self.counted("tfserver_memory_bytes") > MEGABYTE, "memory was measured")
            _AT_EASE.append(round(self.counted("tfserver_memory_bytes") / MEGABYTE))
        return _AT_EASE[0]


class MemoryTests(OverloadScene):
    """``limits.memory_mb``."""

    def connect(self) -> RealClient | None:
        """A connection, or None when it was refused in words."""
        try:
            return self.client(self.here)
        except AssertionError as refused:
            self.assertIn("503", str(refused))
            return None

    def test_unfinished_messages(self) -> None:
        """Many messages of 4 MiB that lack a byte: those who hold most are cut, punches are taken."""
        room = self.at_ease() + 60
        self.begin(memory_mb=room)
        connected = 0
        for _ in range(40):
            client = self.connect()
            if client is not None:
                connected += 1
                client.socket.settimeout(5)
                with contextlib.suppress(OSError):
                    client.socket.sendall(BIG)
            self.assertTrue(self.punch())
        self.assertLess(self.peak(), room * MEGABYTE)
        self.assertGreater(self.counted("tfserver_cut_off_total", why="memory"), 0)
        refused = self.counted("tfserver_turned_away_total", why="too little memory")
        self.assertEqual(connected + refused, 40)

    def test_all_at_once(self) -> None:
        """Readers who don't, writers who don't end and large exports together stay below the ceiling."""
        room = self.at_ease() + 60
        self.begin(memory_mb=room, messages_per_second=100_000)
        for turn in range(20):
            client = self.connect()
            if client is not None:
                client.socket.settimeout(1)
                flood = frame(b'{"cmd":"' + b"x" * 50 + b'"}') * 3000
                with contextlib.suppress(OSError):
                    client.socket.sendall(BIG if turn % 2 else flood)
            self._export()
            self.assertTrue(self.punch())
        self.assertLess(self.peak(), room * MEGABYTE)

    def _export(self) -> None:
        """Ask for all there is and read nothing of it."""
        asking = socket.create_connection(("127.0.0.1", self.here.http))
        self.addCleanup(asking.close)
        head = f"GET /api/v1/punches HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.here.token}\r\n"
        asking.sendall(f"{head}Accept: {NDJSON}\r\n\r\n".encode())

    def test_who_gives_way(self) -> None:
        """Near the ceiling users, pages, exports and streams are told to come again; punches are taken."""
        # 87 % of it are used by a server that has nothing to do
        self.begin(memory_mb=round(self.at_ease() / 0.87))
        wait_until(lambda: self.counted("tfserver_pressure") > 0.8, "memory was measured")
        user = {"cmd": "senduser", "enrollid": 7, "name": "Ana", "backupnum": 11}
        self.assertFalse(self.good.ask(**user, record=123)["result"])
        self.assertFalse(self.good.ask(**user, record=123, picture="x" * 200_000)["result"])
        self.assertTrue(self.punch())
        self.assertTrue(
            self.good.ask(cmd="sendlog", count=1, logindex=0, record=[self._pictured()])["result"]
        )
        for path, accepts in (("/punches", ""), ("/punches", NDJSON), ("/clock-report", ""), ("/stream", "")):
            answer = self.here.exchange("GET", path, None, accept=accepts)
            self.assertEqual((answer.status, answer.headers.get("retry-after")), (429, "2"), path)
        self.assertEqual(self.here.get("/terminals")[0], 200)
        self.assertTrue(self.client(self.here).register("NEW")["result"])
        self.assertEqual(self.counted("tfserver_yielded_total", what="senduser"), 1)

    def _pictured(self) -> dict[str, Any]:
        return log(1, f"{DAY} 09:00:00", image="x" * 200_000)

    def test_no_room_for_more(self) -> None:
        """At the ceiling nobody new is taken, in words, and whoever is there is served."""
        self.begin(memory_mb=self.at_ease() + 20)
        writer = self.client(self.here)
        held = frame(json.dumps({"cmd": "getting", "x": "x" * 500_000}).encode())[:-1]

        def is_full() -> bool:
            client = self.connect()
            if client is not None:
                client.write(held)
            return client is None

        wait_until(is_full, "somebody is refused")
        self.assertTrue(self.punch())
        writer.say(cmd="reg", sn="BEFORE")
        self.assertTrue(writer.answer_to("reg")["result"])


class StallTests(OverloadScene):
    """``limits.message_seconds`` and ``limits.unread_seconds``."""

    def setUp(self) -> None:
        self.begin(message_seconds=1, unread_seconds=1, messages_per_second=100_000)

    def is_cut(self, client: RealClient, act: Callable[[], None]) -> bool:
        """Whether the server ended it, while this is done again and again."""
        client.socket.settimeout(0.1)
        try:
            act()
            return client.socket.recv(1 << 16) == b""
        except TimeoutError:
            return False
        except (OSError, Lost):
            return True

    def test_message_without_end(self) -> None:
        """A message that does not become whole is cut, whatever pings come between."""
        client = self.client(self.here, "BAD")
        client.write(frame(b'{"cmd":', final=False))
        wait_until(lambda: self.is_cut(client, lambda: client.write(frame(b"", PING))), "it is cut")
        self.assertEqual(self.counted("tfserver_cut_off_total", why="unfinished message"), 1)
        self.assertTrue(self.punch())

    def test_frame_without_end(self) -> None:
        """So is a frame, byte by byte."""
        client = self.client(self.here, "BAD")
        client.write(frame(b'{"cmd":"' + b"x" * 5000)[:20])
        wait_until(lambda: self.is_cut(client, lambda: client.write(b"x")), "it is cut")
        self.assertTrue(self.punch())

    def test_unread(self) -> None:
        """Who does not read is cut when nothing more goes out to him."""
        client = self.client(self.here, "BAD")
        # what the system keeps for a reader counts as read
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        chunk = frame(b'{"cmd":"' + b"x" * 50 + b'"}') * 500
        client.socket.settimeout(1)

        def pour() -> bool:
            try:
                client.socket.send(chunk)
            except TimeoutError:
                return False
            except OSError:
                return True
            return False

        wait_until(pour, "it is cut")
        self.assertEqual(self.counted("tfserver_cut_off_total", why="unread answers"), 1)
        self.assertTrue(self.punch())


class PlainStallTests(StallTests):
    """The same on the common path, without any short cut."""

    more = NONE
