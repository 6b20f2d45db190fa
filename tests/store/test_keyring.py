"""Where master keys stand: read whatever stands around them, read again when they change, written whole."""

from __future__ import annotations

import os
from pathlib import Path
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from tfserver.errors import ConfigError, StartError
from tfserver.store.keyring import KeyFile, Keyring, parse_keys
from tfserver.store.vault import new_master_key, read_master_key

FIRST, SECOND, THIRD = (new_master_key() for _ in range(3))


def keys(*texts: str) -> tuple[bytes, ...]:
    """The keys that stand in texts."""
    return tuple(read_master_key(text, "test") for text in texts)


class ParseTests(SynchronousTestCase):
    """Several keys in one text."""

    def test_between(self) -> None:
        """Line ends, blanks and commas stand between them, in any number; the order stays."""
        for between in ("\n", ",", "\r\n\r\n", " ", ", "):
            text = f" {FIRST}{between}{SECOND}{between}"
            self.assertEqual(parse_keys(text, "here"), keys(FIRST, SECOND))

    def test_twice(self) -> None:
        """A key that stands there twice is one."""
        self.assertEqual(parse_keys(f"{FIRST}\n{SECOND}\n{FIRST}", "here"), keys(FIRST, SECOND))

    def test_malformed(self) -> None:
        """None, or one that is malformed among others, is refused with the source and without a key."""
        for text in ("", "\n", f"{FIRST}\nc2hvcnQ=", f"{FIRST[:-4]}"):
            error = str(self.assertRaises(ConfigError, parse_keys, text, "over there"))
            self.assertIn("over there", error)
            self.assertNotIn(FIRST[:20], error)

    def test_variable(self) -> None:
        """What a variable gives stays as it is."""
        ring = Keyring(f"{FIRST},{SECOND}", "VARIABLE")
        self.assertEqual((ring.again(), ring.texts, ring.path), (keys(FIRST, SECOND), [FIRST, SECOND], None))


class FileTests(SynchronousTestCase):
    """A file with master keys."""

    def setUp(self) -> None:
        self.path = Path(self.mktemp()).absolute()
        self.path.write_text(f"{FIRST}\n")
        self.path.chmod(0o640)
        self.ring = KeyFile(self.path)

    def test_read_again(self) -> None:
        """What another wrote is known at the next look."""
        KeyFile(self.path).replace([FIRST, SECOND])
        self.assertEqual(self.ring.keys, keys(FIRST))
        self.assertEqual(self.ring.again(), keys(FIRST, SECOND))

    def test_half_written(self) -> None:
        """While somebody writes it, or when it is gone, what was read last counts."""
        for text in ("", FIRST[:10]):
            self.path.write_text(text)
            self.assertEqual(self.ring.again(), keys(FIRST))
        self.path.unlink()
        self.assertEqual(self.ring.again(), keys(FIRST))
        self.path.write_text(f"{SECOND}\n")
        self.assertEqual(self.ring.again(), keys(SECOND))

    def test_not_read_again(self) -> None:
        """A file that is as it was is not read for each look."""
        with mock.patch.object(Path, "read_text", side_effect=AssertionError):
            self.assertEqual(self.ring.again(), keys(FIRST))

    def test_replaced(self) -> None:
        """Mode and name stay, also behind a link, and nothing is left beside."""
        link = Path(self.mktemp()).absolute()
        link.symlink_to(self.path)
        before = set(os.listdir(self.path.parent))
        KeyFile(link).replace([SECOND, FIRST])
        self.assertTrue(link.is_symlink())
        self.assertEqual(self.path.read_text(), f"{SECOND}\n{FIRST}\n")
        self.assertEqual(self.path.stat().st_mode & 0o777, 0o640)
        self.assertEqual(set(os.listdir(self.path.parent)), before)

    def test_disk_refuses(self) -> None:
        """When the disk refuses, the file is as it was, and nothing is left beside."""
        before = set(os.listdir(self.path.parent))
        with mock.patch("os.fsync", side_effect=OSError(28, "No space left on device")):
            self.assertIn("No space", str(self.assertRaises(StartError, self.ring.replace, [SECOND])))
        self.assertEqual(self.path.read_text(), f"{FIRST}\n")
        self.assertEqual(set(os.listdir(self.path.parent)), before)

    def test_held(self) -> None:
        """Of two that want to change it one is refused, as long as the other is at it."""
        other = KeyFile(self.path)
        with self.ring.held(), self.assertRaises(StartError) as refused, other.held():
            pass
        self.assertIn(str(self.path), str(refused.exception))
        with other.held():
            pass

    def test_missing(self) -> None:
        """A file that is not there is refused with its setting and its name."""
        error = str(self.assertRaises(StartError, KeyFile, Path("/nowhere/key"), "vault.key_file"))
        for words in ("vault.key_file", "/nowhere/key"):
            self.assertIn(words, error)
