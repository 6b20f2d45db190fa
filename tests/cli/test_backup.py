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
from tests.store.archive_rows import contents, fill
from tfserver.cli import restore
from tfserver.config import Settings
from tfserver.store.backup.file import verify
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
        self.assertEqual(found, {"file": self.file, "keys": 2, "punches": 0})

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


class ArchiveCase(BackupCase):
    """A store and an archive."""

    def setUp(self) -> None:
        super().setUp()
        self.archive = self.new_archive()
        self.archive_id = fill(self.archive, 30)

    def new_archive(self) -> str:
        """The URL of an archive that is not there yet."""
        return f"sqlite:///{os.path.abspath(self.mktemp())}"

    def config(self, store: RealStore, archive: str) -> str:
        """A configuration that names both."""
        path = Path(os.path.abspath(self.mktemp()))
        path.write_text(f"store:\n  url: {store.url}\narchive:\n  url: '{archive}'\n")
        return str(path)


class ArchiveTests(ArchiveCase):
    """The archive goes along, and secrets if that is wanted."""

    def test_there_and_back(self) -> None:
        """All rows come back, into an archive that is the same one for the store."""
        done = call("backup", self.file, "-c", self.config(self.store, self.archive))
        self.assertEqual((done.status, done.err), (0, ""))
        self.assertIn("30 punches", done.out)
        target = self.new_archive()
        done = call("restore", self.file, "-c", self.config(self.new_store(), target))
        self.assertEqual((done.status, done.err), (0, ""))
        self.assertIn("2 keys and 30 punches restored", done.out)
        self.assertEqual(contents(target), contents(self.archive))

    def test_without(self) -> None:
        """It can be left out, on either way."""
        words = ("backup", self.file, "-c", self.config(self.store, self.archive), "--json")
        self.assertEqual(call(*words, "--without-archive").json["punches"], 0)
        self.assertEqual(call(*words).json["punches"], 30)
        target = self.new_archive()
        done = call("restore", self.file, "--without-archive", "-c", self.config(self.new_store(), target))
        self.assertEqual(done.status, 0)
        self.assertFalse(os.path.exists(target.removeprefix("sqlite:///")))

    def test_not_empty(self) -> None:
        """An archive with punches is refused before the store is touched, unless it is to be replaced."""
        call("backup", self.file, "-c", self.config(self.store, self.archive))
        store, target = self.new_store(), self.new_archive()
        fill(target, 3)
        words = ("restore", self.file, "-c", self.config(store, target))
        done = call(*words)
        self.assertEqual(done.status, 1)
        self.assertIn("--replace", done.err)
        self.assertEqual((store.ask("DBSIZE"), len(contents(target)["punches"])), (":0\r\n", 3))
        self.assertEqual(call(*words, "--replace").status, 0)
        self.assertEqual(contents(target), contents(self.archive))

    def test_away(self) -> None:
        """An archive that can't be read makes no backup, and the way around is told."""
        config = self.config(self.store, "sqlite:////nonexistent/archive.sqlite")
        done = call("backup", self.file, "-c", config)
        self.assertEqual((done.status, os.path.exists(self.file)), (1, False))
        self.assertIn("--without-archive", done.err)

    def test_keys(self) -> None:
        """Only when it is asked for, the master key is in it; then a data folder gets it back."""
        words = ("backup", self.file, "-c", self.config(self.store, self.archive))
        call(*words, TFSERVER_MASTER_KEY=KEY)
        self.assertNotIn(KEY.encode(), Path(self.file).read_bytes())
        done = call(*words, "--with-keys", TFSERVER_MASTER_KEY=KEY)
        self.assertEqual(done.status, 0)
        self.assertNotIn(KEY, done.out)
        folder = Path(os.path.abspath(self.mktemp()))
        settings = Settings(data_dir=str(folder))
        with open(self.file, "rb") as content:
            restore._put_secrets(settings, content, verify(content))
        self.assertEqual((folder / "master.key").read_text().strip(), KEY)
        self.assertEqual((folder / "master.key").stat().st_mode & 0o777, 0o600)

    def test_no_key(self) -> None:
        """Without a key at hand a backup with keys is refused."""
        done = call("backup", self.file, "--with-keys", "-c", self.config(self.store, self.archive))
        self.assertEqual((done.status, os.path.exists(self.file)), (1, False))
        self.assertIn("TFSERVER_MASTER_KEY", done.err)


class MigrateTests(ArchiveCase):
    """From one store and archive to others, without a file between."""

    def test_both(self) -> None:
        """All keys and all rows are there, and what they came from is as it was."""
        store, archive = self.new_store(), self.new_archive()
        config = self.config(self.store, self.archive)
        done = call("migrate", "-c", config, "--to-redis", store.url, "--to-archive", archive)
        self.assertEqual((done.status, done.err), (0, ""))
        self.assertIn("2 keys to the new store and 30 punches to the new archive", done.out)
        self.assertIn("hello", store.ask("GET tf:user:7"))
        self.assertIn(KEY_ID, store.ask("HGETALL tf:meta"))
        self.assertEqual(contents(archive), contents(self.archive))
        self.assertIn("hello", self.store.ask("GET tf:user:7"))

    def test_refused(self) -> None:
        """Not while a server runs, not over something, not to nowhere; nothing is changed then."""
        config, store, archive = self.config(self.store, self.archive), self.new_store(), self.new_archive()
        self.assertEqual(call("migrate", "-c", config).status, 2)
        store.ask("SET tf:user:9 mine")
        done = call("migrate", "-c", config, "--to-redis", store.url)
        self.assertEqual(done.status, 1)
        self.assertIn("--replace", done.err)
        self.assertIn("mine", store.ask("GET tf:user:9"))
        self.store.ask("SET tf:alive:one/1 1")
        done = call("migrate", "-c", config, "--to-archive", archive)
        self.assertEqual(done.status, 1)
        self.assertIn("one/1", done.err)
        self.assertFalse(os.path.exists(archive.removeprefix("sqlite:///")))


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
