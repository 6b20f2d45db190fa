"""Secrets of the server: where they are looked for, in which order, and what is said when they are wrong."""

from __future__ import annotations

import base64
import os
import shutil
import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tfserver.config import Archive, Settings, Store, Vault
from tfserver.errors import ConfigError, StartError
from tfserver.store.datafolder import DataFolder
from tfserver.store.secrets import (
    ARCHIVE_VARIABLE,
    KEY_VARIABLE,
    MASTER_KEY,
    PASSWORD_VARIABLE,
    SENTINEL_VARIABLE,
    archive_password,
    master_keys,
    sentinel_password,
    store_address,
    store_password,
)
from tfserver.store.vault import new_master_key


class SecretsCase(SynchronousTestCase):
    """A folder, and an environment without our variables."""

    def setUp(self) -> None:
        self.base = Path(tempfile.mkdtemp(prefix="tfd-"))
        self.addCleanup(shutil.rmtree, self.base, ignore_errors=True)
        self.patch(os, "environ", {k: v for k, v in os.environ.items() if not k.startswith("TFSERVER_")})

    def file(self, content: bytes) -> str:
        """Write a secret to a file; return its path."""
        path = self.base / "secret"
        path.write_bytes(content)
        return str(path)


class ArchivePasswordTests(SecretsCase):
    """The password of the archive, which is not that of the store."""

    def test_where(self) -> None:
        """The environment comes first, then the file; without both there is none."""
        os.environ[PASSWORD_VARIABLE] = "of the store"
        self.assertEqual(archive_password(Settings()), "")
        settings = Settings(archive=Archive(password_file=self.file(b" from the file\n")))
        self.assertEqual(archive_password(settings), "from the file")
        os.environ[ARCHIVE_VARIABLE] = "from the environment"
        self.assertEqual(archive_password(settings), "from the environment")

    def test_unreadable(self) -> None:
        """A file that is missing is told with its setting."""
        settings = Settings(archive=Archive(password_file="/nowhere/secret"))
        self.assertIn("archive.password_file", str(self.assertRaises(StartError, archive_password, settings)))


class PasswordTests(SecretsCase):
    """The password of the store."""

    def settings(self, path: str) -> Settings:
        """Settings that name a file."""
        return Settings(store=Store(password_file=path))

    def test_none(self) -> None:
        """Where nothing is said there is no password."""
        self.assertEqual(store_password(Settings()), "")

    def test_file(self) -> None:
        """A file's content without the white space around it is the password."""
        self.assertEqual(store_password(self.settings(self.file("  sésame 7\n".encode()))), "sésame 7")

    def test_environment_first(self) -> None:
        """The environment comes before the file, which is not even read; an empty variable is none."""
        os.environ[PASSWORD_VARIABLE] = "from the environment"
        self.assertEqual(store_password(self.settings("/nowhere")), "from the environment")
        os.environ[PASSWORD_VARIABLE] = ""
        self.assertEqual(store_password(self.settings(self.file(b"from the file"))), "from the file")

    def test_unreadable(self) -> None:
        """A file that is missing or no text is refused with setting and path, not with its content."""
        for path in ("/nowhere/secret", str(self.base), self.file(b"ses\xffame")):
            error = str(self.assertRaises(StartError, store_password, self.settings(path)))
            self.assertIn("store.password_file", error)
            self.assertIn(path, error)
            self.assertNotIn("ses\\xff", error)
            self.assertNotIn("ame'", error)


