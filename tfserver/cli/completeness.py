"""Until when everything is here, and whether a day is complete."""

from __future__ import annotations

from typing import Final

import click

from tfserver.cli.api import PAGE, Api, asks_server, known_terminals, path_of
from tfserver.cli.backfill import read_day
from tfserver.cli.outcome import DONE, REFUSED
from tfserver.cli.output import Column, People, Row, clean, prints, progress, table

COLUMNS: Final = (
    Column("serial number", lambda one: one["sn"]),
    Column("site", lambda one: one["site"]),
    Column("complete until", lambda one: one["until"] or "not known"),
    Column("since", lambda one: one["since"] or "all"),
    Column("gaps", lambda one: len(one["gaps"])),
    Column("why not further", lambda one: one["why"]),
)


@click.command("completeness")
@click.option("--site", help="Only of terminals at this site.")
@click.option("--sn", help="Only of this terminal.", shell_complete=known_terminals)
@click.option(
    "--day", callback=read_day, metavar="DAY", help="Whether this day is complete, e.g. 2026-04-01."
)
@click.option("--except", "excepted", multiple=True, metavar="SN", help="It does not count; several times.")
@click.option("--acknowledge", metavar="INSTANT", help="Show gaps of --sn that end by then no more.")
@asks_server
@prints
def command(
    server: Api,
    out: People,
    sn: str | None,
    acknowledge: str | None,
    excepted: tuple[str, ...],
    **asked: str | None,
) -> int:
    """Say until when everything that terminals recorded is here, and why not further.

    Exit code 0: with --day, that day is complete; else, every terminal has such a moment, and no gaps.

    \b
      tfserver completeness --site Lisbon --day 2026-04-01
      tfserver completeness --except ZXDM26010042
      tfserver completeness --sn ZXDM26010043 --acknowledge 2026-04-01T12:00:00Z
    """
    if acknowledge is not None:
        if sn is None:
            raise click.UsageError("--acknowledge wants --sn")
        server.delete(path_of("completeness", sn, "gaps"), until=acknowledge)
    found = _all_pages(server, {"sn": sn, "except": ",".join(excepted) or None, **asked})
    out.shown(found, lambda: _show(found))
    is_complete = (
        found["until"] is not None and not found["gaps"] if asked["day"] is None else found["complete"]
    )
    return DONE if is_complete else REFUSED


def _all_pages(server: Api, query: Row) -> Row:
    """The first page with the terminals of all."""
    found: Row = {}
    with progress("reading terminals") as tell:
        cursor = None
        while not found or cursor is not None:
            page = server.get("/completeness", limit=PAGE, cursor=cursor, **query)
            rows = [*found.get("terminals", ()), *page["terminals"]]
            found, cursor = {**(found or page), "terminals": rows, "next": None}, page["next"]
            tell(len(rows), None)
    return found


def _show(found: Row) -> None:
    if found["complete"] is not None:
        print("complete" if found["complete"] else f"not complete: {clean(found['why'])}")
    elif found["until"] is None:
        print(f"not known until when everything is here: {clean(found['why'])}")
    else:
        print(f"everything up to {found['until']} is here; it is held back by {clean(found['why'])}")
    rows = found["terminals"]
    if rows:
        titles = [column.title for column in COLUMNS]
        table(titles, [[clean(column.value(row)) for column in COLUMNS] for row in rows])
    for gap in found["gaps"]:
        print(f"gap of {clean(gap['sn'])} from {gap['from']} to {gap['to']}: {clean(gap['why'])}")
