"""``tfserver frames``."""

from __future__ import annotations

from typing import Any

from tests.cli.stub import StubCase, problem

SN = "ZXDM26010042"


def frame(direction: str, word: str, size: int, said: bool | None, **content: Any) -> dict[str, Any]:
    """A message as the API tells of it."""
    places = {"connection": "c1", "address": "192.0.2.7", "process": "one"}
    told = {"at": "2026-04-02T08:00:00.000Z", "direction": direction, "word": word, "size": size}
    return {**told, "result": said, "content": content, **places}


class FramesTests(StubCase):
    """What is printed."""

    def test_table(self) -> None:
        """A line for each message: which way, what, and what it says; nothing in it steers the screen."""
        rows = [
            frame("event", "connected", 0, None),
            frame("in", "sendlog", 90, None, cmd="sendlog", note="\x1b[31m"),
            frame("out", "sendlog", 40, False, ret="sendlog", result=False, reason=1),
            frame("in", "senduser", 90_000, None, cut=True),
            frame("event", "closed", 0, None, by="server", code=1008, why="no reg came"),
        ]
        self.stub.on(f"GET /terminals/{SN}/frames", {"frames": rows, "whole": True})
        done = self.ask("frames", SN)
        self.assertEqual((done.status, done.err), (0, ""))
        connected, heard, said, cut, closed = done.out.splitlines()[1:]
        self.assertRegex(connected, r"· +connected +address=192.0.2.7 process=one")
        self.assertRegex(heard, r"→ +sendlog +90 +\{'note': '\\+x1b\[31m'\}")
        self.assertRegex(said, r"← +sendlog +40 +no +\{'reason': 1\}")
        self.assertIn("only this is remembered", cut)
        self.assertIn("by=server code=1008 why=no reg came", closed)

    def test_handshakes(self) -> None:
        """Without a serial number: what never was a WebSocket."""
        row = {
            "address": "192.0.2.8",
            "why": "it speaks TLS",
            "times": 3,
            "first": "a",
            "last": "b",
            "process": "one",
        }
        self.stub.on("GET /handshakes", {"handshakes": [row], "whole": True})
        self.assertRegex(self.ask("frames").out, r"b +3 +192.0.2.8 +it speaks TLS")
        self.assertEqual(self.ask("frames", "--json").json, [row])

    def test_unknown(self) -> None:
        """The server's own words for a terminal that nobody knows."""
        self.stub.on("GET /terminals/X/frames", problem(404, "no terminal 'X' has ever registered here"))
        done = self.ask("frames", "X")
        self.assertEqual((done.status, done.out), (1, ""))
        self.assertIn("has ever registered", done.err)
