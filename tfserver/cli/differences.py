"""How a terminal differs from what it is to have."""

from __future__ import annotations

from typing import Final

import click

from tfserver.cli.api import PAGE, Api, asks_server, known_terminals, path_of
from tfserver.cli.outcome import DONE, REFUSED
from tfserver.cli.output import Column, People, Row, prints, progress

SAME: Final = "same"


def what(person: Row) -> str:
    """What is another there, in words."""
    slots = [
        f"{one['label']} {one['state']}" + (f" ({one['why']})" if one["why"] else "")
        for one in person["credentials"]
        if one["state"] != SAME
    ]
    words = [*person["differs"], *slots, *([person["why"]] if person["why"] else [])]
    return "; ".join(words)


COLUMNS: Final = (
    Column("person", lambda one: one["enrollid"]),
    Column("state", lambda one: one["state"]),
    Column("put by us", lambda one: one["ours"]),
    Column("what", what),
)


@click.command("differences")
@click.argument("sn", shell_complete=known_terminals)
@click.option("--all", "everybody", is_flag=True, help="Those who are the same, too.")
@asks_server
@prints
def command(server: Api, out: People, sn: str, everybody: bool) -> int:
    """Say person by person how a terminal differs from what it is to have, as far as is known.

    same, different, new (nobody wants it there), missing, unread (nobody knows what stands in a slot),
    collision (somebody else has the number). Exit code 1: something differs.
    """
    found: list[Row] = []
    place: int | None = 0
    with progress(f"people of {sn}") as tell:
        while place is not None:
            page = server.get(path_of("terminals", sn, "differences"), limit=PAGE, after=place)
            found += page["people"]
            tell(len(found), None)
            place = page["next"]
    different = [one for one in found if one["state"] != SAME]
    out.rows(found if everybody else different, COLUMNS, f"{sn}: nothing differs, as far as is known")
    return REFUSED if different else DONE
