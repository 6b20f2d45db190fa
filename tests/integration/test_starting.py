"""Starting and stopping: every refusal is readable and ends with status 1, every end is an orderly one."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.real.client import log
from tests.real.placed import PlacedServer
from tests.real.process import free_port, is_running
from tests.real.scene import DAY, OPEN, Scene
from tests.real.server import READY, ROOT, TWISTD
from tests.real.store import RealStore, wait_until
from tfserver.store.vault import new_master_key

ORDERLY = (0, -signal.SIGTERM)
"""Exit status of a stop: twistd ends by the signal that it was sent, once everything is let go."""
TRACEBACK = "Traceback (most recent call last)"


class Refusals(Scene):
    """What keeps the server from starting."""

    def refused(self, server: PlacedServer) -> str:
        """What a server says that does not start; it has ended with status 1, and its store too."""
        process = server.spawn()
        wait_until(lambda: process.poll() is not None or READY.search(server.said()), "it starts or not")
        said = server.said()
        self.assertNotIn("tfserver ready", said, "it started")
        self.assertEqual(server.wait(), 1, said)
        self.assertNotIn(TRACEBACK, said)
        pid = server.store_pid()
        self.assertTrue(pid is None or not is_running(pid), "the embedded store was left behind")
        return said

    def refused_config(self, text: str) -> str:
        """What is said about a configuration file, whose name is always told."""
        said = self.refused(self.unstarted("-c", self.file("wrong.yaml", text)))
        self.assertIn("wrong.yaml", said)
        return said

    def test_configuration(self) -> None:
        """A wrong file is refused with its name, the path of the setting and what was expected there."""
        cases = {
            "terminal: {}": ("terminal", "unknown setting"),
            "store: {durabilty: always}": ("store.durabilty", "unknown setting", "durability"),
            "limits: {connections: many}": ("limits.connections", "int"),
            "limits: {connections: 0}": ("limits.connections", ">= 1"),
            "admission: {policy: friends}": ("admission.policy", "approve", "allowlist"),
            "terminals: {timezone: Mars/Base}": ("terminals.timezone", "Mars/Base"),
            "terminals: [tcp:7788]": ("terminals", "section"),
            "- a\n- b\n": ("expected settings by name",),
            "store: {url: [": ("YAML",),
        }
        for text, expected in cases.items():
            said = self.refused_config(text)
            for word in expected:
                self.assertIn(word, said, text)

    def test_missing_file_and_wrong_options(self) -> None:
        """A file that is not there, an unknown policy and a word that is no endpoint are refused."""
        self.assertIn("/nowhere.yaml", self.refused(self.unstarted("-c", "/nowhere.yaml")))
        self.assertIn("admission.policy", self.refused(self.unstarted("--admission", "friends")))
        self.assertIn("terminals.endpoints", self.refused(self.unstarted("--terminals", "nonsense:1")))
        self.assertIn("store.url", self.refused(self.unstarted("--redis", "http://127.0.0.1")))

    def test_ports_in_use(self) -> None:
        """A port that somebody else has is named with the setting it stands in."""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            place = f"tcp:{taken.getsockname()[1]}:interface=127.0.0.1"
            self.assertIn(
                f"terminals.endpoints: can't listen on {place}",
                self.refused(self.unstarted("--terminals", place)),
            )
            self.assertIn(
                f"http.endpoint: can't listen on {place}", self.refused(self.unstarted("--http", place))
            )

    def test_data_folder_in_use(self) -> None:
        """A data folder belongs to one process; the other's pid is told, and it is not disturbed."""
        first = self.server()
        folder = str(Path(first.folder, "tfserver-data"))
        said = self.refused(self.unstarted("--data-dir", folder))
        self.assertIn("in use by another tfserver", said)
        self.assertIn(str(first.pid), said)
        self.assertEqual(first.get("/readyz")[0], 200)

    def test_store_out_of_reach(self) -> None:
        """A store that is not there is named, but not its password."""
        said = self.refused(self.unstarted("--redis", f"redis://:s3cret@127.0.0.1:{free_port()}"))
        self.assertIn("store unreachable", said)
        self.assertNotIn("s3cret", said)

    def test_passwords_in_urls(self) -> None:
        """However wrong a store's URL is, its password is not shown."""
        for url in (
            "reddis://:s3cret@host",
            "redis://:s3cret@host:port",
            "redis://:s3c/s3cret@host:1/0",
            "redis://u:s3cret@/x",
        ):
            self.assertNotIn(
                "s3cret", self.refused(self.unstarted("--redis", url)).replace(f"--redis {url}", ""), url
            )

    def test_less_durable_store(self) -> None:
        """A store weaker than accepted is refused with what to do; accepting less lets it start."""
        cases = (
            (("--appendonly", "no"), "appendonly no"),
            (("--appendfsync", "everysec"), "appendfsync everysec"),
            (("--no-appendfsync-on-rewrite", "yes"), "no-appendfsync-on-rewrite yes"),
            (("--maxmemory-policy", "allkeys-lru"), "maxmemory-policy allkeys-lru"),
        )
        for extra, reason in cases:
            self.assertIn(reason, self.refused(self.unstarted(store=self.store(*extra))))
        config = self.file("tfserver.yaml", "store: {durability: everysec}\n")
        self.server("-c", config, store=self.store("--appendfsync", "everysec"))

    def test_newer_schema(self) -> None:
        """Data that a newer server wrote is not touched."""
        store = self.store()
        store.ask("HSET tf:meta schema 7 reader 7")
        self.assertIn("schema 7", self.refused(self.unstarted(store=store)))

    def test_master_key(self) -> None:
        """Without a master key, or with a malformed one, a shared store is refused; the key is not shown."""
        store = self.store()
        cases = {
            "": "tfserver key create",
            "c2hvcnQ=": "base64 of 32 bytes",
            "not base64 at all": "base64 of 32 bytes",
        }
        for key, reason in cases.items():
            server = KeyedServer(key, store)
            self.addCleanup(server.remove)
            said = self.refused(server)
            self.assertIn(reason, said)
            self.assertFalse(key and key in said)

    def test_another_master_key(self) -> None:
        """A key that does not fit the sealed credentials is refused at the start, not user by user later."""
        store = self.store()
        first = self.server(*OPEN, store=store)
        client = self.client(first, "KEY")
        self.assertTrue(client.ask(cmd="senduser", enrollid=1, backupnum=0, record="c51b")["result"])
        first.stop()
        server = KeyedServer(new_master_key(), store)
        self.addCleanup(server.remove)
        self.assertIn("master key", self.refused(server))


