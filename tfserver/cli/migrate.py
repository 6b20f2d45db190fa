"""Move all that is kept into another store and another archive."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from tfserver.cli.archives import archive_of, archive_to_fill
from tfserver.cli.outcome import Failed
from tfserver.cli.output import People, prints, progress
from tfserver.cli.stores import Place, in_store, uses_store

if TYPE_CHECKING:
    from tfserver.config import Settings
    from tfserver.store.address import Address
    from tfserver.store.blocking import Blocking

REDIS_PASSWORD = "TFSERVER_TO_REDIS_PASSWORD"
ARCHIVE_PASSWORD = "TFSERVER_TO_ARCHIVE_PASSWORD"


@click.command("migrate")
@click.option("--to-redis", metavar="URL", help=f"The new store; its password: {REDIS_PASSWORD}.")
@click.option("--to-archive", metavar="URL", help=f"The new archive; its password: {ARCHIVE_PASSWORD}.")
@click.option("--replace", is_flag=True, help="Forget what the new ones keep.")
@uses_store
@prints
def command(place: Place, out: People, to_redis: str | None, to_archive: str | None, replace: bool) -> None:
    """Copy all that is kept into another store, another archive, or both, with all servers stopped.

    Terminals keep their punches meanwhile. What is there stays as it is: start servers only with the new ones
    afterwards, and remove the old when all is well. Each server needs the master key of the old store.

    \b
      tfserver migrate --to-redis redis://db.example --to-archive postgresql://tfserver@db.example/tfserver
      tfserver migrate --to-archive postgresql://tfserver@db.example/tfserver --data-dir ./tfserver-data
    """
    if not to_redis and not to_archive:
        raise click.UsageError("give --to-redis, --to-archive, or both")
    settings = place.settings()

    def work(address: Address) -> tuple[int, int]:
        """First the archive: as long as the new store is not whole, no server starts on it."""
        from tfserver.store.backup.keys import refuse_running
        from tfserver.store.blocking import Blocking

        with Blocking(address) as store:
            refuse_running(store, settings.store.prefix)
            punches = _archive_moved(settings, to_archive, replace) if to_archive else 0
            keys = _store_moved(settings, store, to_redis, replace) if to_redis else 0
            return keys, punches

    keys, punches = in_store(settings, work)
    told = [f"{keys} keys to the new store"] * bool(to_redis) + [
        f"{punches} punches to the new archive"
    ] * bool(to_archive)
    out.said(
        f"copied: {' and '.join(told)}; start servers only with the new configuration from now on",
        {"keys": keys, "punches": punches},
    )


def _archive_moved(settings: Settings, url: str, replace: bool) -> int:
    password = os.environ.get(ARCHIVE_PASSWORD, "")
    with archive_of(settings) as source:
        if source is None:
            raise Failed("there is no archive yet: servers make it when they start with the new URL")
        _, count = source.look()
        with archive_to_fill(url, password, replace) as target, progress("punches") as tell:
            target.begin()
            for piece in source.pieces():
                target.add(piece.content)
                tell(target.punches, count)
            target.finish()
            return target.punches


def _store_moved(settings: Settings, store: Blocking, url: str, replace: bool) -> int:
    from datetime import UTC, datetime

    from tfserver.model import rfc3339
    from tfserver.store import address
    from tfserver.store.backup.keys import described, entries, is_empty, refuse, restore
    from tfserver.store.blocking import Blocking

    prefix = settings.store.prefix
    header = described(store, prefix, rfc3339(datetime.now(UTC)))
    with Blocking(address.parse(url, os.environ.get(REDIS_PASSWORD, ""))) as target:
        refuse(target, prefix, header, ())
        if not replace and not is_empty(target, prefix):
            raise Failed(f"the new store keeps something under '{prefix}': --replace forgets that")
        with progress("keys") as tell:
            return restore(target, prefix, entries(store, prefix), header, tell)
