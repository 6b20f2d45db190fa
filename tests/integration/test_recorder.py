"""The flight recorders of two processes, asked over HTTP."""

from __future__ import annotations

import json
import socket
from typing import Any

from tests.real.client import QUIET, RealClient, log
from tests.real.placed import PlacedServer
from tests.real.scene import DAY, OPEN, Scene
from tests.real.store import wait_until

SECRET = "c4n4ry"


class RecorderTests(Scene):
    """What is remembered is told by any process."""

    def setUp(self) -> None:
        """Two processes on one store."""
        self.shared = self.store()
        self.here = self.server(*OPEN, store=self.shared)
        self.there = self.server(*OPEN, store=self.shared)

    def frames(self, server: PlacedServer, sn: str) -> list[dict[str, Any]]:
        """What a process tells of a terminal; all processes have answered."""
        status, found = server.get(f"/terminals/{sn}/frames")
        self.assertEqual((status, found.get("whole")), (200, True), found)
        rows: list[dict[str, Any]] = found["frames"]
        return rows

    def test_asked_at_another(self) -> None:
        """Both tell what a terminal of the one said and was told, also after it has gone."""
        terminal = self.quiet(self.there, "FAR")
        terminal.ask(cmd="sendlog", count=1, record=[log(7, f"{DAY} 08:00:00", image=SECRET)])
        for server in (self.here, self.there):
            rows = [(row["direction"], row["word"]) for row in self.frames(server, "far")]
            self.assertEqual(rows[:3], [("event", "connected"), ("in", "reg"), ("out", "reg")])
            self.assertIn(("in", "sendlog"), rows)
            self.assertIn(("out", "sendlog"), rows)
        terminal.shut()
        wait_until(lambda: self.frames(self.here, "FAR")[-1]["word"] == "closed", "its end is told")
        self.assertEqual(self.frames(self.here, "FAR")[-1]["content"]["by"], "terminal")

    def test_moved(self) -> None:
        """Of a terminal that went from one process to the other both parts are told, in their order."""
        self.client(self.there, "MOVES").shut()
        wait_until(lambda: self.frames(self.here, "MOVES")[-1]["word"] == "closed", "its end is told")
        self.client(self.here, "MOVES")
        rows = self.frames(self.there, "MOVES")
        self.assertEqual(len({row["process"] for row in rows}), 2)
        self.assertEqual([row["at"] for row in rows], sorted(row["at"] for row in rows))

    def test_private(self) -> None:
        """Nothing of a credential, a password, a token or a picture is told."""
        terminal = self.client(self.here)
        terminal.habits.update(QUIET)
        terminal.habits["setuserinfo"] = {}
        terminal.register("PRIV", wifi={"psk": SECRET}, token=SECRET)
        terminal.ask(cmd="senduser", enrollid=7, backupnum=10, record=SECRET, name="Ann")
        terminal.say(cmd="sendlog", record=[log(7, f"{DAY} 08:00:00", image=SECRET)], password=SECRET)
        terminal.answer_to("sendlog")
        ordering = self.meanwhile(
            self.order, self.there, "PRIV", "setuserinfo", enrollid=8, backupnum=10, record="90901234"
        )
        terminal.obey("setuserinfo")
        self.assertEqual(ordering.result()[0], 200)
        told = json.dumps(self.frames(self.there, "PRIV"))
        self.assertNotIn(SECRET, told)
        self.assertNotIn("90901234", told)
        for word in ("senduser", "setuserinfo", "sendlog"):
            self.assertIn(f'"{word}"', told)

    def test_refused(self) -> None:
        """A terminal that is not admitted is remembered too; of one that nobody knows there is nothing."""
        stranger = self.client(self.here)
        self.assertFalse(stranger.register("bad number!")["result"])
        closed = self.server(store=self.shared)
        waiting = closed.client()
        self.addCleanup(waiting.shut)
        self.assertFalse(waiting.register("WAITS")["result"])
        [_, heard, said] = self.frames(self.here, "WAITS")
        self.assertEqual((heard["word"], said["result"]), ("reg", False))
        self.assertEqual(said["content"]["reason"], "Waiting for approval")
        self.assertEqual(self.here.get("/terminals/NOBODY/frames")[0], 404)

    def test_handshakes(self) -> None:
        """What never became a WebSocket is told by address, with what it seems to be."""
        for said in (b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"hello\r\n"):
            with socket.create_connection(("127.0.0.1", self.there.port)) as peer:
                peer.sendall(said)
                if said.startswith(b"GET"):
                    self.assertTrue(peer.recv(100))

        def told() -> str:
            """The reasons."""
            return " ".join(row["why"] for row in self.here.get("/handshakes")[1]["handshakes"])

        wait_until(lambda: "no WebSocket handshake" in told(), "all are told")
        self.assertIn("it speaks TLS", told())
        self.assertIn("plain HTTP", told())

    def test_a_process_that_hangs(self) -> None:
        """One that does not answer is not waited for long, and it is said that something may be missing."""
        self.client(self.here, "NEAR")
        self.there.signal(19)
        self.addCleanup(self.there.signal, 18)
        status, found = self.here.get("/terminals/NEAR/frames")
        self.assertEqual((status, found["whole"]), (200, False))
        self.assertEqual([row["word"] for row in found["frames"]][:3], ["connected", "reg", "reg"])


class SwitchedOffTests(Scene):
    """Nothing is remembered where nobody wants it."""

    def test_none(self) -> None:
        """With ``log.recorder_frames: 0`` the answer is empty."""
        path = self.file("settings.yaml", "log:\n  recorder_frames: 0\nadmission:\n  policy: open\n")
        server = self.server("-c", path, store=self.store())
        terminal: RealClient = self.client(server, "PLAIN")
        terminal.ask(cmd="heartbeat")
        self.assertEqual(server.get("/terminals/PLAIN/frames")[1], {"frames": [], "whole": True})
