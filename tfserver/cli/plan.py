"""What would be told to terminals so that they have whom they are to have."""

from __future__ import annotations

from typing import Final

import click

from tfserver.cli import plans
from tfserver.cli.api import Api, asks_server, known_terminals
from tfserver.cli.following import followed
from tfserver.cli.outcome import DONE, REFUSED
from tfserver.cli.output import People, Row, prints

READING: Final = "reading"
BAD: Final = ("failed", "cancelled")


@click.command("plan")
@click.option(
    "--terminal", "terminals", multiple=True, metavar="SN", shell_complete=known_terminals,
    help="For this terminal; several times.",
)  # fmt: skip
@click.option("--site", "sites", multiple=True, metavar="SITE", help="For those at this site; several times.")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="For those with this tag; several times.")
@click.option("--group", "groups", multiple=True, metavar="NAME", help="For those where its people belong.")
@click.option(
    "--foreign", type=click.Choice(("keep", "remove")), default="keep", show_default=True,
    help="What becomes of people there that this server did not put there.",
)  # fmt: skip
@click.option(
    "--verify", type=click.Choice(("records", "list")), default="records", show_default=True,
    help="Read what stands in slots before it is believed, or believe the list.",
)  # fmt: skip
@click.option(
    "--read", type=click.Choice(("fresh", "always", "never")), default="fresh", show_default=True,
    help="Read terminals' lists before: those that are too old, all, none.",
)  # fmt: skip
@asks_server
@prints
def command(server: Api, out: People, foreign: str, verify: str, read: str, **scope: tuple[str, ...]) -> int:
    """Say what would be told to terminals so that they have whom they are to have; nothing is changed.

    What can't be is said with its reason; exit code 1: there is such a thing. 'tfserver apply PLAN' does it.

    \b
      tfserver plan --group staff
      tfserver plan --terminal ZXDM26010042 --foreign remove --read always
    """
    wanted = {name: list(chosen) for name, chosen in scope.items() if chosen}
    if not wanted:
        raise click.UsageError("for which terminals? give --terminal, --site, --tag or --group")
    made = server.post("/sync/plan", {**wanted, "foreign": foreign, "verify": verify, "read": read})
    made = followed(
        "reading terminals",
        made,
        lambda: plans.head_of(server, made["id"]),
        lambda one: one["state"] != READING,
        _far,
    )
    found = plans.whole(server, made["id"])
    refused = plans.refusals_of(server, found, ("refused",))
    out.shown({**found, "refusals": refused}, lambda: plans.show_planned(found, refused))
    is_well = found["state"] not in BAD and not refused and not any(t["problem"] for t in found["terminals"])
    return DONE if is_well else REFUSED


def _far(found: Row) -> tuple[int, int | None]:
    return found["totals"]["terminals"], len(found["sns"])
