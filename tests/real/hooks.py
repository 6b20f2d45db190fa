"""Tests of webhooks and the archive on real processes that ask nothing of terminals by themselves."""

from __future__ import annotations

import shutil
import tempfile
import time
from datetime import UTC, datetime
from typing import Any

from twisted.trial.unittest import SkipTest

from tests.real.client import RealClient, log
from tests.real.placed import PlacedServer
from tests.real.postgres import RealPostgres, is_installed
from tests.real.receiver import SECRET, RealReceiver
from tests.real.scene import Scene
from tests.real.store import RealStore, wait_until

SETTINGS = """
admission: {{policy: open}}
catchup: {{enabled: false}}
webhooks: {{allow_private: true, seconds: 1}}
archive: {{url: "{archive}", {archive_more}}}
"""
SETTLED = 40.0
"""Seconds within which everything is where it belongs, also after a process had to be missed first."""


class HookScene(Scene):
    """``archive`` is a URL, by default a file of this test; ``archive_more`` are other settings of it."""

    archive_more = "seconds: 5"
    more = ""

    def setUp(self) -> None:
        self.redis: RealStore = self.store()
        folder = tempfile.mkdtemp(prefix="tfa-")
        self.addCleanup(shutil.rmtree, folder, True)
        self.archive = f"sqlite:///{folder}/archive.sqlite"
        self.made: list[str] = []
        self.pushed = 0
        # so late that the store knows by itself what came twice
        self.began = int(time.time()) - 86_400

    def process(self, name: str = "one") -> PlacedServer:
        """A running process of this name."""
        text = SETTINGS.format(archive=self.archive, archive_more=self.archive_more) + self.more
        return self.server("-c", self.file("settings.yaml", text), "--instance", name, store=self.redis)

    def postgres(self) -> RealPostgres:
        """A running PostgreSQL, which is the archive of processes that are started from now on."""
        if not is_installed():
            raise SkipTest("no PostgreSQL on this machine")
        postgres = RealPostgres()
        self.addCleanup(postgres.remove)
        self.archive = postgres.start().url
        return postgres

    def receiver(self) -> RealReceiver:
        """One that listens."""
        receiver = RealReceiver()
        self.addCleanup(receiver.down)
        return receiver.up()

    def hook(self, server: PlacedServer, receiver: RealReceiver, **fields: Any) -> str:
        """A new webhook that leads to a receiver; its id."""
        wanted = {"url": receiver.url, "secret": SECRET, "kinds": ["punch"], "batch": 20, **fields}
        status, body = server.post("/webhooks", wanted)
        self.assertEqual(status, 201, body)
        self.made.append(str(body["id"]))
        return self.made[-1]

    def kill(self, server: PlacedServer) -> None:
        """kill -9; others take over at once, because a test has no time to wait until its leases run out."""
        server.kill()
        self.leases_run_out()

    def leases_run_out(self) -> None:
        """Let the time be over for which somebody was to archive and to deliver; who lives renews it."""
        for key in ("tf:archived", *(f"tf:webhook:{hook}" for hook in self.made)):
            self.redis.ask(f"HSET {key} until 1")

    def look(self, server: PlacedServer, hook: str) -> dict[str, Any]:
        """A webhook as people see it."""
        status, body = server.get(f"/webhooks/{hook}")
        self.assertEqual(status, 200, body)
        found: dict[str, Any] = body
        return found

    def health(self, server: PlacedServer, hook: str) -> dict[str, Any]:
        """How it fares."""
        found: dict[str, Any] = self.look(server, hook)["health"]
        return found

    def nudge(self, server: PlacedServer, hook: str) -> None:
        """Let it be tried at once: a test has no time to wait for the next try."""
        status, body = server.patch(f"/webhooks/{hook}", {"state": "active"})
        self.assertEqual(status, 200, body)

    def push(self, terminal: RealClient, count: int, a_message: int = 10) -> None:
        """Let a terminal push so many punches that no other test message has; all are acknowledged."""
        for _ in range(-(-count // a_message)):
            records = [self._record() for _ in range(min(a_message, count))]
            count -= len(records)
            self.assertTrue(terminal.ask(cmd="sendlog", count=len(records), record=records)["result"])

    def settled(self, server: PlacedServer, hook: str, receiver: RealReceiver, *without: str) -> None:
        """Wait until the receiver has all that is in the feed, and nothing is wrong with it."""
        feed = server.punches()
        missing = {punch["uid"] for punch in feed} - set(without)

        def has_all() -> bool:
            if self.health(server, hook)["attempts"]:
                self.nudge(server, hook)
            return missing <= set(receiver.uids())

        wait_until(has_all, "everything is delivered", SETTLED)
        self.assertEqual(receiver.faults(feed, frozenset(without)), {})

    def all_archived(self, server: PlacedServer) -> None:
        """Wait until the archive has the last of the stream."""

        def has_last() -> bool:
            newest = self.redis.ask("XREVRANGE tf:punches + - COUNT 1").split("\r\n")
            place = self.redis.ask("HGET tf:archived place").split("\r\n")
            return len(newest) > 3 and place[1:2] == newest[3:4]

        wait_until(has_last, "everything is archived", SETTLED)
        self.assertEqual(server.get("/readyz")[0], 200)

    def _record(self) -> dict[str, Any]:
        when = datetime.fromtimestamp(self.began + self.pushed, UTC)
        self.pushed += 1
        return log(1 + self.pushed % 50, f"{when:%Y-%m-%d %H:%M:%S}")
