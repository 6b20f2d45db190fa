"""What tests ask a server over HTTP, against one that repeats what it was asked."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.real.placed import PlacedServer
from tests.real.scene import Scene
from tests.real.simulator import RealSimulator


class Echo(BaseHTTPRequestHandler):
    """Answers with method, path, headers and body; orders are 202, what is called missing is 404."""

    polls = 0

    def answer(self) -> None:
        """Whatever the method."""
        size = int(self.headers.get("Content-Length") or 0)
        sent = self.rfile.read(size).decode()
        headers = {name.lower(): value for name, value in self.headers.items()}
        told: dict[str, Any] = {"method": self.command, "path": self.path, "headers": headers, "sent": sent}
        if self.path == "/api/v1/commands/7":
            Echo.polls += 1
            told["state"] = ("queued", "sent", "done")[min(Echo.polls, 3) - 1]
        body = json.dumps(told).encode()
        self.send_response(404 if "missing" in self.path else 202 if self.command == "POST" else 200)
        self.send_header("Location", "/api/v1/commands/7")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


class AskingTests(Scene):
    """Methods, headers, orders."""

    def setUp(self) -> None:
        """A server that was never started, with another one in its place."""
        Echo.polls = 0
        echo = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
        self.addCleanup(echo.server_close)
        self.addCleanup(echo.shutdown)
        threading.Thread(target=echo.serve_forever, args=(0.01,), daemon=True).start()
        self.asked = PlacedServer()
        self.addCleanup(self.asked.remove)
        self.asked.http = echo.server_address[1]
        self.asked.token = "t1"

    def test_methods(self) -> None:
        """Each method goes where it should, with its body and the token."""
        for method in ("post", "put", "patch"):
            status, body = getattr(self.asked, method)("/terminals/ZX1", {"site": "é"})
            self.assertEqual((status, body["method"]), (202 if method == "post" else 200, method.upper()))
            self.assertEqual(json.loads(body["sent"]), {"site": "é"})
            self.assertEqual(body["headers"]["content-type"], "application/json")
        for method in ("get", "delete"):
            status, body = getattr(self.asked, method)("/commands/1")
            self.assertEqual((body["method"], body["path"]), (method.upper(), "/api/v1/commands/1"))
            self.assertNotIn("content-type", body["headers"])
            self.assertEqual(body["headers"]["authorization"], "Bearer t1")
        self.assertEqual(self.asked.get("/readyz")[1]["path"], "/readyz")
        self.assertEqual(self.asked.delete("/missing")[0], 404)

    def test_headers(self) -> None:
        """Headers are sent, the token can be left out, and what comes back can be looked at."""
        _, body = self.asked.post("/x", {}, idempotency_key="k1", authorization="")
        self.assertEqual(body["headers"]["idempotency-key"], "k1")
        self.assertNotIn("authorization", body["headers"])
        for path, status in (("/x", 202), ("/missing", 404)):
            answer = self.asked.exchange("POST", path, b"{}")
            self.assertEqual((answer.status, answer.headers["location"]), (status, "/api/v1/commands/7"))

    def test_nobody_there(self) -> None:
        """A server that cannot be reached has status 0."""
        self.asked.http = 1
        self.assertEqual(self.asked.post("/x", {}), (0, None))

    def test_order(self) -> None:
        """The command and its fields are posted, with the time to wait, for any serial number."""
        status, body = self.order(self.asked, "ZX 1/é", "opendoor", wait=2.5, doornum=1)
        self.assertEqual(status, 202)
        self.assertEqual(body["path"], "/api/v1/terminals/ZX%201%2F%C3%A9/commands?wait=2.5")
        self.assertEqual(json.loads(body["sent"]), {"cmd": "opendoor", "doornum": 1})
        _, body = self.order(self.asked, "ZX1", "reboot", wait=0)
        self.assertEqual(body["path"], "/api/v1/terminals/ZX1/commands")

    def test_meanwhile(self) -> None:
        """An order is waited for in the background, its end by asking again."""
        order = self.meanwhile(self.order, self.asked, "ZX1", "gettime")
        self.assertEqual(order.result(20)[0], 202)
        self.assertEqual(self.ended(self.asked, "7")["state"], "done")
        self.assertEqual(Echo.polls, 3)


class ObeyedTests(Scene):
    """What a simulator writes down."""

    def test_lines(self) -> None:
        """Whole lines are read, of one word or all; a line that is being written is left for later."""
        simulator = RealSimulator("ws://127.0.0.1:1/").write_obeyed()
        self.addCleanup(simulator.remove)
        self.assertEqual(simulator.obeyed(), [])
        opened = {"sn": "ZX1", "cmd": "opendoor", "at": 1.5}
        lines = [json.dumps(opened), json.dumps({**opened, "cmd": "gettime"}), '{"sn": "ZX']
        Path(simulator.obeyed_file).write_text("\n".join(lines))
        self.assertEqual(simulator.obeyed("opendoor"), [opened])
        self.assertEqual(len(simulator.obeyed()), 2)
