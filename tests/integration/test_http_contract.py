"""A running server keeps what its OpenAPI document says: asked with everything that this allows, and more.

A longer run: ``TFSERVER_CONTRACT_EXAMPLES=500 trial tests.integration.test_http_contract`` asks each route so
often, in an order of its own each time; a failure tells the seed and a curl command.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from tests.real.client import log
from tests.real.placed import PlacedServer
from tests.real.scene import DAY, OPEN, Scene

CONFIG = Path(__file__).with_name("schemathesis.toml")
ENVIRONMENT = "TFSERVER_CONTRACT_EXAMPLES"
EXAMPLES, SEED = 10, 7
SECONDS = 300
SOON = 20
RUN = "import sys; from schemathesis.cli import schemathesis; sys.exit(schemathesis())"


class Contract(Scene):
    """One server with terminals that obey."""

    timeout = 3600

    def setUp(self) -> None:
        self.here = self.server(*OPEN)
        self.simulator(self.here, "--terminals", "3", "--rate", "5", "--seconds", "3600")

    def test_schemathesis(self) -> None:
        """No answer is a 5xx, has a status or a shape that was not promised, or takes what is not allowed."""
        examples = os.environ.get(ENVIRONMENT)
        how_often = ["--max-examples", examples or str(EXAMPLES)]
        how_often += [] if examples else ["--seed", str(SEED), "--no-shrink"]
        done = self.asked(self.here, *how_often)
        self.assertEqual(done.returncode, 0, done.stdout[-20_000:])
        self.assertIn("generated", done.stdout)
        self.assertEqual(self.here.get("/tokens")[0], 200, "its own token was revoked")
        self.assertNotIn("our own mistake", self.here.said())

    def asked(self, server: PlacedServer, *options: str) -> subprocess.CompletedProcess[str]:
        """Let schemathesis ask everything."""
        place = f"http://127.0.0.1:{server.http}/api/v1/openapi.json"
        token = f"Authorization: Bearer {server.token}"
        command = [sys.executable, "-c", RUN, "--config-file", str(CONFIG), "--no-color", "run", place]
        command += ["--header", token, "--phases", "coverage,fuzzing", "--continue-on-failure"]
        command += ["--generation-database", "none", "--request-timeout", "30", *options]
        seconds = SECONDS if "--seed" in options else None
        folder = os.path.dirname(self.file("unused", ""))
        return subprocess.run(command, capture_output=True, text=True, timeout=seconds, cwd=folder)


class Live(Scene):
    """Two processes on one store, and people who watch and act through either."""

    def setUp(self) -> None:
        redis = self.store()
        self.one = self.server(*OPEN, store=redis)
        self.two = self.server(*OPEN, store=redis)
        self.terminal = self.quiet(self.one, "LIVE")

    def token(self, role: str, *sites: str) -> tuple[str, str]:
        """A new token: its id and itself."""
        status, made = self.one.post("/tokens", {"name": "test", "role": role, "sites": [*sites]})
        self.assertEqual(status, 201, made)
        return made["id"], made["token"]

    def watch(self, server: PlacedServer, last_id: str = "") -> Iterator[dict[str, str]]:
        """Events as they come, each as its fields."""
        request = urllib.request.Request(f"http://127.0.0.1:{server.http}/api/v1/stream")
        request.add_header("Authorization", f"Bearer {server.token}")
        if last_id:
            request.add_header("Last-Event-ID", last_id)
        answer = urllib.request.urlopen(request, timeout=SOON)
        self.addCleanup(answer.close)
        fields: dict[str, str] = {}
        for line in answer:
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name:
                fields[name] = value
                continue
            yield fields
            fields = {}

    def test_stream(self) -> None:
        """What happens at one process is told at the other, and with the last id somebody goes on there."""
        events = self.watch(self.two)
        beginning = next(events)["id"]
        self.terminal.ask(cmd="sendlog", count=1, record=[log(7, f"{DAY} 08:00:00")])
        punch = next(found for found in events if found.get("event") == "punch")
        self.assertEqual(json.loads(punch["data"])["enrollid"], 7)
        asked = self.meanwhile(self.order, self.two, "LIVE", "opendoor")
        self.terminal.obey("opendoor")
        status, order = asked.result(SOON)
        self.assertEqual((status, order["state"]), (200, "done"))
        states = []
        while states[-1:] != ["done"]:
            found = next(events)
            told = json.loads(found.get("data", "{}"))
            states += [told["state"]] if told.get("id") == order["id"] and found["event"] == "command" else []
        self.assertEqual(states, ["queued", "sent", "done"])
        again = self.watch(self.one, beginning)
        first = next(found for found in again if found.get("event") == "punch")
        self.assertEqual(first["id"], punch["id"])

    def test_stream_ends_with_the_server(self) -> None:
        """A stop of the process ends its streams, and does not wait for those who watch."""
        events = self.watch(self.two)
        next(events)
        self.two.stop_later()
        self.assertEqual([found for found in events if "event" in found], [])
        self.two.wait()

    def test_audit(self) -> None:
        """Who ordered what stands in the audit, and how it ended, whichever process was asked."""
        asked = self.meanwhile(self.order, self.two, "LIVE", "opendoor")
        self.terminal.obey("opendoor")
        order = asked.result(SOON)[1]
        records = self.one.get("/audit?sn=live")[1]["audit"]
        mine = [record for record in records if record["detail"].get("order") == order["id"]]
        self.assertEqual({record["what"] for record in mine}, {"opendoor"})
        self.assertIn("done", [record["outcome"] for record in mine])
        self.assertEqual(len(mine), 2)
        self.assertEqual({record["actor"] for record in mine}, {order["actor"]})

    def test_revoked_everywhere(self) -> None:
        """A token that was revoked at one process is accepted by none."""
        token_id, token = self.token("reader")
        self.two.token, admin = token, self.two.token
        self.assertEqual(self.two.get("/terminals")[0], 200)
        self.assertEqual(self.one.delete(f"/tokens/{token_id}")[0], 204)
        self.assertEqual(self.two.get("/terminals")[0], 401)
        self.two.token = admin

    def test_site(self) -> None:
        """A token that is bound to a site reaches a terminal as soon as it is there, and no longer."""
        self.two.token = self.token("operator", "north")[1]
        self.assertEqual(self.two.get("/terminals")[1]["terminals"], [])
        self.assertEqual(self.order(self.two, "LIVE", "gettime", 0)[0], 404)
        self.assertEqual(self.one.patch("/terminals/LIVE", {"site": "north"})[0], 200)
        self.assertEqual(self.two.get("/terminals/LIVE")[1]["site"], "north")
        status, order = self.order(self.two, "LIVE", "gettime", 0)
        self.assertEqual(status, 202, order)
        self.assertEqual(self.two.patch("/terminals/LIVE", {"site": "south"})[0], 403)
        self.assertEqual(self.one.patch("/terminals/LIVE", {"site": "south"})[0], 200)
        self.assertEqual(self.two.get(f"/commands/{order['id']}")[0], 404)

    def test_idempotency(self) -> None:
        """A repeat of an order at another process is the same order; under another body it is refused."""
        self.two.token = self.one.token
        body, key = {"cmd": "gettime"}, {"idempotency_key": "once"}
        first = self.one.post("/terminals/LIVE/commands", body, **key)[1]["id"]
        self.assertEqual(self.two.post("/terminals/live/commands", body, **key)[1]["id"], first)
        self.assertEqual(self.two.post("/terminals/LIVE/commands", {"cmd": "getdevinfo"}, **key)[0], 422)
        self.quiet(self.one, "OTHER")
        self.assertEqual(self.two.post("/terminals/OTHER/commands", body, **key)[0], 422)
