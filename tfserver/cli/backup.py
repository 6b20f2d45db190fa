"""Write all that the store keeps into one file."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tfserver.cli.outcome import Failed
from tfserver.cli.output import People, prints, progress
from tfserver.cli.stores import Place, in_store, uses_store

if TYPE_CHECKING:
    from tfserver.store.address import Address
    from tfserver.store.backup.file import Header


@click.command("backup")
@click.argument("file", type=click.Path(dir_okay=False))
@uses_store
@prints
def command(place: Place, out: People, file: str) -> None:
    """Write all that the store keeps into one file, also while servers run. An older FILE is replaced.

    The master key is not in it: keep that apart, for without it no credential can be opened.

    \b
      tfserver backup tfserver-$(date +%F).backup
      tfserver backup --redis redis://db.example /srv/backup/tfserver.backup
    """
    settings = place.settings()
    if not settings.store.url and not Path(settings.data_dir, "store.json").exists():
        raise Failed(f"there is no store in {settings.data_dir}: give --redis URL or --data-dir")

    def work(address: Address) -> Header:
        """Copy key by key."""
        from tfserver.model import rfc3339
        from tfserver.store.backup import keys
        from tfserver.store.backup.file import write
        from tfserver.store.blocking import Blocking

        prefix = settings.store.prefix
        with Blocking(address) as store, progress("keys") as tell:
            header = keys.described(store, prefix, rfc3339(datetime.now(UTC)))
            return write(file, header, keys.entries(store, prefix), tell, int(store.ask("DBSIZE")))

    header = in_store(settings, work)
    size = os.path.getsize(file)
    out.said(
        f"{file}: {header.count} keys, {size} bytes; not in it: the master key ({header.master_key})",
        {
            "file": file,
            "keys": header.count,
            "bytes": size,
            "time": header.time,
            "master_key": header.master_key,
        },
    )