class MasterKeyTests(SecretsCase):
    """The key that seals credentials."""

    def setUp(self) -> None:
        super().setUp()
        self.text = new_master_key()
        self.key = base64.b64decode(self.text)

    def settings(self, path: str) -> Settings:
        """Settings that name a file."""
        return Settings(vault=Vault(key_file=path))

    def folder(self) -> DataFolder:
        """A data folder."""
        folder = DataFolder(self.base / "data")
        self.addCleanup(folder.release)
        return folder

    def test_environment_first(self) -> None:
        """The environment comes before the file and the data folder, and nothing is made then."""
        os.environ[KEY_VARIABLE] = self.text
        folder = self.folder()
        self.assertEqual(master_keys(self.settings("/nowhere"), folder).keys, (self.key,))
        self.assertFalse((folder.path / MASTER_KEY).exists())

    def test_file_before_the_folder(self) -> None:
        """A file that is named comes before the data folder."""
        folder = self.folder()
        settings = self.settings(self.file(f"{self.text}\n".encode()))
        self.assertEqual(master_keys(settings, folder).keys, (self.key,))
        self.assertFalse((folder.path / MASTER_KEY).exists())

    def test_made_in_the_folder(self) -> None:
        """An embedded store gets a key of its own, the same at every start, readable by its owner only."""
        folder = self.folder()
        [made] = master_keys(Settings(), folder).keys
        self.assertEqual(len(made), 32)
        self.assertEqual(master_keys(Settings(), folder).keys, (made,))
        self.assertEqual((folder.path / MASTER_KEY).stat().st_mode & 0o777, 0o600)

    def test_none(self) -> None:
        """Without a key and a folder the start is refused with three ways out."""
        error = str(self.assertRaises(StartError, master_keys, Settings(), None))
        for words in (KEY_VARIABLE, "vault.key_file", "tfserver key create"):
            self.assertIn(words, error)

    def test_malformed(self) -> None:
        """A malformed key is refused with the place it came from, not with itself."""
        wrong = "c2VzYW1l"
        os.environ[KEY_VARIABLE] = wrong
        error = str(self.assertRaises(ConfigError, master_keys, Settings(), None))
        self.assertIn(KEY_VARIABLE, error)
        self.assertNotIn(wrong, error)
        del os.environ[KEY_VARIABLE]
        path = self.file(wrong.encode())
        error = str(self.assertRaises(ConfigError, master_keys, self.settings(path), None))
        self.assertIn(path, error)
        self.assertNotIn(wrong, error)
        folder = self.folder()
        folder.write(MASTER_KEY, wrong.encode())
        error = str(self.assertRaises(ConfigError, master_keys, Settings(), folder))
        self.assertIn(str(folder.path / MASTER_KEY), error)
        self.assertNotIn(wrong, error)

    def test_unreadable(self) -> None:
        """A key file that can't be read is refused with the setting and the path."""
        error = str(self.assertRaises(StartError, master_keys, self.settings("/nowhere/key"), None))
        self.assertIn("vault.key_file", error)
        self.assertIn("/nowhere/key", error)


class SentinelPasswordTests(SecretsCase):
    """The password of the sentinels, which is not that of the store."""

    def test_where(self) -> None:
        """The environment comes first, then the file; without both there is none."""
        os.environ[PASSWORD_VARIABLE] = "of the store"
        self.assertEqual(sentinel_password(Settings()), "")
        settings = Settings(store=Store(sentinel_password_file=self.file(b" from the file\n")))
        self.assertEqual(sentinel_password(settings), "from the file")
        os.environ[SENTINEL_VARIABLE] = "from the environment"
        self.assertEqual(sentinel_password(settings), "from the environment")

    def test_unreadable(self) -> None:
        """A file that is missing is told with its setting."""
        settings = Settings(store=Store(sentinel_password_file="/nowhere/secret"))
        why = str(self.assertRaises(StartError, sentinel_password, settings))
        self.assertIn("store.sentinel_password_file", why)

    def test_address(self) -> None:
        """All that is needed to get into the store stands in its address, and no password in its text."""
        os.environ[PASSWORD_VARIABLE], os.environ[SENTINEL_VARIABLE] = "one", "two"
        store = Store(url="sentinels://me@h1/main", sentinel_user="asks", ca_file="/etc/ca.pem")
        found = store_address(Settings(store=store))
        self.assertEqual(found.greeting, ("AUTH", "me", "one"))
        self.assertEqual(found.sentinel_greeting, ("AUTH", "asks", "two"))
        self.assertEqual((str(found), found.ca_file), ("sentinels://me@h1:26379/main", "/etc/ca.pem"))
