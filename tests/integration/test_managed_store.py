"""A store as others run it: TLS, a user who may little, another prefix, no CONFIG; and it fails over."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

from twisted.trial.unittest import SkipTest

from tests.real.client import log
from tests.real.placed import PlacedServer
from tests.real.receiver import SECRET, RealReceiver
from tests.real.scene import DAY, Scene
from tests.real.sentinels import RealReplicas, has_tls, secured_settings
from tests.real.server import ROOT
from tests.real.store import SECONDS, RealStore, wait_until

PREFIX = "site:"
QUIET = """
admission: {policy: open}
catchup: {enabled: false}
webhooks: {allow_private: true, seconds: 1}
"""
SCANTY = "-@all +@read +@write +@pubsub +@scripting +@connection +time -script"


class ManagedScene(Scene):
    """Everything that a server does, under a prefix of its own."""

    def settings(self, text: str) -> str:
        """A file of settings."""
        return self.file("settings.yaml", text + QUIET)

    def command(self, *words: str) -> str:
        """What the command line answers."""
        done = subprocess.run(
            [sys.executable, "-m", "tfserver.cli.main", *words],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.strip()

    def push(self, client: Any, number: int) -> bool:
        """Let a terminal push one punch, and say whether it was acknowledged."""
        record = [log(number, f"{DAY} 08:00:0{number}")]
        return bool(client.ask(cmd="sendlog", count=1, logindex=number, record=record)["result"])

    def all_of_it(self, server: PlacedServer) -> tuple[Any, RealReceiver]:
        """Register, punch, order, be told, be archived; the terminal and the receiver."""
        receiver = RealReceiver().up()
        self.addCleanup(receiver.down)
        hook = {"url": receiver.url, "secret": SECRET, "kinds": ["punch"]}
        self.assertEqual(server.post("/webhooks", hook)[0], 201)
        client = self.client(server, "MANAGED")
        self.assertTrue(self.push(client, 1))
        asked = self.meanwhile(self.order, server, "MANAGED", "gettime")
        client.obey("gettime", time=f"{DAY} 08:00:00")
        self.assertEqual(asked.result()[1]["state"], "done")
        user = {"cmd": "senduser", "enrollid": 7, "name": "A", "backupnum": 10, "admin": 0, "record": 1234}
        self.assertTrue(client.ask(**user)["result"])
        wait_until(lambda: len(receiver.uids()) == 1, "the webhook is told")
        lag = "tfserver_archive_lag_punches 0.0"
        wait_until(lambda: lag in server.get("/metrics")[1].splitlines(), "it is archived")
        wait_until(
            lambda: 'tfserver_archived_total{what="new"} 1.0' in server.get("/metrics")[1], "it is archived"
        )
        self.assertEqual(len(server.punches()), 1)
        return client, receiver


class Secured(ManagedScene):
    """Sentinels, TLS, users with passwords."""

    def test_all_of_it(self) -> None:
        """Everything works, no key is outside the prefix, and a failover is followed."""
        if not has_tls():
            raise SkipTest("the store's program has no TLS")
        replicas = RealReplicas(secured=PREFIX)
        self.addCleanup(replicas.remove)
        replicas.start()
        self.patch(os, "environ", {**os.environ, **replicas.environment()})
        settings = self.settings(secured_settings(replicas, PREFIX) + "  acknowledge: replica\n")
        server = self.unstarted("-c", settings, "--redis", replicas.url)
        server.token = self.command(
            "token", "create", "-c", settings, "--redis", replicas.url, "--role", "admin"
        )
        server.start()
        client, receiver = self.all_of_it(server)
        self.assertIn(f"sentinels://gate@{replicas.url.partition('@')[2]}", server.said())
        names = replicas.primary.ask("KEYS *").split("\r\n")
        self.assertEqual([n for n in names if n[:1] not in ("*", "$", "") and not n.startswith(PREFIX)], [])
        self.command("backup", self.mktemp(), "-c", settings, "--redis", replicas.url)
        replicas.primary.kill()
        replicas.until_promoted()
        wait_until(lambda: self.push(client, 2), "punches are acknowledged again")
        wait_until(lambda: len(receiver.uids()) == 2, "the webhook is told")
        self.assertIn("generation 2", server.said())
        for secret in replicas.environment().values():
            self.assertNotIn(secret, server.said())


class Scanty(ManagedScene):
    """One server that tells nothing of itself."""

    def test_all_of_it(self) -> None:
        """Without CONFIG, INFO and SCRIPT, and for a user that may use its prefix only, everything works."""
        store: RealStore = self.store()
        store.ask(f"ACL SETUSER gate on >sesame ~{PREFIX}* &{PREFIX}* {SCANTY}")
        settings = self.settings(f"store: {{prefix: '{PREFIX}', assume_durability: always}}\n")
        where = f"unix://gate:sesame@{store.socket}"
        server = self.unstarted("-c", settings, "--redis", where)
        server.token = self.command("token", "create", "-c", settings, "--redis", where, "--role", "admin")
        server.start()
        self.all_of_it(server)
        self.assertIn("NOPERM", store.ask("AUTH gate sesame\r\nINFO"))
        self.assertNotIn("sesame", server.said())
