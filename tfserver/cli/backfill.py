"""Fetch what a terminal recorded on some days once more."""

from __future__ import annotations

import time
from datetime import date
from typing import Final

import click

from tfserver.cli.api import Api, asks_server, known_terminals, rows_in
from tfserver.cli.outcome import DONE, REFUSED
from tfserver.cli.output import Column, People, Row, prints, progress

LOOK_SECONDS: Final = 1.0
OPEN: Final = "open"
INCOMPLETE: Final = "incomplete"
"""Some day was not read to its end."""
COLUMNS: Final = (
    Column("id", lambda one: one["id"]),
    Column("from", lambda one: one["from"]),
    Column("to", lambda one: one["to"]),
    Column("days", lambda one: f"{one['done']} of {one['days']}"),
    Column("state", lambda one: one["state"]),
    Column("punches", lambda one: one["records"]),
    Column("new", lambda one: one["new"]),
)


def read_day(_: click.Context, __: click.Parameter, text: str | None) -> str | None:
    """A day as it is sent."""
    try:
        return None if text is None else date.fromisoformat(text).isoformat()
    except ValueError as wrong:
        raise click.BadParameter(f"'{text}': expected a day such as 2026-04-02") from wrong


@click.command("backfill")
@click.argument("sn", shell_complete=known_terminals)
@click.option("--from", "first", callback=read_day, metavar="DAY", help="The first day, e.g. 2026-04-01.")
@click.option("--to", "last", callback=read_day, metavar="DAY", help="The last day.")
@click.option("--follow", is_flag=True, help="Wait for the end, with a progress bar.")
@asks_server
@prints
def command(server: Api, out: People, sn: str, first: str | None, last: str | None, follow: bool) -> int:
    """Fetch what a terminal recorded on some days once more; what is known already is not doubled.

    Without --from and --to it tells how far earlier ones are. Exit code 1: a day was not read to its end.

    \b
      tfserver backfill ZXDM26010042 --from 2026-04-01 --to 2026-04-07 --follow
      tfserver backfill ZXDM26010042
    """
    if (first is None) != (last is None):
        raise click.UsageError("--from and --to go together")
    if first is not None and last is not None:
        if first > last:
            raise click.UsageError("--from is after --to")
        asked = [server.post("/backfills", {"sn": sn, "from": first, "to": last})]
    else:
        asked = _of(server, sn)
    if follow:
        asked = [_followed(server, sn, one) for one in asked]
    out.rows(asked, COLUMNS, f"no backfills of {sn}")
    return REFUSED if any(one["state"] == INCOMPLETE for one in asked) else DONE


def _of(server: Api, sn: str) -> list[Row]:
    return rows_in(server.get("/backfills", sn=sn))


def _followed(server: Api, sn: str, asked: Row) -> Row:
    """A backfill when it is over."""
    with progress(f"days of {sn}") as tell:
        while True:
            tell(asked["done"], asked["days"])
            if has_ended(asked):
                return asked
            time.sleep(LOOK_SECONDS)
            asked = next((one for one in _of(server, sn) if one["id"] == asked["id"]), asked)


def has_ended(backfill: Row) -> bool:
    """Whether nothing more will be fetched for it."""
    return bool(backfill["state"] != OPEN)
