"""Which archive the settings name."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from urllib.parse import quote

from tfserver.config import Settings

FILE: Final = "archive.sqlite"


def archive_file(settings: Settings) -> Path:
    """Where the archive stands when the settings name none."""
    return Path(settings.data_dir, FILE).absolute()


def archive_url(settings: Settings) -> str:
    """The URL of the archive."""
    return settings.archive.url or f"sqlite:///{quote(str(archive_file(settings)))}"
