"""The archive itself, for what is done without a server."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tfserver.cli.outcome import Failed
from tfserver.errors import ArchiveUnavailable, StartError

if TYPE_CHECKING:
    from tfserver.config import Settings
    from tfserver.store.archive.copying import Source, Target

BESIDE = "--without-archive leaves it out"


@contextlib.contextmanager
def archive_of(settings: Settings) -> Iterator[Source | None]:
    """The archive that these settings name, to be read; None when a server with them has not made one yet."""
    from tfserver.store.archive.copying import Source
    from tfserver.store.archive.place import archive_file, archive_url
    from tfserver.store.secrets import archive_password

    url = archive_url(settings)
    if not settings.archive.url and not archive_file(settings).exists():
        yield None
        return
    try:
        source = Source(url, archive_password(settings))
    except StartError as wrong:
        raise Failed(f"{wrong}; {BESIDE}") from wrong
    try:
        yield source
    except ArchiveUnavailable as away:
        raise Failed(f"the archive can't be read: {away}; {BESIDE}") from away
    finally:
        source.close()


@contextlib.contextmanager
def archive_to_fill(url: str, password: str, replaces: bool) -> Iterator[Target]:
    """An archive that is filled. Failed when punches are in it, unless they are to be replaced."""
    from tfserver.store.archive.copying import Target

    target = Target(url, password)
    try:
        target.open()
        if not replaces and not target.is_empty():
            raise Failed("there are punches in the archive: --replace forgets them")
        yield target
    except ArchiveUnavailable as away:
        raise Failed(f"the archive can't be written: {away}") from away
    finally:
        target.close()
