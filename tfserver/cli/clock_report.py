"""Say which punches were taken while a clock was wrong, or nobody knew how it ran."""

from __future__ import annotations

import sys

import click

from tfserver.cli.api import PAGE, Api, asks_server, known_terminals
from tfserver.cli.output import Column, People, Row, prints, progress

COLUMNS = (
    Column("terminal", lambda one: one["sn"]),
    Column("punches", lambda one: one["count"]),
    Column("first", lambda one: one["first"]),
    Column("last", lambda one: one["last"]),
    Column("clock was off by", lambda one: seconds(one["worst_offset_ms"])),
)
PUNCHES = (
    Column("id", lambda one: one["id"]),
    Column("terminal", lambda one: one["sn"]),
    Column("enrollid", lambda one: one["enrollid"]),
    Column("shown", lambda one: one["device_time"]),
    Column("utc", lambda one: one["utc"]),
    Column("received", lambda one: one["received"]),
    Column("off by", lambda one: seconds(one["offset_ms"])),
    Column("confidence", lambda one: one["confidence"]),
)
NOTHING = "no punch was taken while a clock was wrong or unknown"


@click.command("clock-report")
@click.option("--sn", help="Only of this terminal.", shell_complete=known_terminals)
@click.option("--site", help="Only of this site.")
@click.option("--since", metavar="INSTANT", help="Only from this on, e.g. 2026-04-02T08:00:00Z.")
@click.option("--until", metavar="INSTANT", help="Only before this.")
@click.option("--punches", "with_punches", is_flag=True, help="List each punch, not the terminals only.")
@click.option("--csv", "as_csv", is_flag=True, help="Print each punch as CSV with a heading.")
@asks_server
@prints
def command(server: Api, out: People, with_punches: bool, as_csv: bool, **filters: str | None) -> None:
    """Punches taken while a terminal's clock was wrong, or nobody knew how it ran.

    \b
      tfserver clock-report --since 2026-04-01T00:00:00Z
      tfserver clock-report --sn ZXDM26010042 --csv > doubtful.csv
    """
    if as_csv:
        for data in server.csv_pages("/clock-report", **filters):
            sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    if not with_punches:
        first = server.get("/clock-report", limit=1, **filters)
        out.rows(first["terminals"], COLUMNS, NOTHING)
        return
    found: list[Row] = []
    with progress("reading the report") as tell:
        for page in server.pages("/clock-report", limit=PAGE, **filters):
            found += page
            tell(len(found), None)
    out.rows(found, PUNCHES, NOTHING)


def seconds(offset_ms: int | None) -> str:
    """An offset for people: how far a clock was ahead."""
    return "" if offset_ms is None else f"{offset_ms / 1000:+.0f} s"
