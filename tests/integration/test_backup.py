"""Backups under load and moves to another store: what was acknowledged before is there afterwards, once."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections import Counter
from typing import Any

from tests.real.archived import archived
from tests.real.client import log
from tests.real.hooks import HookScene
from tests.real.scene import DAY, LOAD, OPEN
from tests.real.server import KEY, ROOT, RealServer
from tests.real.simulator import key_of
from tests.real.store import SECONDS, wait_until


def tfserver(*words: str) -> str:
    """What a command of ours prints; it runs a reactor of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TFSERVER_")}
    done = subprocess.run(
        [sys.executable, "-m", "tfserver.cli.main", *words],
        capture_output=True,
        text=True,
        timeout=4 * SECONDS,
        env={**kept, "PYTHONPATH": str(ROOT), "TFSERVER_MASTER_KEY": KEY},
    )
    assert done.returncode == 0, f"{done.returncode}: {done.stdout} {done.stderr}"
    return done.stdout


def uids(server: RealServer) -> list[str]:
    """The feed from its beginning."""
    return [punch["uid"] for punch in server.punches()]


class BackupTests(HookScene):
    """A backup while terminals push."""

    def test_under_load(self) -> None:
        """All that was acknowledged before the backup is in the restored feed, and nothing is in it twice."""
        one = self.process()
        simulator = self.simulator(one, *LOAD, "--seconds", "3")
        wait_until(lambda: len(simulator.acked()) > 200, "there is load")
        before = simulator.acked()
        file = os.path.join(tempfile.mkdtemp(), "all.backup")
        config = self.file("backup.yaml", f"archive: {{url: '{self.archive}'}}\n")
        tfserver("backup", file, "--redis", self.redis.url, "-c", config)
        simulator.report()
        one.stop()
        restored = self.restored(file)
        found = Counter(key_of(punch) for punch in restored.punches())
        self.assertEqual([key for key in before if found[key] != 1], [])
        self.assertEqual([uid for uid, count in Counter(uids(restored)).items() if count > 1], [])

    def restored(self, file: str) -> RealServer:
        """A server on a store and an archive that were filled from a backup; it takes and archives more."""
        self.redis = self.store()
        self.archive = f"sqlite:///{tempfile.mkdtemp()}/restored.sqlite"
        config = self.file("restored.yaml", f"archive: {{url: '{self.archive}'}}\n")
        tfserver("restore", file, "--redis", self.redis.url, "-c", config)
        server = self.process("two")
        terminal = self.client(server, "LATE")
        self.assertTrue(terminal.ask(cmd="sendlog", count=1, record=[log(5, f"{DAY} 10:00:00")])["result"])
        self.all_archived(server)
        self.assertEqual([row["uid"] for row in archived(self.archive)], uids(server))
        return server


class MigrateTests(HookScene):
    """From a server with everything of its own to a store and a PostgreSQL that several can share."""

    def test_moved(self) -> None:
        """The feed is the same, place by place; what is known stays known, and what is new comes behind."""
        own = self.server(*OPEN)
        simulator = self.simulator(own, *LOAD, "--seconds", "2")
        simulator.report()
        records: list[dict[str, Any]] = [log(person, f"{DAY} 09:00:00") for person in range(1, 6)]
        terminal = self.client(own, "MOVED")
        self.assertTrue(terminal.ask(cmd="sendlog", count=5, record=records)["result"])
        before = [(punch["id"], punch["uid"]) for punch in own.punches()]
        own.stop()
        self.postgres()
        folder = os.path.join(own.folder, "tfserver-data")
        new = ("--to-redis", self.redis.url, "--to-archive", self.archive)
        self.assertIn("new archive", tfserver("migrate", "--data-dir", folder, *new))

        server = self.process("two")
        self.assertEqual([(punch["id"], punch["uid"]) for punch in server.punches()], before)
        terminal = self.client(server, "MOVED")
        more = [*records, log(6, f"{DAY} 09:00:00")]
        self.assertTrue(terminal.ask(cmd="sendlog", count=6, record=more)["result"])
        self.all_archived(server)
        self.assertEqual(uids(server)[:-1], [uid for _, uid in before])
        self.assertEqual([row["uid"] for row in archived(self.archive)], uids(server))
