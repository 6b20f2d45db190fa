"""Bring a backup back."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tfserver.cli.archives import archive_to_fill
from tfserver.cli.outcome import Failed
from tfserver.cli.output import People, prints, progress
from tfserver.cli.stores import Place, in_store, uses_store

if TYPE_CHECKING:
    from typing import BinaryIO

    from tfserver.config import Settings
    from tfserver.store.address import Address
    from tfserver.store.archive.copying import Target
    from tfserver.store.backup.file import Header
    from tfserver.store.blocking import Blocking


@click.command("restore")
@click.argument("file", type=click.Path(dir_okay=False))
@click.option("--replace", is_flag=True, help="Forget what is kept now, and put the backup in its place.")
@click.option("--without-archive", is_flag=True, help="Leave the archive as it is.")
@uses_store
@prints
def command(place: Place, out: People, file: str, replace: bool, without_archive: bool) -> None:
    """Bring a backup back, with all servers stopped. A store or an archive that keeps something is refused.

    The master key has to be there first, unless it is in the backup and there is a data folder for it:
    TFSERVER_MASTER_KEY, vault.key_file, or DATA_DIR/master.key. The archive goes where the configuration
    says.

    \b
      tfserver restore tfserver-2026-04-02.backup --data-dir ./tfserver-data
      tfserver restore /srv/backup/tfserver.backup --redis redis://db.example --replace
    """
    from tfserver.store.backup.file import verify
    from tfserver.store.backup.keys import is_empty, refuse
    from tfserver.store.blocking import Blocking

    settings = place.settings()
    prefix = settings.store.prefix
    try:
        with open(file, "rb") as content:
            header = verify(content)
            _put_secrets(settings, content, header)
            key_ids = _key_ids(settings, header)

            def work(address: Address) -> int:
                """See whether it may be, then do it."""
                with Blocking(address) as store:
                    refuse(store, prefix, header, key_ids)
                    if not replace and not is_empty(store, prefix):
                        raise Failed(f"the store keeps something under '{prefix}': --replace forgets that")
                    with _filled(settings, header, replace, without_archive) as archive:
                        return _restored(store, prefix, content, header, archive)

            keys = in_store(settings, work)
    except OSError as wrong:
        raise Failed(f"can't read {file}: {wrong.strerror}") from wrong
    punches = 0 if without_archive else header.rows
    inside = f"{keys} keys" if not header.archive or without_archive else f"{keys} keys and {punches} punches"
    out.said(
        f"{file}: {inside} restored, as they were at {header.time}",
        {"file": file, "keys": keys, "punches": punches},
    )


@contextlib.contextmanager
def _filled(settings: Settings, header: Header, replace: bool, without: bool) -> Iterator[Target | None]:
    """The archive that the rows of a backup go to; None when they go nowhere."""
    if without or not header.archive:
        yield None
        return
    from tfserver.store.archive.place import archive_url
    from tfserver.store.secrets import archive_password

    with archive_to_fill(archive_url(settings), archive_password(settings), replace) as target:
        yield target


def _restored(store: Blocking, prefix: str, content: BinaryIO, header: Header, archive: Target | None) -> int:
    from tfserver.store.backup.file import Part, walk
    from tfserver.store.backup.keys import Restoring

    restoring = Restoring(store, prefix, header)
    restoring.begin()
    if archive is not None:
        archive.begin()
    with progress("keys and punches") as tell:
        for number, entry in enumerate(walk(content, header), 1):
            if entry.part is Part.STATE:
                restoring.add(entry)
            elif entry.part is Part.ARCHIVE and archive is not None:
                archive.add(entry.value)
            tell(number, header.count)
    if archive is not None:
        archive.finish()
        restoring.follow(archive.place)
    restoring.finish()
    return restoring.keys


def _put_secrets(settings: Settings, content: BinaryIO, header: Header) -> None:
    """Files with secrets go into the data folder of a store of its own, where they are not there already."""
    from tfserver.store.backup.file import Part, walk
    from tfserver.store.datafolder import DataFolder
    from tfserver.store.secrets import ADMIN_TOKEN, MASTER_KEY

    if settings.store.url or not header.secrets:
        return
    folder = DataFolder(settings.data_dir)
    try:
        for entry in walk(content, header):
            # never by a name that somebody else chose
            if entry.part is Part.SECRET and entry.name.decode() in (MASTER_KEY, ADMIN_TOKEN):
                folder.read_or_create_secret(entry.name.decode(), functools.partial(bytes, entry.value))
    finally:
        folder.release()


def _key_ids(settings: Settings, header: Header) -> tuple[str, ...]:
    """The ids of the master keys that a server with these settings would have; none when none is given."""
    from tfserver.store.secrets import MASTER_KEY, kept_keys
    from tfserver.store.vault import key_id_of

    found = kept_keys(settings)
    if found is not None:
        return tuple(map(key_id_of, found.keys))
    if header.master_key and not settings.store.url:
        path = Path(settings.data_dir, MASTER_KEY)
        raise Failed(f"first put master key {header.master_key} into {path} (mode 0600): credentials need it")
    return ()
