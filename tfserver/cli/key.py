"""Make a master key for credentials: base64 of 32 random bytes, printed alone."""

from __future__ import annotations

import click

from tfserver.cli.output import People, prints


@click.group("key", no_args_is_help=False)
def command() -> None:
    """Make a master key for credentials."""


@command.command("create")
@prints
def create(out: People) -> None:
    """Print a fresh key; keep it safe, and apart from the data.

    \b
      tfserver key create > master.key && chmod 600 master.key
    """
    # the vault brings half of the server with it
    from tfserver.store.vault import new_master_key

    key = new_master_key()
    out.said(key, {"key": key})
