"""What waits for a terminal, what became of it; take an order back."""

from __future__ import annotations

import click

from tfserver.cli import ends
from tfserver.cli.api import Api, asks_server, known_terminals, path_of, rows_in
from tfserver.cli.groups import UsualGroup
from tfserver.cli.output import People, Row, prints


def orders_of(server: Api, sn: str, limit: int) -> list[Row]:
    """The latest orders of a terminal, open ones and ended ones, the newest first."""
    return rows_in(server.get(path_of("terminals", sn, "commands"), limit=limit))


@click.group("orders", cls=UsualGroup)
def command() -> None:
    """What waits for a terminal, and what became of what was ordered.

    \b
      tfserver orders ZXDM26010042
      tfserver orders cancel 5b2f0c9e1a
    """


@command.command("list")
@click.argument("sn", shell_complete=known_terminals)
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="At most so many.")
@asks_server
@prints
def listing(server: Api, out: People, sn: str, limit: int) -> None:
    """The orders of a terminal, the newest first."""
    out.rows(orders_of(server, sn, limit), ends.COLUMNS, f"no orders for {sn}")


@command.command("show")
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@asks_server
@prints
def show(server: Api, out: People, ids: tuple[str, ...]) -> None:
    """Everything about an order: its fields, its end, what the terminal replied."""
    out.details([server.get(path_of("commands", order_id)) for order_id in ids])


@command.command("cancel")
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@asks_server
@prints
def cancel(server: Api, out: People, ids: tuple[str, ...]) -> None:
    """Take orders back that still wait; what was sent already can't be taken back."""
    for order_id in ids:
        order = server.delete(path_of("commands", order_id)) or {"id": order_id, "state": "cancelled"}
        out.said(f"{order_id}: {order['state']}", order)
