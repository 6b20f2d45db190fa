"""How full terminals are, and who could leave them first."""

from __future__ import annotations

from typing import Final

import click

from tfserver.cli.api import Api, asks_server, known_terminals, path_of
from tfserver.cli.outcome import DONE, REFUSED
from tfserver.cli.output import Column, People, Row, clean, prints
from tfserver.cli.terminals import all_terminals

FULL: Final = 0.95
"""From there on a terminal counts as full."""
REMOVABLE: Final = 20


def share(room: Row) -> float:
    """How much of something is used, from 0 to 1."""
    return float(room["used"] / room["size"]) if room["size"] else 0.0


def level(room: Row) -> str:
    """One word for how full something is."""
    used = share(room)
    return "full" if used >= 1 else "attention" if used >= FULL else "ok"


def days(room: Row) -> str:
    """In how many days it is full, as it goes now."""
    left = room["full_in_days"]
    return "" if left is None else f"{left:.0f} days"


FLEET: Final = (
    Column("serial number", lambda one: one["sn"]),
    Column("kind", lambda one: one["kind"]),
    Column("used", lambda one: one["used"]),
    Column("of", lambda one: one["size"]),
    Column("free", lambda one: one["free"]),
    Column("percent", lambda one: f"{100 * share(one):.0f}"),
    Column("level", level),
)
KINDS: Final = (
    Column("kind", lambda one: one["kind"]),
    Column("used", lambda one: one["used"]),
    Column("of", lambda one: one["size"]),
    Column("free", lambda one: one["free"]),
    Column("on its way", lambda one: one["coming"]),
    Column("percent", lambda one: f"{100 * share(one):.0f}"),
    Column("full in", days),
)
LEAVING: Final = (
    Column("person", lambda one: one["enrollid"]),
    Column("why", lambda one: one["why"]),
    Column("since", lambda one: one["since"]),
    Column("credentials", lambda one: one["credentials"]),
)


@click.command("capacity")
@click.argument("sn", required=False, shell_complete=known_terminals)
@click.option("--site", help="Only of terminals at this site.")
@click.option("--full", "fullest", is_flag=True, help="Only what is at 95 % or more.")
@click.option(
    "--unseen-days", type=click.IntRange(1, 3650), default=90, show_default=True, metavar="N",
    help="With SN: people who were not seen there for so long could leave.",
)  # fmt: skip
@asks_server
@prints
def command(
    server: Api, out: People, sn: str | None, site: str | None, fullest: bool, unseen_days: int
) -> int:
    """Say how full terminals are; with SN also when it will be, and who could leave it first.

    Exit code 1: something is at 95 % or more.
    """
    if sn is not None:
        return _one(server, out, sn, unseen_days)
    rows = [
        {"sn": terminal["sn"], "kind": kind, **room}
        for terminal in all_terminals(server, site=site)
        for kind, room in terminal["capacity"].items()
        if room["size"] and (not fullest or share(room) >= FULL)
    ]
    out.rows(rows, FLEET, "no terminal says how much it takes" if not fullest else "nothing is that full")
    return REFUSED if any(share(row) >= FULL for row in rows) else DONE


def _one(server: Api, out: People, sn: str, unseen_days: int) -> int:
    found = server.get(path_of("terminals", sn, "capacity"), unseen_days=unseen_days)
    out.shown(found, lambda: _show(found))
    return REFUSED if any(share(room) >= FULL for room in found["kinds"].values()) else DONE


def _show(found: Row) -> None:
    rows = [{"kind": kind, **room} for kind, room in found["kinds"].items()]
    People().rows(rows, KINDS, f"{clean(found['sn'])} does not say how much it takes")
    print(f"\nits list was read {clean(found['read']) if found['read'] else 'never'}")
    if found["removable"]:
        print("\nwho could leave first:")
        People().rows(found["removable"][:REMOVABLE], LEAVING, "")
