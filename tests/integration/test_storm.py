"""Many at once, and one that takes no answers: all are served, and memory has a bound."""

from __future__ import annotations

import contextlib
import socket

from tests.real.client import PING, RealClient, frame, log
from tests.real.placed import PlacedServer
from tests.real.process import resident_bytes
from tests.real.scene import DAY, OPEN, Scene
from tests.real.store import wait_until

MEGABYTE = 1 << 20
ROOM = 48 * MEGABYTE
"""How much a server may grow by one connection that does it wrong."""
FLOOD = 96 * MEGABYTE


class Storm(Scene):
    """Many terminals."""

    def test_five_hundred_at_once(self) -> None:
        """All terminals of a site come back in one moment: all are registered, nothing is lost."""
        server = self.server(*OPEN, store=self.store())
        load = ("--terminals", "500", "--backlog", "4", "--rate", "50", "--seconds", "2", "--wait-ack")
        report = self.assert_all_well(self.simulator(server, *load, "--users", "3"), server)
        self.assertEqual(report["terminals"], 500)
        self.assertEqual(report["online"], 500)
        self.assertEqual(report["rejections"], {})

    def test_they_come_again_after_a_restart(self) -> None:
        """After a kill all terminals come back at once, and go on where they were."""
        server = self.server(*OPEN, store=self.store())
        load = ("--terminals", "200", "--backlog", "4", "--rate", "50", "--seconds", "4", "--wait-ack")
        simulator = self.simulator(server, *load)
        wait_until(lambda: len(simulator.acked()) >= 500, "there is load")
        server.kill()
        server.start()
        report = self.assert_all_well(simulator, server)
        self.assertEqual(report["online"], 200)


class Hostile(Scene):
    """One connection that does it wrong, and another that must not suffer."""

    def setUp(self) -> None:
        self.here: PlacedServer = self.server(*OPEN, store=self.store())
        self.good = self.client(self.here, "GOOD")
        self.serves(0)

    def serves(self, turn: int) -> None:
        """The good terminal gets its punch through, perhaps not at the first try."""
        wait_until(lambda: self._tries(turn), "the others are served")

    def _tries(self, turn: int) -> bool:
        answer = self.good.ask(
            cmd="sendlog", count=1, logindex=turn, record=[log(1, f"{DAY} 08:00:{turn:02}")]
        )
        return bool(answer["result"])

    def pour(self, client: socket.socket, chunk: bytes, fill: int = FLOOD) -> None:
        """Send that again and again until the server takes no more, ends it, or has had its fill."""
        client.settimeout(1)
        sent = 0
        with contextlib.suppress(OSError):
            while sent < fill:
                sent += client.send(chunk)

    def assert_bounded(self, client: RealClient, chunk: bytes, fill: int = FLOOD) -> None:
        """The flood neither fills the memory nor stops the others."""
        before = resident_bytes(self.here.pid)
        self.pour(client.socket, chunk, fill)
        self.serves(1)
        self.assertLess(resident_bytes(self.here.pid) - before, ROOM)
        client.shut()
        self.serves(2)

    def test_unread_answers(self) -> None:
        """A terminal that sends requests and never reads the answers."""
        self.assert_bounded(self.client(self.here, "BAD"), frame(b'{"cmd":"' + b"x" * 50 + b'"}') * 500)

    def test_unread_answers_before_reg(self) -> None:
        """The same from somebody who never registered."""
        self.assert_bounded(self.client(self.here), frame(b'{"cmd":"sendlog","record":[]}') * 500)

    def test_unread_pongs(self) -> None:
        """A terminal that pings without end and reads no pongs."""
        self.assert_bounded(self.client(self.here, "BAD"), frame(b"x" * 120, PING) * 500)

    def test_endless_header(self) -> None:
        """A handshake whose header never ends."""
        client = socket.create_connection(("127.0.0.1", self.here.port))
        self.addCleanup(client.close)
        client.sendall(b"GET /pub/chat HTTP/1.1\r\n")
        before = resident_bytes(self.here.pid)
        self.pour(client, b"X-Long: " + b"a" * 60_000 + b"\r\n")
        self.serves(1)
        self.assertLess(resident_bytes(self.here.pid) - before, ROOM)

    def test_endless_message(self) -> None:
        """A message in ever more fragments, of a byte each and of none, has an end."""
        for piece in (b"x", b""):
            client = self.client(self.here)
            client.write(frame(b"{", 1, final=False))
            self.assert_bounded(client, frame(piece, 0, final=False) * 5000, 2 * MEGABYTE)

    def test_message_beyond_the_bound(self) -> None:
        """A message of more than 4 MiB is refused before it was read."""
        client = self.client(self.here, "BIG")
        self.assertEqual(self._closed_after(client, frame(b"x" * (4 * MEGABYTE + 1))[:100]), 1009)
        self.serves(1)

    def _closed_after(self, client: RealClient, data: bytes) -> int | None:
        client.write(data)
        return client.closed()

    def test_string_without_end(self) -> None:
        """A frame of megabytes that is hard to mend does not hold the others up."""
        for text in (
            b'{"a":"' + b'\\"' * 500_000,
            b'{"a":' + b"[" * MEGABYTE,
            b"{" + b'"a":1,,' * 200_000,
            b"," * MEGABYTE,
        ):
            client = self.client(self.here)
            client.write(frame(text))
            self.serves(1)
            client.shut()

    def test_identity_without_end(self) -> None:
        """What an unknown terminal tells of itself takes little room in the store."""
        store = self.here._store
        assert store is not None
        text = "x" * 700_000
        client = self.client(self.here)
        client.ask(cmd="reg", sn="HUGE", cpusn=text, devinfo={"mac": text, "modelname": text, text: 1})
        used = store.ask("MEMORY USAGE tf:terminal:HUGE").strip().removeprefix(":")
        self.assertLess(int(used) if used.isdigit() else 0, 64 * 1024)

    def test_raw_connections(self) -> None:
        """Connections that say nothing do not keep terminals out."""
        for _ in range(100):
            silent = socket.create_connection(("127.0.0.1", self.here.port))
            self.addCleanup(silent.close)
        self.client(self.here, "STILL")
        self.serves(1)