class KeyedServer(PlacedServer):
    """A server with another master key in its environment, or none."""

    def __init__(self, key: str, store: RealStore) -> None:
        super().__init__(store=store)
        self._key = key

    @property
    def environment(self) -> dict[str, str]:
        """The same with that key."""
        return {**super().environment, "TFSERVER_MASTER_KEY": self._key}


class Life(Scene):
    """From the ready line to the end."""

    def test_ready_line(self) -> None:
        """The one line that tells where it listens and what its store is."""
        server = self.server("--instance", "front-1")
        line = next(line for line in server.said().splitlines() if "tfserver ready" in line)
        for part in (f"127.0.0.1:{server.port}", f"127.0.0.1:{server.http}", "durability always", "front-1"):
            self.assertIn(part, line)
        self.assertEqual((server.get("/healthz")[0], server.get("/readyz")[0]), (200, 200))

    def test_own_folder_is_private(self) -> None:
        """The data folder is for its owner alone, and so are the secrets in it."""
        server = self.server()
        folder = Path(server.folder, "tfserver-data")
        self.assertEqual(folder.stat().st_mode & 0o777, 0o700)
        for name in ("admin-token", "master.key", "store.json"):
            path = folder / name
            if path.exists():
                self.assertEqual(path.stat().st_mode & 0o777, 0o600, name)

    def test_sample_configuration_and_options(self) -> None:
        """The configuration in ``etc`` starts as it is; options win over the file."""
        text = (ROOT / "etc" / "tfserver.yaml").read_text().replace("tcp:7788", "tcp:0")
        server = self.server("-c", self.file("tfserver.yaml", text), *OPEN, "--instance", "option")
        self.client(server, "ANY")
        self.assertIn("instance option", server.said())

    def test_help(self) -> None:
        """``twistd tfserver --help`` tells every option of the contract."""
        command = [sys.executable, "-c", TWISTD, "-n", "tfserver", "--help"]
        folder = tempfile.mkdtemp(prefix="tfh-")
        self.addCleanup(shutil.rmtree, folder)
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=60,
        )
        self.assertEqual(done.returncode, 0)
        for option in (
            "--terminals",
            "--http",
            "--redis",
            "--data-dir",
            "--admission",
            "--instance",
            "--config",
        ):
            self.assertIn(option, done.stdout)
        self.assertEqual(os.listdir(folder), [])

    def test_drain(self) -> None:
        """SIGTERM: what is under way is answered, terminals are closed with 1001, people see it draining."""
        store = self.store()
        server = self.server(*OPEN, store=store)
        idle, busy = self.client(server, "IDLE"), self.client(server, "BUSY")
        store.pause()
        self.addCleanup(store.go_on)
        busy.say(cmd="sendlog", count=1, logindex=0, record=[log(1, f"{DAY} 08:00:00")])
        wait_until(lambda: server.get("/healthz")[0] == 200, "the punch was read")
        server.stop_later()
        wait_until(lambda: server.get("/healthz")[0] == 503, "it shows that it is draining")
        store.go_on()
        answer = busy.hear()
        self.assertEqual((busy.closed(), idle.closed()), (1001, 1001))
        self.assertIn(server.wait(), ORDERLY, server.said())
        self.assertNotIn(TRACEBACK, server.said())
        server.start()
        kept = [row["enrollid"] for row in server.punches()]
        self.assertTrue(kept == [1] or not answer["result"])

    def test_drain_under_load(self) -> None:
        """A stop in the middle of the work ends with 0 and takes its store along; nothing is lost."""
        server = self.server(*OPEN)
        load = ("--terminals", "30", "--backlog", "20", "--rate", "100", "--seconds", "3", "--wait-ack")
        simulator = self.simulator(server, *load)
        wait_until(lambda: len(simulator.acked()) > 200, "there is load")
        pid = server.store_pid()
        assert pid is not None
        server.stop_later()
        self.assertIn(server.wait(), ORDERLY, server.said())
        self.assertFalse(is_running(pid))
        self.assertNotIn(TRACEBACK, server.said())
        server.start()
        self.assert_all_well(simulator, server)

    def test_stop_while_the_store_is_away(self) -> None:
        """A stop does not hang on a store that does not answer."""
        store = self.store()
        server = self.server(*OPEN, store=store)
        client = self.client(server, "AWAY")
        store.pause()
        self.addCleanup(store.go_on)
        server.stop_later()
        self.assertEqual(client.closed(), 1001)
        self.assertIn(server.wait(), ORDERLY)

    def test_stop_while_it_starts(self) -> None:
        """A stop during the start ends it, and its store."""
        server = self.unstarted()
        server.spawn()
        wait_until(lambda: server.store_pid() is not None, "the store was started")
        pid = server.store_pid()
        server.stop_later()
        server.wait()
        assert pid is not None
        wait_until(lambda: not is_running(pid), "the store is gone")
