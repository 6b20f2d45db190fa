"""Check a configuration file without starting."""

from __future__ import annotations

import click

from tfserver.cli.output import People, prints


@click.command("check-config")
@click.argument("file", type=click.Path())
@prints
def command(file: str, out: People) -> None:
    """Check a configuration file without starting: what is wrong is told with the setting's name.

    \b
      tfserver check-config /etc/tfserver.yaml
    """
    from tfserver import configfile
    from tfserver.store.address import parse

    settings = configfile.load(file, {})
    # parsed, so that a password in it is not repeated
    where = str(parse(settings.store.url)) if settings.store.url else f"embedded in {settings.data_dir}"
    ends = settings.terminals.endpoints
    out.said(
        f"{file}: right; terminals on {', '.join(ends)}, store {where}",
        {"file": file, "right": True, "terminals": ends, "store": where},
    )
