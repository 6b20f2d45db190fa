"""Groups of people: who is in them, and on which terminals their people belong."""

from __future__ import annotations

from typing import Any, Final

import click

from tfserver.cli.api import Api, asks_server, known_terminals, path_of, rows_in
from tfserver.cli.enrollids import numbers_argument
from tfserver.cli.groups import UsualGroup
from tfserver.cli.outcome import DONE, REFUSED, Failed
from tfserver.cli.output import Column, People, Row, prints
from tfserver.cli.people import MISSING, changed

KEPT: Final = (
    *("title", "sites", "tags", "terminals", "everywhere", "access", "validity", "continuous", "version"),
)
"""What a PUT takes of a group as a GET shows it."""


def where(group: Row) -> str:
    """On which terminals its people belong, in words."""
    if group.get("everywhere"):
        return "everywhere"
    parts = [
        f"{word} {', '.join(group[name])}"
        for name, word in (("sites", "at"), ("tags", "tagged"), ("terminals", "on"))
        if group.get(name)
    ]
    return "; ".join(parts) or "nowhere"


COLUMNS: Final = (
    Column("name", lambda one: one["name"]),
    Column("people", lambda one: one["members"]),
    Column("where", where),
    Column("kept so", lambda one: bool(one.get("continuous"))),
    Column("title", lambda one: one.get("title")),
)
name_argument: Final = click.argument("name")


@click.group("groups", cls=UsualGroup)
def command() -> None:
    """Groups of people, and where they belong. Alone it lists them.

    \b
      tfserver groups set staff --site Lisbon --continuous
      tfserver groups add staff 7 8 9
      tfserver plan --group staff
    """


@command.command("list")
@asks_server
@prints
def listing(server: Api, out: People) -> None:
    """A line for each group."""
    out.rows(rows_in(server.get("/groups")), COLUMNS, "no groups")


@command.command("show")
@name_argument
@asks_server
@prints
def show(server: Api, out: People, name: str) -> None:
    """A group, and the numbers of the people in it."""
    group = server.get(path_of("groups", name))
    people = [number for page in server.pages(path_of("groups", name, "members")) for number in page]
    out.details([{**group, "people": people}])


@command.command("set")
@name_argument
@click.option("--title", help="What it is for.")
@click.option("--site", "sites", multiple=True, metavar="SITE", help="Its people belong at just these sites.")
@click.option(
    "--tag", "tags", multiple=True, metavar="TAG", help="… on terminals with one of just these tags."
)
@click.option(
    "--terminal", "terminals", multiple=True, metavar="SN", shell_complete=known_terminals,
    help="… on just these terminals.",
)  # fmt: skip
@click.option("--everywhere/--not-everywhere", default=None, help="… on all terminals.")
@click.option(
    "--continuous/--not-continuous", default=None, help="Keep it so, without anybody applying a plan."
)
@click.option("--from", "begin", metavar="TIME", help="Its people may pass from then on; empty: always.")
@click.option("--until", metavar="TIME", help="Its people may pass until then; empty: without end.")
@click.option("--weekzone", type=click.IntRange(0, 255), help="Week zone of people without one of their own.")
@asks_server
@prints
def change(server: Api, out: People, name: str, **given: Any) -> None:
    """Make a group, or change one: what is left out stays as it is; its people stay in it."""
    path = path_of("groups", name)
    wanted = changed(_known(server, path), given)
    for field in ("sites", "tags", "terminals"):
        if given[field]:
            wanted[field] = list(given[field])
    for field in ("everywhere", "continuous"):
        if given[field] is not None:
            wanted[field] = given[field]
    out.details([server.put(path, wanted)])


def _known(server: Api, path: str) -> Row:
    """A group as it is, version 0 when there is none."""
    try:
        found: Row = server.get(path)
    except Failed as failed:
        if failed.code != MISSING:
            raise
        return {"version": 0}
    return {field: found[field] for field in KEPT if field in found}


@command.command("remove")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@asks_server
@prints
def remove(server: Api, out: People, names: tuple[str, ...]) -> None:
    """Forget groups; their people stay in the directory."""
    for name in names:
        server.delete(path_of("groups", name))
        out.said(f"{name}: removed", {"name": name, "removed": True})


@command.command("add")
@name_argument
@numbers_argument
@asks_server
@prints
def add(server: Api, out: People, name: str, numbers: tuple[int, ...]) -> int:
    """Take people into a group. Exit code 1: some are not in the directory, or in too many groups."""
    return _move(server, out, name, {"add": list(numbers)})


@command.command("drop")
@name_argument
@numbers_argument
@asks_server
@prints
def drop(server: Api, out: People, name: str, numbers: tuple[int, ...]) -> int:
    """Take people out of a group."""
    return _move(server, out, name, {"remove": list(numbers)})


def _move(server: Api, out: People, name: str, body: Row) -> int:
    moved = server.post(path_of("groups", name, "members"), body)
    words = [f"{name}: {moved['added']} came, {moved['removed']} went"]
    words += [f"not in the directory: {_numbers(moved['unknown'])}"] if moved["unknown"] else []
    words += [f"in too many groups already: {_numbers(moved['full'])}"] if moved["full"] else []
    out.said("; ".join(words), moved)
    return REFUSED if moved["unknown"] or moved["full"] else DONE


def _numbers(found: list[int]) -> str:
    return ", ".join(map(str, found))
