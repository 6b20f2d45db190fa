"""Forgetting a person, everywhere."""

from __future__ import annotations

import sys

import click

from tfserver.cli.api import Api, asks_server
from tfserver.cli.enrollids import ENROLLID
from tfserver.cli.erasure import told
from tfserver.cli.output import People, prints


@click.command("erase")
@click.argument("enrollid", type=ENROLLID)
@click.option("--reason", required=True, help="Why; it is kept with the report, so name nobody.")
@click.option("--confirm", metavar="ENROLLID", help="The number again; asked for without.")
@asks_server
@prints
def command(server: Api, out: People, enrollid: int, reason: str, confirm: str | None) -> int:
    """Forget a person: here now, at each terminal as soon as it is reached. It can't be undone.

    'tfserver erasure ID' tells how far it is. Exit code 4: it goes on.

    \b
      tfserver erase 7 --reason "left the company" --confirm 7
    """
    body = {"enrollid": enrollid, "reason": reason, "confirm": confirm or _typed(enrollid)}
    return told(out, server.post("/erasures", body))


def _typed(enrollid: int) -> str:
    if not sys.stdin.isatty():
        raise click.UsageError(f"this can't be undone: say so by --confirm {enrollid}")
    told = f"Person {enrollid} is forgotten everywhere. Type the number to go on"
    words: str = click.prompt(told, err=True)
    return words
