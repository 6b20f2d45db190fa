"""``log.format: json`` of a whole process: every line is an object, whoever wrote it."""

from __future__ import annotations

import json
import socket
from typing import Any

from tests.real.client import QUIET, frame
from tests.real.scene import Scene
from tests.real.store import wait_until

SECRET = "c4n4ry"
SETTINGS = "log:\n  format: json\nadmission:\n  policy: open\n"


class JsonLogTests(Scene):
    """A server that logs JSON, and whoever wants to spoil it."""

    def setUp(self) -> None:
        self.here = self.server("-c", self.file("settings.yaml", SETTINGS), store=self.store())

    def lines(self) -> list[dict[str, Any]]:
        """All of the log; a line that is no object fails."""
        found = [json.loads(line) for line in self.here.said().splitlines()]
        for line in found:
            self.assertLessEqual({"time", "level", "message", "logger"}, line.keys())
        return found

    def about(self, words: str) -> dict[str, Any]:
        """The first line that says this, once it is there."""
        wait_until(lambda: any(words in line["message"] for line in self.lines()), f"'{words}' is logged")
        return next(line for line in self.lines() if words in line["message"])

    def test_every_line(self) -> None:
        """From twistd's first line to the last of the stop, with all that a hostile terminal can say."""
        odd = self.client(self.here, "ODD-1")
        odd.say(cmd='x\n{"level":"critical"}\r\x1b[31m', password=SECRET)
        odd.say(cmd="sendlog", record=[{"image": SECRET, "time": "\n\n"}])
        odd.write(frame(b"\x1b[31m\n\xff {"))
        unknown = self.about("unknown word")
        self.assertEqual((unknown["sn"], unknown["address"]), ("ODD-1", "127.0.0.1"))
        self.assertTrue(unknown["connection"])
        bad = self.client(self.here)
        bad.register('A\n{"level":"critical"}', note="\r\n\x1b")
        self.about("bad serial number")
        with socket.create_connection(("127.0.0.1", self.here.http)) as peer:
            peer.sendall(b"GET /\x1b[31m\r{%22a%22} HTTP/1.0\r\n\r\n")
            self.assertTrue(peer.recv(100))
        with socket.create_connection(("127.0.0.1", self.here.port)) as peer:
            peer.sendall(b"GET /\x1b HTTP/1.1\r\nUpgrade: websocket\x85\r\nOrigin: \x0b\r\n\r\n")
            self.assertTrue(peer.recv(100))
        self.here.stop()
        lines = self.lines()
        self.assertIn("starting up", lines[0]["message"] + lines[1]["message"])
        self.assertIn("Server Shut Down", lines[-1]["message"] + lines[-2]["message"])
        self.assertNotIn(SECRET, self.here.said())
        self.assertFalse([line for line in lines if line["level"] == "critical"])

    def test_orders(self) -> None:
        """The end of an order for a door, and of a refused one, tells terminal, order and connection."""
        terminal = self.client(self.here)
        terminal.habits.update({**QUIET, "opendoor": {}, "setdevlock": {"result": False, "msg": "a\nb\x1b"}})
        terminal.register("DOOR-1")
        opening = self.meanwhile(self.order, self.here, "DOOR-1", "opendoor", doornum=1)
        self.refusing = self.meanwhile(self.order, self.here, "DOOR-1", "setdevlock", opendelay=5)
        while not (opening.done() and self.refusing.done()):
            try:
                terminal.hear(0.1)
            except TimeoutError:
                continue
        done, refused = self.about("opendoor: done"), self.about("setdevlock: ")
        order = opening.result()[1]
        self.assertEqual((done["sn"], done["order"], done["cmd"]), ("DOOR-1", order["id"], "opendoor"))
        self.assertEqual(done["connection"], refused["connection"])
        self.assertEqual(refused["order"], self.refusing.result()[1]["id"])
        self.assertTrue(refused["message"].isprintable())
