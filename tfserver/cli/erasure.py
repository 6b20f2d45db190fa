"""What came of forgetting people, place by place."""

from __future__ import annotations

from typing import Final

import click

from tfserver.cli.api import Api, asks_server, path_of, rows_in
from tfserver.cli.outcome import DONE, NOT_ENDED, REFUSED
from tfserver.cli.output import Column, People, Row, clean, prints

PLACES: Final = (
    Column("place", lambda one: one["sn"] or one["place"]),
    Column("state", lambda one: one["state"]),
    Column("since", lambda one: one["at"]),
    Column("told", lambda one: one["told"]),
    Column("proof", lambda one: one["proof"]),
)
ALL: Final = (
    Column("id", lambda one: one["id"]),
    Column("person", lambda one: one["enrollid"]),
    Column("state", lambda one: one["state"]),
    Column("ordered", lambda one: one["ordered"]),
    Column("by", lambda one: one["actor"]),
    Column("places", lambda one: ", ".join(f"{count} {state}" for state, count in one["counts"].items())),
)


@click.command("erasure")
@click.argument("erasure_id", metavar="[ID]", required=False)
@asks_server
@prints
def command(server: Api, out: People, erasure_id: str | None) -> int:
    """The report of an erasure, place by place; without ID all of them, the newest first.

    Exit code 0: it is over and proven, 4: it goes on, 1: somewhere it can't be proven.
    """
    if erasure_id is None:
        out.rows(rows_in(server.get("/erasures", limit=1000)), ALL, "nobody was erased")
        return DONE
    return told(out, server.get(path_of("erasures", erasure_id)))


def told(out: People, found: Row) -> int:
    """Print a report; the exit status."""
    out.shown(found, lambda: _show(found))
    if found["ended"] is None:
        return NOT_ENDED
    return DONE if found["proven"] else REFUSED


def _show(found: Row) -> None:
    People().rows(found["places"], PLACES, "no places")
    counts = ", ".join(f"{count} {state}" for state, count in found["counts"].items())
    print(f"\nerasure {found['id']} of person {found['enrollid']} is {clean(found['state'])}: {counts}")
    if found.get("sha256"):
        print(f"SHA-256 of the report: {found['sha256']}")
    if found["ended"] is None:
        print(f"it goes on by itself, also at terminals that are away: tfserver erasure {found['id']}")
