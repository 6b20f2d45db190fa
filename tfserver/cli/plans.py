"""Plans: what terminals are to be told so that they have whom they are to have, and how far that is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import click

from tfserver.cli.api import PAGE, Api, asks_server, known_terminals, path_of, rows_in
from tfserver.cli.groups import UsualGroup
from tfserver.cli.output import Column, People, Row, clean, prints

ADDS: Final = ("credential",)
CHANGES: Final = ("name", "lock", "unlock", "check")
REMOVES: Final = ("remove", "remove_credential")
MOST_REFUSALS: Final = 50
"""So many are printed for people, with how many more there are; --json prints all."""


def _ops(names: tuple[str, ...]) -> Any:
    return lambda one: sum(one["ops"].get(name, 0) for name in names)


def room(terminal: Row) -> str:
    """The fullest kind after the plan, in words."""
    found = [(one["after"] / one["size"], kind, one) for kind, one in terminal["room"].items() if one["size"]]
    if not found:
        return ""
    _, kind, one = max(found, key=lambda each: each[0])
    return f"{kind} {one['after']} of {one['size']}"


TERMINALS: Final = (
    Column("serial number", lambda one: one["sn"]),
    Column("puts", _ops(ADDS)),
    Column("changes", _ops(CHANGES)),
    Column("removes", _ops(REMOVES)),
    Column("can't be", lambda one: one["refused"]),
    Column("commands", lambda one: one["commands"]),
    Column("minutes", lambda one: f"{one['minutes']:.1f}"),
    Column("fullest then", room),
    Column("trouble", lambda one: one["problem"] or "; ".join(one["warnings"])),
)
PROGRESS: Final = (
    Column("serial number", lambda one: one["sn"]),
    Column("done", lambda one: one["counts"].get("done", 0)),
    Column("refused", lambda one: one["counts"].get("refused", 0)),
    Column("failed", lambda one: one["counts"].get("failed", 0)),
    Column("skipped", lambda one: one["counts"].get("skipped", 0)),
    Column("open", lambda one: open_in(one["counts"])),
    Column("stage", lambda one: one["stage"]),
    Column("told", lambda one: one["told"] or one["problem"]),
)
PLANS: Final = (
    Column("id", lambda one: one["id"]),
    Column("state", lambda one: one["state"]),
    Column("made", lambda one: one["made"]),
    Column("terminals", lambda one: one["terminals"]),
    Column("by", lambda one: one["actor"]),
    Column("why", lambda one: one["why"]),
)
STEPS: Final = (
    Column("n", lambda one: one["n"]),
    Column("step", lambda one: one["op"]),
    Column("person", lambda one: one["enrollid"]),
    Column("credential", lambda one: one["label"]),
    Column("state", lambda one: one["state"]),
    Column("why", lambda one: one["told"] or one["why"]),
)
REFUSALS: Final = (
    Column("serial number", lambda one: one["sn"]),
    Column("person", lambda one: one["enrollid"]),
    Column("credential", lambda one: one["label"]),
    Column("why not", lambda one: one["told"] or one["why"]),
)


def open_in(counts: Row) -> int:
    """How many steps have no end yet."""
    return int(counts.get("planned", 0) + counts.get("ordered", 0))


@click.group("plans", cls=UsualGroup)
def command() -> None:
    """Plans that were made, and what came of them. Alone it lists them."""


@command.command("list")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="At most so many.")
@asks_server
@prints
def listing(server: Api, out: People, limit: int) -> None:
    """A line for each plan, the newest first."""
    out.rows(rows_in(server.get("/sync/plans", limit=limit)), PLANS, "no plans")


@command.command("show")
@click.argument("plan_id", metavar="PLAN")
@click.argument("sn", required=False, shell_complete=known_terminals)
@asks_server
@prints
def show(server: Api, out: People, plan_id: str, sn: str | None) -> None:
    """A plan, terminal by terminal; with SN step by step."""
    if sn is not None:
        out.rows(list(steps(server, plan_id, sn, 0)), STEPS, "nothing to be done")
        return
    found = whole(server, plan_id)
    out.shown(found, lambda: show_done(found, []) if found["begun"] else show_planned(found, []))


def whole(server: Api, plan_id: str) -> Row:
    """A plan with all of its terminals."""
    found: Row = server.get(path_of("sync", "plans", plan_id), limit=PAGE)
    terminals, following = found["terminals"], found["next"]
    while following is not None:
        page = server.get(path_of("sync", "plans", plan_id), limit=PAGE, cursor=following)
        terminals += page["terminals"]
        following = page["next"]
    return found


def steps(server: Api, plan_id: str, sn: str, after: int) -> Iterator[Row]:
    """The steps of a plan at one terminal, those that can't be done at the end."""
    path = path_of("sync", "plans", plan_id, "terminals", sn)
    place: int | None = after
    while place is not None:
        page = server.get(path, limit=PAGE, after=place)
        yield from page["steps"]
        place = page["next"]


def refusals_of(server: Api, found: Row, states: tuple[str, ...]) -> list[Row]:
    """All steps of a plan that ended so, and those that could not be done at all."""
    wrong = []
    for terminal in found["terminals"]:
        counted = sum(terminal["counts"].get(state, 0) for state in states)
        if terminal["refused"] or counted:
            # those that can't be done stand behind the others
            after = 0 if counted else terminal["items"]
            wrong += [
                {"sn": terminal["sn"], **step}
                for step in steps(server, found["id"], terminal["sn"], after)
                if step["state"] in states or step["reason"]
            ]
    return wrong


def head_of(server: Api, plan_id: str) -> Row:
    """A plan with hardly any of its terminals: how far it is."""
    found: Row = server.get(path_of("sync", "plans", plan_id), limit=1)
    return found


def show_planned(found: Row, refused: list[Row]) -> None:
    """Print what is to be done."""
    People().rows(found["terminals"], TERMINALS, "no terminals")
    _show_refusals(refused)
    totals = found["totals"]
    words = (
        f"{totals['items']} steps in {totals['commands']} commands at {totals['terminals']} terminals, about "
        f"{totals['minutes']:.0f} minutes; {totals['refused']} things can't be"
    )
    why = f": {clean(found['why'])}" if found["why"] else ""
    print(f"\nplan {found['id']} is {found['state']}{why}\n{words}")
    if found["state"] == "ready":
        print(f"tfserver apply {found['id']} --follow")


def show_done(found: Row, wrong: list[Row]) -> None:
    """Print what was done."""
    People().rows(found["terminals"], PROGRESS, "no terminals")
    _show_refusals(wrong)
    why = f": {clean(found['why'])}" if found["why"] else ""
    print(f"\nplan {found['id']} is {found['state']}{why}")


def _show_refusals(refused: list[Row]) -> None:
    if refused:
        print()
        People().rows(refused[:MOST_REFUSALS], REFUSALS, "")
        if len(refused) > MOST_REFUSALS:
            print(f"and {len(refused) - MOST_REFUSALS} more; --json prints all")
