"""List, show, approve or deny terminals."""

from __future__ import annotations

from typing import Any

import click

from tfserver.cli.api import Api, asks_server, known_terminals, path_of
from tfserver.cli.groups import UsualGroup
from tfserver.cli.output import Column, People, Row, prints, progress


def state_of(terminal: Row) -> str:
    """One word for how a terminal stands."""
    if terminal["admission"] != "approved":
        return str(terminal["admission"])
    return "online" if terminal["online"] else "offline"


COLUMNS = (
    Column("serial number", lambda terminal: terminal["sn"]),
    Column("state", state_of),
    Column("model", lambda terminal: str(terminal["devinfo"].get("modelname", ""))[:20]),
    Column("site", lambda terminal: terminal["site"]),
    Column("last punch", lambda terminal: terminal["last_punch"] or "never"),
    Column("name", lambda terminal: terminal["name"]),
)


PATHS = (Column("serial number", lambda made: made["sn"]), Column("path", lambda made: made["path"]))


def sn_argument(function: Any) -> Any:
    """Give a command the serial numbers that are to be dealt with."""
    return click.argument("sns", metavar="SN...", nargs=-1, required=True, shell_complete=known_terminals)(
        function
    )


def all_terminals(server: Api, state: str | None = None, site: str | None = None) -> list[Row]:
    """Every terminal that fits."""
    found: list[Row] = []
    with progress("reading terminals") as tell:
        for page in server.pages("/terminals", state=state, site=site):
            found += page
            tell(len(found), None)
    return found


@click.group("terminals", cls=UsualGroup)
def command() -> None:
    """List, show, approve or deny terminals. Alone it lists them.

    \b
      tfserver terminals --state pending
      tfserver terminals approve ZXDM26010042
    """


@command.command("list")
@click.option("--state", help="Only these: online, offline, pending, denied, quarantined; commas between.")
@click.option("--site", help="Only those of this site.")
@asks_server
@prints
def listing(server: Api, out: People, state: str | None, site: str | None) -> None:
    """A line for each terminal."""
    out.rows(all_terminals(server, state, site), COLUMNS, "no terminals")


@command.command("show")
@sn_argument
@asks_server
@prints
def show(server: Api, out: People, sns: tuple[str, ...]) -> None:
    """Everything that is known of a terminal."""
    out.details([server.get(path_of("terminals", sn)) for sn in sns])


@command.command("approve")
@sn_argument
@asks_server
@prints
def approve(server: Api, out: People, sns: tuple[str, ...]) -> None:
    """Let terminals in: from then on their punches are taken."""
    _decide(server, out, sns, "approved")


@command.command("deny")
@sn_argument
@asks_server
@prints
def deny(server: Api, out: People, sns: tuple[str, ...]) -> None:
    """Keep terminals out: they are told so, and keep their punches."""
    _decide(server, out, sns, "denied")


@command.command("path")
@sn_argument
@click.option("--remove", is_flag=True, help="Let them connect by any path again.")
@asks_server
@prints
def path(server: Api, out: People, sns: tuple[str, ...], remove: bool) -> None:
    """Give terminals secret paths: from their next registration on they have to connect by them.

    Each is shown this once; enter it into the terminal as ws://HOST:7788 and the path (docs/security.md).
    """
    if remove:
        for sn in sns:
            server.delete(path_of("terminals", sn, "path"))
        return
    made = [server.post(path_of("terminals", sn, "path"), {}) for sn in sns]
    out.rows(made, PATHS, "no terminals")


def _decide(server: Api, out: People, sns: tuple[str, ...], admission: str) -> None:
    changed = [server.patch(path_of("terminals", sn), {"admission": admission}) for sn in sns]
    out.rows(changed, COLUMNS, "no terminals")
