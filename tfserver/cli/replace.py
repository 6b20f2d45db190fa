"""One terminal in the place of another."""

from __future__ import annotations

import click

from tfserver.cli.api import Api, asks_server, known_terminals, path_of
from tfserver.cli.output import People, prints
from tfserver.cli.snapshots import ask_again, confirmed, followed_restoration


@click.command("replace")
@click.argument("old", metavar="OLD", shell_complete=known_terminals)
@click.argument("new", metavar="NEW", shell_complete=known_terminals)
@click.option("--deny", is_flag=True, help="Keep OLD out then.")
@confirmed
@asks_server
@prints
def command(server: Api, out: People, old: str, new: str, deny: bool, confirm: str | None) -> int:
    """Let the terminal NEW be what OLD was: where it stands, its groups, settings, zones and people.

    OLD is asked when it is online; else its last snapshot counts, and what the server knows. Exit code 1:
    something could not be brought over, and why stands in the report.

    \b
      tfserver replace ZXDM26010042 ZXDM26010043 --deny --confirm ZXDM26010043
    """
    body = {"of": old, "confirm": confirm or ask_again(new), "deny": deny}
    return followed_restoration(server, out, server.post(path_of("terminals", new, "replace"), body))
