"""Write all that is kept into one file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tfserver.cli.archives import archive_of
from tfserver.cli.outcome import Failed
from tfserver.cli.output import People, prints, progress
from tfserver.cli.stores import Place, in_store, uses_store

if TYPE_CHECKING:
    from tfserver.config import Settings
    from tfserver.store.address import Address
    from tfserver.store.archive.copying import Source
    from tfserver.store.backup.file import Entry, Header
    from tfserver.store.blocking import Blocking


@click.command("backup")
@click.argument("file", type=click.Path(dir_okay=False))
@click.option(
    "--without-archive", is_flag=True, help="Leave the archive out; its database has its own backups."
)
@click.option(
    "--with-keys", is_flag=True, help="Put the master key and the first token in. Guard the file well."
)
@uses_store
@prints
def command(place: Place, out: People, file: str, without_archive: bool, with_keys: bool) -> None:
    """Write all that is kept into one file, also while servers run: the store, and the archive. An older
    FILE is replaced.

    Without --with-keys the master key is not in it: keep that apart, for without it no credential can be
    opened.

    \b
      tfserver backup tfserver-$(date +%F).backup
      tfserver backup --redis redis://db.example /srv/backup/tfserver.backup
      tfserver backup --without-archive --with-keys tfserver.backup
    """
    settings = place.settings()
    if not settings.store.url and not Path(settings.data_dir, "store.json").exists():
        raise Failed(f"there is no store in {settings.data_dir}: give --redis URL or --data-dir")
    secrets = _secrets(settings) if with_keys else {}

    def work(address: Address) -> Header:
        """Copy key by key, then row by row."""
        from tfserver.store.blocking import Blocking

        with Blocking(address) as store, archive_of(settings) as archive:
            return _written(file, store, settings.store.prefix, None if without_archive else archive, secrets)

    header = in_store(settings, work)
    size = os.path.getsize(file)
    inside = (
        f"{header.count} keys" if not header.archive else f"{header.count} keys and {header.rows} punches"
    )
    beside = f"; not in it: the master key ({header.master_key})" if not secrets else ""
    out.said(
        f"{file}: {inside}, {size} bytes{beside}",
        {
            "file": file,
            "keys": header.count,
            "punches": header.rows,
            "secrets": list(header.secrets),
            "bytes": size,
            "time": header.time,
            "master_key": header.master_key,
        },
    )


def _written(
    file: str, store: Blocking, prefix: str, archive: Source | None, secrets: dict[str, bytes]
) -> Header:
    import msgspec

    from tfserver.model import rfc3339
    from tfserver.store.backup import keys
    from tfserver.store.backup.file import write

    header = keys.described(store, prefix, rfc3339(datetime.now(UTC)))
    archive_id, punches = ("", 0) if archive is None else archive.look()
    header = msgspec.structs.replace(header, archive=archive_id, secrets=tuple(secrets))
    total = int(store.ask("DBSIZE")) + punches
    with progress("keys and punches") as tell:
        return write(file, header, _entries(store, prefix, archive, secrets), tell, total)


def _entries(
    store: Blocking, prefix: str, archive: Source | None, secrets: dict[str, bytes]
) -> Iterator[Entry]:
    from tfserver.store.backup import keys
    from tfserver.store.backup.file import Entry, Part

    for name, content in secrets.items():
        yield Entry(Part.SECRET, name.encode(), content)
    yield from keys.entries(store, prefix)
    # behind the stream: what was trimmed from it meanwhile is in the archive by now
    for piece in archive.pieces() if archive is not None else ():
        yield Entry(Part.ARCHIVE, str(piece.punches).encode(), piece.content)


def _secrets(settings: Settings) -> dict[str, bytes]:
    """The files with secrets that a server with these settings uses, by their names in a data folder."""
    from tfserver.store.secrets import ADMIN_TOKEN, KEY_VARIABLE, MASTER_KEY

    found = {}
    if given := os.environ.get(KEY_VARIABLE):
        found[MASTER_KEY] = f"{given}\n".encode()
    elif settings.vault.key_file:
        found[MASTER_KEY] = _read(Path(settings.vault.key_file))
    for name in (MASTER_KEY, ADMIN_TOKEN) if not settings.store.url else ():
        path = Path(settings.data_dir, name)
        if name not in found and path.exists():
            found[name] = _read(path)
    if MASTER_KEY not in found:
        raise Failed(f"there is no master key to put in: give {KEY_VARIABLE} or vault.key_file")
    return found


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as wrong:
        raise Failed(f"can't read {path}: {wrong.strerror}") from wrong
