"""``tfserver backup`` and ``restore`` on real stores, also those of a server of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.cli.called import Outcome, call
from tests.real.server import ROOT
from tests.real.store import SECONDS, RealStore
from tfserver.store.vault import Vault, new_master_key, read_master_key

KEY = new_master_key()
KEY_ID = Vault(read_master_key(KEY, "test")).key_id


class BackupCase(SynchronousTestCase):
    """A store with a little in it."""

    def setUp(self) -> None:
        self.store = self.new_store()
        self.store.ask(f"HSET tf:meta schema 1 reader 1 master_key {KEY_ID}")
        self.store.ask("SET tf:user:7 hello")
        self.file = os.path.abspath(self.mktemp())

    def new_store(self) -> RealStore:
        """A store that ends with the test."""
        store = RealStore()
        self.addCleanup(store.remove)
        return store.start()

    def backed_up(self) -> str:
        """The path of a backup."""
        self.assertEqual(call("backup", self.file, "--redis", self.store.url).status, 0)
        return self.file


class StoreTests(BackupCase):
    """With a store that the options name."""

    def test_there_and_back(self) -> None:
        """What was written comes back into an empty store, and both say how much it was."""
        done = call("backup", self.file, "--redis", self.store.url)
        self.assertEqual((done.status, done.err), (0, ""))
        self.assertIn("2 keys", done.out)
        self.assertIn(KEY_ID, done.out)
        target = self.new_store()
        done = call("restore", self.file, "--redis", target.url)
        self.assertEqual((done.status, done.err), (0, ""))
        self.assertIn("2 keys restored", done.out)
        self.assertIn("hello", target.ask("GET tf:user:7"))

    def test_json(self) -> None:
        """For programs: how many keys and bytes, which master key."""
        found = call("backup", self.file, "--redis", self.store.url, "--json").json
        self.assertEqual((found["keys"], found["master_key"]), (2, KEY_ID))
        self.assertEqual(found["bytes"], os.path.getsize(self.file))
        target = self.new_store()
        found = call("restore", self.file, "--redis", target.url, "--json").json
        self.assertEqual(found, {"file": self.file, "keys": 2})

    def test_not_empty(self) -> None:
        """A store that keeps something is refused and left as it is, unless it is to be replaced."""
        self.backed_up()
        self.store.ask("SET tf:user:8 newer")
        done = call("restore", self.file, "--redis", self.store.url)
        self.assertEqual((done.status, done.out), (1, ""))
        self.assertIn("--replace", done.err)
        self.assertIn("newer", self.store.ask("GET tf:user:8"))
        self.assertEqual(call("restore", self.file, "--replace", "--redis", self.store.url).status, 0)
        self.assertEqual(self.store.ask("GET tf:user:8"), "$-1\r\n")

    def test_settings(self) -> None:
        """Store and prefix may stand in the configuration file."""
        path = Path(os.path.abspath(self.mktemp()))
        target = self.new_store()
        path.write_text(f"store:\n  url: {target.url}\n  prefix: 'x:'\n")
        self.assertEqual(call("restore", self.backed_up(), "-c", str(path)).status, 0)
        self.assertIn("hello", target.ask("GET x:user:7"))

    def test_master_key(self) -> None:
        """The key that is given has to be the one of the backup; it may stand in a file."""
        target = self.new_store()
        words = ("restore", self.backed_up(), "--redis", target.url)
        done = call(*words, TFSERVER_MASTER_KEY=new_master_key())
        self.assertEqual(done.status, 1)
        self.assertIn(KEY_ID, done.err)
        self.assertEqual(target.ask("DBSIZE"), ":0\r\n")
        path = Path(os.path.abspath(self.mktemp()))
        path.write_text(KEY)
        config = Path(os.path.abspath(self.mktemp()))
        config.write_text(f"vault:\n  key_file: {path}\n")
        self.assertEqual(call(*words, "-c", str(config)).status, 0)

    def test_running_server(self) -> None:
        """While a server runs nothing is restored."""
        self.backed_up()
        self.store.ask("SET tf:alive:one/1 1")
        done = call("restore", self.file, "--replace", "--redis", self.store.url)
        self.assertEqual(done.status, 1)
        self.assertIn("one/1", done.err)
        self.assertIn("hello", self.store.ask("GET tf:user:7"))

    def test_full(self) -> None:
        """A store that takes nothing is left as it is, with its words."""
        self.backed_up()
        self.store.ask("CONFIG SET maxmemory 1")
        done = call("restore", self.file, "--replace", "--redis", self.store.url)
        self.assertEqual((done.status, done.out), (1, ""))
        self.assertIn("OOM", done.err)
        self.assertIn("schema", self.store.ask("HGETALL tf:meta"))
        self.assertIn("hello", self.store.ask("GET tf:user:7"))

    def test_no_file(self) -> None:
        """A file that is not there, or is no backup, is told by its name; nothing is changed."""
        done = call("restore", "/nonexistent/x.backup", "--redis", self.store.url, "--replace")
        self.assertEqual((done.status, done.out), (1, ""))
        self.assertIn("/nonexistent/x.backup", done.err)
        Path(self.file).write_text("hello")
        self.assertEqual(call("restore", self.file, "--redis", self.store.url, "--replace").status, 1)
        self.assertIn("hello", self.store.ask("GET tf:user:7"))

    def test_no_store(self) -> None:
        """A store out of reach is status 3; a folder without one is status 1 and not made."""
        self.store.kill()
        self.assertEqual(call("backup", self.file, "--redis", self.store.url).status, 3)
        folder = os.path.abspath(self.mktemp())
        self.assertEqual(call("backup", self.file, "--data-dir", folder).status, 1)
        self.assertFalse(os.path.exists(folder))
        self.assertFalse(os.path.exists(self.file))


class OwnStoreTests(BackupCase):
    """With the store in a data folder, whose server is off: it is started for that."""

    def in_process(self, *words: str) -> Outcome:
        """A command as a process: it runs a reactor of its own."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TFSERVER_")}
        done = subprocess.run(
            [sys.executable, "-m", "tfserver.cli.main", *words],
            capture_output=True,
            text=True,
            timeout=2 * SECONDS,
            env={**kept, "PYTHONPATH": str(ROOT)},
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    def test_there_and_back(self) -> None:
        """The master key has to be there first; then all comes back, and can be backed up from there."""
        folder = Path(os.path.abspath(self.mktemp()))
        words = ("restore", self.backed_up(), "--data-dir", str(folder))
        done = call(*words)
        self.assertEqual((done.status, done.out), (1, ""))
        self.assertIn(str(folder / "master.key"), done.err)
        folder.mkdir(0o700)
        (folder / "master.key").write_text(KEY)
        done = self.in_process(*words)
        self.assertEqual((done.status, done.err), (0, ""))
        again = f"{self.file}.again"
        done = self.in_process("backup", again, "--data-dir", str(folder), "--json")
        self.assertEqual((done.status, done.err), (0, ""))
        self.assertEqual((done.json["keys"], done.json["master_key"]), (2, KEY_ID))
        done = self.in_process(*words)
        self.assertEqual(done.status, 1)
        self.assertIn("--replace", done.err)
        self.assertNotIn("Traceback", done.err)
