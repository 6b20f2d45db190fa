"""Carrying a plan out."""

from __future__ import annotations

from typing import Final

import click

from tfserver.cli import plans
from tfserver.cli.api import Api, asks_server, path_of
from tfserver.cli.following import followed
from tfserver.cli.outcome import DONE, REFUSED
from tfserver.cli.output import People, Row, prints

GOES_ON: Final = ("ready", "applying")
WRONG: Final = ("refused", "failed", "skipped")


@click.command("apply")
@click.argument("plan_id", metavar="PLAN")
@click.option("--follow", is_flag=True, help="Wait for the end, with a progress bar.")
@click.option("--stop", is_flag=True, help="Stop one that is under way: nothing more of it is put.")
@click.option("--confirm", metavar="PLAN", help="The id again, for one that removes people of others.")
@asks_server
@prints
def command(server: Api, out: People, plan_id: str, follow: bool, stop: bool, confirm: str | None) -> int:
    """Carry a plan out, at each terminal's own pace. One that is under way already goes on.

    With --follow exit code 1 says that something was refused, failed or was left out.

    \b
      tfserver apply 5b2f0c9e1a7d4e21 --follow
    """
    if stop:
        found = server.delete(path_of("sync", "plans", plan_id))
    else:
        body = {"plan": plan_id} if confirm is None else {"plan": plan_id, "confirm": confirm}
        found = server.post("/sync/apply", body)
    if not follow:
        out.said(f"{plan_id}: {found['state']}", found)
        return DONE
    followed(
        "steps",
        plans.head_of(server, plan_id),
        lambda: plans.head_of(server, plan_id),
        lambda one: one["state"] not in GOES_ON,
        _far,
    )
    found = plans.whole(server, plan_id)
    wrong = plans.refusals_of(server, found, WRONG)
    out.shown({**found, "refusals": wrong}, lambda: plans.show_done(found, wrong))
    return DONE if found["state"] == "done" and not wrong else REFUSED


def _far(found: Row) -> tuple[int, int | None]:
    items = found["totals"]["items"]
    return items - plans.open_in(found["totals"]["counts"]), items
