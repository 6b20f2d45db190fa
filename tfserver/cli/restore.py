"""Bring a backup back into a store."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tfserver.cli.outcome import Failed
from tfserver.cli.output import People, prints, progress
from tfserver.cli.stores import Place, in_store, uses_store

if TYPE_CHECKING:
    from typing import BinaryIO

    from tfserver.config import Settings
    from tfserver.store.address import Address
    from tfserver.store.backup.file import Header
    from tfserver.store.blocking import Blocking


@click.command("restore")
@click.argument("file", type=click.Path(dir_okay=False))
@click.option(
    "--replace", is_flag=True, help="Forget what the store keeps now, and put the backup in its place."
)
@uses_store
@prints
def command(place: Place, out: People, file: str, replace: bool) -> None:
    """Bring a backup back into a store, with all servers stopped. A store that keeps something is refused.

    The master key has to be there first: TFSERVER_MASTER_KEY, vault.key_file, or DATA_DIR/master.key.

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
            key_id = _key_id(settings, header)

            def work(address: Address) -> int:
                """See whether it may be, then do it."""
                with Blocking(address) as store:
                    refuse(store, prefix, header, key_id)
                    if not replace and not is_empty(store, prefix):
                        raise Failed(f"the store keeps something under '{prefix}': --replace forgets that")
                    return _restored(store, prefix, content, header)

            keys = in_store(settings, work)
    except OSError as wrong:
        raise Failed(f"can't read {file}: {wrong.strerror}") from wrong
    out.said(f"{file}: {keys} keys restored, as they were at {header.time}", {"file": file, "keys": keys})


def _restored(store: Blocking, prefix: str, content: BinaryIO, header: Header) -> int:
    from tfserver.store.backup.file import walk
    from tfserver.store.backup.keys import restore

    with progress("keys") as tell:
        return restore(store, prefix, walk(content, header), header, tell)


def _key_id(settings: Settings, header: Header) -> str | None:
    """The id of the master key that a server with these settings would use; None when none is given."""
    from tfserver.store.secrets import KEY_VARIABLE, MASTER_KEY, master_key
    from tfserver.store.vault import Vault, read_master_key

    if os.environ.get(KEY_VARIABLE) or settings.vault.key_file:
        return Vault(master_key(settings, None)).key_id
    if settings.store.url:
        return None
    path = Path(settings.data_dir, MASTER_KEY)
    if path.exists():
        return Vault(read_master_key(path.read_text("ascii", "replace"), str(path))).key_id
    if header.master_key:
        raise Failed(f"first put master key {header.master_key} into {path} (mode 0600): credentials need it")
    return None
