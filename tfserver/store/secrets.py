"""Secrets of the server: from the environment first, then from files, never from options (design §2.1)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from tfserver.config import Settings
from tfserver.errors import StartError
from tfserver.store.datafolder import DataFolder
from tfserver.store.vault import new_master_key, read_master_key

MASTER_KEY: Final = "master.key"
ADMIN_TOKEN: Final = "admin-token"
KEY_VARIABLE: Final = "TFSERVER_MASTER_KEY"
PASSWORD_VARIABLE: Final = "TFSERVER_REDIS_PASSWORD"
ARCHIVE_VARIABLE: Final = "TFSERVER_ARCHIVE_PASSWORD"


def store_password(settings: Settings) -> str:
    """The password of the store, empty when there is none; StartError for an unreadable file."""
    given = os.environ.get(PASSWORD_VARIABLE)
    if given:
        return given
    path = settings.store.password_file
    return _text_of(path, "store.password_file").strip() if path else ""


def archive_password(settings: Settings) -> str:
    """The password of the archive, empty when there is none; StartError for an unreadable file."""
    given = os.environ.get(ARCHIVE_VARIABLE)
    if given:
        return given
    path = settings.archive.password_file
    return _text_of(path, "archive.password_file").strip() if path else ""


def master_key(settings: Settings, folder: DataFolder | None) -> bytes:
    """The key that seals credentials. The data folder of an embedded store gets one; else it must be given.

    Raises StartError without one, ConfigError for a malformed one.
    """
    given = os.environ.get(KEY_VARIABLE)
    if given:
        return read_master_key(given, KEY_VARIABLE)
    path = settings.vault.key_file
    if path:
        return read_master_key(_text_of(path, "vault.key_file"), path)
    if folder is None:
        raise StartError(
            f"no master key for credentials: set {KEY_VARIABLE} or vault.key_file; "
            "'tfserver key create' makes one"
        )
    made = folder.read_or_create_secret(MASTER_KEY, lambda: f"{new_master_key()}\n".encode())
    return read_master_key(made.decode("ascii", "replace"), str(folder.path / MASTER_KEY))


def _text_of(path: str, setting: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as wrong:
        raise StartError(f"{setting}: can't read {path}: {wrong}") from wrong
