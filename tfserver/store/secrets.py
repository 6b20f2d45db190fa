"""Secrets of the server: from the environment first, then from files, never from options (design §2.1)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from tfserver.config import Settings
from tfserver.errors import StartError
from tfserver.store.address import Address, parse, reached
from tfserver.store.datafolder import DataFolder
from tfserver.store.keyring import KeyFile, Keyring
from tfserver.store.vault import new_master_key

MASTER_KEY: Final = "master.key"
ADMIN_TOKEN: Final = "admin-token"
KEY_VARIABLE: Final = "TFSERVER_MASTER_KEY"
PASSWORD_VARIABLE: Final = "TFSERVER_REDIS_PASSWORD"
SENTINEL_VARIABLE: Final = "TFSERVER_SENTINEL_PASSWORD"
ARCHIVE_VARIABLE: Final = "TFSERVER_ARCHIVE_PASSWORD"


def store_password(settings: Settings) -> str:
    """The password of the store, empty when there is none; StartError for an unreadable file."""
    given = os.environ.get(PASSWORD_VARIABLE)
    if given:
        return given
    path = settings.store.password_file
    return _text_of(path, "store.password_file").strip() if path else ""


def sentinel_password(settings: Settings) -> str:
    """The password of the sentinels, empty when there is none; StartError for an unreadable file."""
    given = os.environ.get(SENTINEL_VARIABLE)
    if given:
        return given
    path = settings.store.sentinel_password_file
    return _text_of(path, "store.sentinel_password_file").strip() if path else ""


def store_address(settings: Settings) -> Address:
    """Where the store is that the settings name, and all it takes to get in. ConfigError, StartError."""
    found = parse(settings.store.url, store_password(settings))
    return reached(found, settings.store, sentinel_password(settings))


def archive_password(settings: Settings) -> str:
    """The password of the archive, empty when there is none; StartError for an unreadable file."""
    given = os.environ.get(ARCHIVE_VARIABLE)
    if given:
        return given
    path = settings.archive.password_file
    return _text_of(path, "archive.password_file").strip() if path else ""


def master_keys(settings: Settings, folder: DataFolder | None) -> Keyring:
    """The keys that seal credentials. The data folder of an embedded store gets one; else they must be given.

    Raises StartError without any, ConfigError for a malformed one.
    """
    given = given_keys(settings)
    if given is not None:
        return given
    if folder is None:
        raise StartError(
            f"no master key for credentials: set {KEY_VARIABLE} or vault.key_file; "
            "'tfserver key create' makes one"
        )
    folder.read_or_create_secret(MASTER_KEY, lambda: f"{new_master_key()}\n".encode())
    return KeyFile(folder.path / MASTER_KEY)


def given_keys(settings: Settings) -> Keyring | None:
    """The same where nothing is made: what the variable or the settings give; None when they don't."""
    given = os.environ.get(KEY_VARIABLE)
    if given:
        return Keyring(given, KEY_VARIABLE)
    path = settings.vault.key_file
    return KeyFile(Path(path), "vault.key_file") if path else None


def kept_keys(settings: Settings) -> Keyring | None:
    """The keys of a server with these settings, also while it runs; None when there are none."""
    given = given_keys(settings)
    if given is not None or settings.store.url:
        return given
    path = Path(settings.data_dir, MASTER_KEY)
    return KeyFile(path) if path.exists() else None


def _text_of(path: str, setting: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as wrong:
        raise StartError(f"{setting}: can't read {path}: {wrong}") from wrong
