"""The data folder: private, locked, its secrets whole."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

from twisted.trial.unittest import TestCase

import tfserver
from tfserver.errors import StartError
from tfserver.store import datafolder
from tfserver.store.binary import Record
from tfserver.store.datafolder import DataFolder, private_folder

ROOT = Path(tfserver.__file__).parent.parent

HOLD = """
import sys
from tfserver.store.datafolder import DataFolder
folder = DataFolder(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


def mode(path: Path) -> int:
    """Return the permission bits of a file or folder."""
    return stat.S_IMODE(path.stat().st_mode)


class FolderCase(TestCase):
    """A short folder, and data folders in it."""

    def setUp(self) -> None:
        self.base = Path(tempfile.mkdtemp(prefix="tfd-"))
        self.addCleanup(shutil.rmtree, self.base, ignore_errors=True)

    def folder(self) -> DataFolder:
        folder = DataFolder(self.base / "data")
        self.addCleanup(folder.release)
        return folder


class FolderTests(FolderCase):
    """Making, refusing and locking the folder."""

    def test_is_made_private(self) -> None:
        """The folder is made with mode 0700 whatever the umask is, and its lock with 0600."""
        self.addCleanup(os.umask, os.umask(0))
        folder = self.folder()
        self.assertEqual(mode(folder.path), 0o700)
        self.assertEqual(mode(folder.path / "lock"), 0o600)

    def test_empty_folder_becomes_private(self) -> None:
        """An empty folder made by somebody's mkdir or a volume gets mode 0700."""
        (self.base / "data").mkdir(mode=0o755)
        self.assertEqual(mode(self.folder().path), 0o700)

    def test_folder_others_can_write(self) -> None:
        """A folder with content that others may write to is refused and not changed."""
        (self.base / "file").touch()
        self.base.chmod(0o777)
        error = self.assertRaises(StartError, private_folder, self.base)
        self.assertIn("chmod 700", str(error))
        self.assertEqual(mode(self.base), 0o777)

    def test_path_is_a_file(self) -> None:
        """A path that can't be a folder is refused with the option to change."""
        (self.base / "data").touch()
        self.assertIn("--data-dir", str(self.assertRaises(StartError, DataFolder, self.base / "data")))
        self.assertIn("--data-dir", str(self.assertRaises(StartError, DataFolder, self.base / "data" / "x")))

    def test_owned_by_somebody_else(self) -> None:
        """A folder of another user is refused, naming both."""
        (self.base / "data").mkdir()
        self.patch(datafolder.os, "geteuid", lambda: 54321)
        error = str(self.assertRaises(StartError, DataFolder, self.base / "data"))
        self.assertIn("owned by", error)
        self.assertIn("uid 54321", error)

    def test_second_process_is_locked_out(self) -> None:
        """A folder held by another process is refused with its pid; when that one dies it is free."""
        path = self.base / "data"
        holder = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
        )
        assert holder.stdin is not None and holder.stdout is not None
        try:
            self.assertEqual(holder.stdout.readline(), b"held\n")
            error = str(self.assertRaises(StartError, DataFolder, path))
            self.assertIn(f"pid {holder.pid}", error)
            self.assertIn(str(path), error)
        finally:
            holder.kill()
            holder.wait()
            holder.stdin.close()
            holder.stdout.close()
        self.assertEqual((self.folder().path / "lock").read_text(), f"{os.getpid()}\n")

    def test_release(self) -> None:
        """A released folder can be taken again, and releasing twice is harmless."""
        folder = self.folder()
        self.assertRaises(StartError, DataFolder, folder.path)
        folder.release()
        folder.release()
        DataFolder(folder.path).release()


class SecretTests(FolderCase):
    """Secrets and other small files."""

    def test_secret_is_made_once(self) -> None:
        """The first call makes the secret with mode 0600, later ones read it, and no other file is left."""
        folder = self.folder()
        self.assertEqual(folder.read_or_create_secret("key", lambda: b"one"), b"one")
        self.assertEqual(folder.read_or_create_secret("key", lambda: b"two"), b"one")
        self.assertEqual(mode(folder.path / "key"), 0o600)
        self.assertEqual(sorted(os.listdir(folder.path)), ["key", "lock"])

    def test_readable_secret_is_refused(self) -> None:
        """A secret that group or others could have read is refused with the chmod to run."""
        folder = self.folder()
        folder.write("key", b"one")
        for bits in (0o640, 0o604, 0o620):
            (folder.path / "key").chmod(bits)
            error = self.assertRaises(StartError, folder.read_or_create_secret, "key", lambda: b"two")
            self.assertIn("chmod 600", str(error))

    def test_link_and_empty_are_refused(self) -> None:
        """A secret that is a link or empty is refused and left as it is."""
        folder = self.folder()
        folder.write("real", b"one")
        (folder.path / "link").symlink_to("real")
        folder.write("empty", b"")
        for name in ("link", "empty"):
            self.assertRaises(StartError, folder.read_or_create_secret, name, lambda: b"two")
        self.assertEqual(folder.read("real"), b"one")

    def test_failed_write_keeps_the_old(self) -> None:
        """A write that fails half way leaves the old content and no litter."""
        folder = self.folder()
        folder.write("key", b"one")

        def full(fd: int) -> None:
            raise OSError(28, "No space left on device")

        self.patch(datafolder.os, "fsync", full)
        self.assertIn("No space", str(self.assertRaises(StartError, folder.write, "key", b"two")))
        self.assertEqual(folder.read("key"), b"one")
        self.assertEqual(sorted(os.listdir(folder.path)), ["key", "lock"])

    def test_record(self) -> None:
        """The record comes back as kept; there is none at first, and a damaged one is refused."""
        folder = self.folder()
        self.assertIsNone(folder.record())
        record = Record("valkey", "9.1.2", "/bin/valkey-server", "/run/s", 7)
        folder.keep(record)
        self.assertEqual(folder.record(), record)
        for damaged in (b"{", b'{"flavour":"mongo","version":"1.2.3","path":""}'):
            folder.write("store.json", damaged)
            self.assertIn("store.json", str(self.assertRaises(StartError, folder.record)))
