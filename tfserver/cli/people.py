"""The directory of people: list, show, change; what terminals tell otherwise."""

from __future__ import annotations

from typing import Any, Final

import click

from tfserver.cli.api import Api, asks_server, known_terminals, path_of
from tfserver.cli.enrollids import number_argument, numbers_argument
from tfserver.cli.groups import UsualGroup
from tfserver.cli.outcome import Failed
from tfserver.cli.output import Column, People, Row, prints, progress
from tfserver.cli.people_files import export_people, import_people

ZONES: Final = ("weekzone", "weekzone2", "weekzone3", "weekzone4", "group")
KEPT: Final = ("name", "external_id", "admin", "validity", "access", "groups", "note", "version")
"""What a PUT takes of a person as a GET shows it."""
MISSING: Final = 404


def credentials_of(person: Row) -> str:
    """The slots that somebody has, in words."""
    return ", ".join(str(one["label"]) for one in person["credentials"])


def until(person: Row) -> str:
    """The end of somebody's time."""
    return str((person.get("validity") or {}).get("until") or "")


COLUMNS: Final = (
    Column("number", lambda one: one["enrollid"]),
    Column("name", lambda one: one["name"]),
    Column("external id", lambda one: one["external_id"]),
    Column("groups", lambda one: ", ".join(one["groups"])),
    Column("until", until),
    Column("credentials", credentials_of),
)
COLLISIONS: Final = (
    Column("number", lambda one: one["enrollid"]),
    Column("terminal", lambda one: one["sn"]),
    Column("what", lambda one: one["what"]),
    Column("here", lambda one: one["ours"]),
    Column("there", lambda one: one["theirs"]),
    Column("since", lambda one: one["at"]),
)


CREDENTIALS: Final = (
    Column("credential", lambda one: one["label"]),
    Column("bytes", lambda one: one["bytes"]),
    Column("made at", lambda one: (one["made"] or {}).get("sn")),
    Column("model", lambda one: (one["made"] or {}).get("model")),
    Column("fpalgo", lambda one: (one["made"] or {}).get("fpalgo")),
    Column("made", lambda one: (one["made"] or {}).get("at")),
)
PLACES: Final = (
    Column("terminal", lambda one: one["sn"]),
    Column("name there", lambda one: one["name"]),
    Column("put by us", lambda one: one["ours"]),
    Column("credential", lambda one: one["label"]),
    Column("proof", lambda one: one["proof"]),
    Column("as here", lambda one: one["same"]),
    Column("since", lambda one: one["at"]),
)
TABLES: Final = ("credentials", "collisions", "terminals")
"""What of a person is shown in a table of its own."""


@click.group("people", cls=UsualGroup)
def command() -> None:
    """People of the directory, and their credentials without what stands in them. Alone it lists them.

    \b
      tfserver people Ann
      tfserver people set 7 --name "Ann Lee" --group staff --until 2026-12-31
      tfserver people collisions
    """


command.add_command(import_people)
command.add_command(export_people)


