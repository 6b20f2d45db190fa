"""Taking a snapshot of a terminal."""

from __future__ import annotations

import click

from tfserver.cli.api import Api, asks_server, known_terminals
from tfserver.cli.outcome import DONE
from tfserver.cli.output import People, prints
from tfserver.cli.snapshots import passphrase_option, taken_and_told, write_file


@click.command("snapshot")
@click.argument("sn", shell_complete=known_terminals)
@click.option("--file", type=click.Path(dir_okay=False), help="Write it into this encrypted file, too.")
@passphrase_option
@asks_server
@prints
def command(server: Api, out: People, sn: str, file: str | None, passphrase_file: str | None) -> int:
    """Take a snapshot of all that a terminal has: settings, zones, holidays, people and their credentials.

    It stays in the server, sealed; --file needs a token that may have templates. One of a terminal that is
    away goes on when it comes. 'tfserver snapshots restore' gives it back.

    \b
      tfserver snapshot ZXDM26010042
      tfserver snapshot ZXDM26010042 --file gate.snapshot --passphrase-file words
    """
    status, snapshot_id = taken_and_told(server, out, sn)
    if file is not None and status == DONE:
        write_file(server, snapshot_id, file, passphrase_file)
    return status
