"""Who changed what, and what came of it."""

from __future__ import annotations

import click

from tfserver.cli.api import PAGE, Api, asks_server, known_terminals
from tfserver.cli.output import Column, People, Row, prints, progress

COLUMNS = (
    Column("at", lambda entry: entry["at"]),
    Column("who", lambda entry: entry["actor"]),
    Column("what", lambda entry: entry["what"]),
    Column("terminal", lambda entry: entry.get("sn")),
    Column("outcome", lambda entry: entry["outcome"]),
    Column("detail", lambda entry: entry.get("detail") or ""),
)


@click.command("audit")
@click.option("--sn", help="Only about this terminal.", shell_complete=known_terminals)
@click.option("--actor", help="Only by this one, e.g. the id of a token.")
@click.option("--since", metavar="INSTANT", help="Only at or after this, e.g. 2026-04-02T08:00:00Z.")
@click.option("--until", metavar="INSTANT", help="Only before this.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="At most so many.")
@asks_server
@prints
def command(server: Api, out: People, limit: int, **filters: str | None) -> None:
    """Who changed what, on which terminal, and what came of it; the newest first.

    \b
      tfserver audit --limit 20
      tfserver audit --sn ZXDM26010042 --since 2026-04-01T00:00:00Z
    """
    found: list[Row] = []
    with progress("reading the audit") as tell:
        for page in server.pages("/audit", limit=min(limit, PAGE), **filters):
            found += page
            tell(len(found), None)
            if len(found) >= limit:
                break
    out.rows(found[:limit], COLUMNS, "nothing was changed")