@command.command("list")
@click.argument("prefix", required=False)
@click.option("--group", metavar="NAME", help="Only those in this group.")
@click.option("--external-id", metavar="ID", help="Only the one with this external id.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="At most so many.")
@asks_server
@prints
def listing(
    server: Api,
    out: People,
    prefix: str | None,
    group: str | None,
    external_id: str | None,
    limit: int | None,
) -> None:
    """A line for each person: by number, or those whose names begin like PREFIX by name."""
    asked = {"prefix": prefix, "group": group, "external_id": external_id}
    out.rows(_pages(server, limit, asked), COLUMNS, "no people")


@command.command("show")
@numbers_argument
@asks_server
@prints
def show(server: Api, out: People, numbers: tuple[int, ...]) -> None:
    """Everything about a person: what it has, on which terminals, and how far that is proven."""
    _show(out, [server.get(path_of("users", str(number))) for number in numbers])


@command.command("set")
@number_argument
@click.option("--name", help="The name that terminals show.")
@click.option("--external-id", metavar="ID", help="What another system calls the person; empty: nothing.")
@click.option(
    "--admin", type=click.IntRange(0, 2), help="0 nobody special, 1 administrator, 2 enrols others."
)
@click.option(
    "--from", "begin", metavar="TIME", help="May pass from then on, e.g. 2026-04-01; empty: always."
)
@click.option("--until", metavar="TIME", help="May pass until then; empty: without end.")
@click.option("--group", "groups", multiple=True, metavar="NAME", help="Is in just these; several times.")
@click.option(
    "--weekzone", type=click.IntRange(0, 255), help="Week zone of the terminals; 0: that of groups."
)
@click.option("--note", help="A note for people.")
@asks_server
@prints
def change(server: Api, out: People, enrollid: int, **given: Any) -> None:
    """Make a person, or change one: what is left out stays as it is."""
    path = path_of("users", str(enrollid))
    before = _known(server, path)
    _show(out, [server.put(path, changed(before, given))])


def _known(server: Api, path: str) -> Row:
    """A person as it is, version 0 when there is none."""
    try:
        found: Row = server.get(path)
    except Failed as failed:
        if failed.code != MISSING:
            raise
        return {"version": 0}
    return {name: found[name] for name in KEPT if name in found}


def changed(before: Row, given: Row) -> Row:
    """A person or a group with what was given in place of what it was."""
    found = dict(before)
    for name in ("name", "admin", "note", "title"):
        if given.get(name) is not None:
            found[name] = given[name]
    if given.get("external_id") is not None:
        found["external_id"] = given["external_id"] or None
    if given.get("groups"):
        found["groups"] = list(given["groups"])
    validity = dict(found.get("validity") or {})
    for option, name in (("begin", "from"), ("until", "until")):
        if given.get(option) is not None:
            validity[name] = given[option] or None
    if validity:
        found["validity"] = {name: value for name, value in validity.items() if value}
    if given.get("weekzone") is not None:
        access = {**(found.get("access") or {}), "weekzone": given["weekzone"]}
        found["access"] = access if any(access.get(zone) for zone in ZONES) else None
    return found


@command.command("remove")
@numbers_argument
@asks_server
@prints
def remove(server: Api, out: People, numbers: tuple[int, ...]) -> None:
    """Take people out of the directory; terminals keep what they have."""
    for number in numbers:
        server.delete(path_of("users", str(number)))
        out.said(f"{number}: removed", {"enrollid": number, "removed": True})


@command.command("collisions")
@asks_server
@prints
def collisions(server: Api, out: People) -> int:
    """People of whom a terminal tells something else than the directory; exit code 1 when there are any."""
    people = _pages(server, None, {"collided": "true"})
    found = [{"enrollid": person["enrollid"], **one} for person in people for one in person["collisions"]]
    out.rows(found, COLLISIONS, "no collisions")
    return int(bool(found))


@command.command("adopt")
@number_argument
@click.argument("sn", shell_complete=known_terminals)
@asks_server
@prints
def adopt(server: Api, out: People, enrollid: int, sn: str) -> None:
    """Let a terminal be right about a person: what it tells replaces what the directory says."""
    _show(out, [server.post(path_of("users", str(enrollid), "adopt"), {"sn": sn})])


def _pages(server: Api, limit: int | None, asked: Row) -> list[Row]:
    found: list[Row] = []
    with progress("reading people") as tell:
        for page in server.pages("/users", **asked):
            found += page
            tell(len(found), limit)
            if limit is not None and len(found) >= limit:
                return found[:limit]
    return found


def _show(out: People, people: list[Row]) -> None:
    out.shown(people, lambda: _tables(people))


def _tables(people: list[Row]) -> None:
    paper = People()
    for place, person in enumerate(people):
        if place:
            print()
        paper.details([{name: value for name, value in person.items() if name not in TABLES}])
        print()
        paper.rows(person["credentials"], CREDENTIALS, "no credentials")
        if person["collisions"]:
            print("\ntold otherwise:")
            paper.rows(person["collisions"], COLLISIONS[1:], "")
        if "terminals" in person:
            print()
            paper.rows(places(person["terminals"]), PLACES, "on no terminal, as far as is known")


def places(terminals: list[Row]) -> list[Row]:
    """A row for each credential on each terminal; one without any for who has none there."""
    nothing = {"label": None, "proof": None, "same": None, "at": None}
    return [{**one, **slot} for one in terminals for slot in (one["credentials"] or [nothing])]
