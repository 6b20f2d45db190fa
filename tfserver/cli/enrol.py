"""Letting somebody enrol at a terminal."""

from __future__ import annotations

import time
from typing import Final

import click

from tfserver.cli.api import Api, asks_server, known_terminals, path_of
from tfserver.cli.enrollids import ENROLLID
from tfserver.cli.outcome import DONE, REFUSED
from tfserver.cli.output import People, Row, clean, prints, progress

LOOK_SECONDS: Final = 0.5
SCANS: Final = 3
"""How often a finger is put on a sensor, as a rule."""
ENDS: Final = ("done", "refused", "failed", "cancelled")


@click.command("enrol")
@click.argument("sn", shell_complete=known_terminals)
@click.argument("enrollid", type=ENROLLID)
@click.argument("backupnum", type=click.IntRange(0, 51))
@click.option("--name", help="The name to show there; that of the directory without.")
@click.option(
    "--admin", type=click.IntRange(0, 2), help="0 nobody special, 1 administrator, 2 enrols others."
)
@click.option(
    "--seconds", type=click.IntRange(10, 600), default=120, show_default=True, metavar="S",
    help="How long the terminal waits for the person.",
)  # fmt: skip
@asks_server
@prints
def command(
    server: Api, out: People, sn: str, enrollid: int, backupnum: int, name: str | None, admin: int | None,
    seconds: int,
) -> int:  # fmt: skip
    """Let a person enrol a credential at a terminal, and wait until it is in the directory.

    BACKUPNUM is the slot: 0-9 fingerprint, 10 password, 11 card, 20-27 face, 30-37 palm, 50 photo.
    Ctrl-C stops it at the terminal, too.

    \b
      tfserver enrol ZXDM26010042 7 0
    """
    body: Row = {"sn": sn, "enrollid": enrollid, "backupnum": backupnum, "seconds": seconds}
    body.update({field: value for field, value in (("name", name), ("admin", admin)) if value is not None})
    made = server.post("/enrolments", body)
    try:
        found = _ended(server, made)
    except KeyboardInterrupt:
        server.delete(path_of("enrolments", made["id"]))
        raise
    words = found["told"] or found["state"]
    out.said(f"{clean(found['sn'])}: {found['state']}: {clean(words)}", found)
    return DONE if found["state"] == "done" else REFUSED


def _ended(server: Api, found: Row) -> Row:
    with progress(f"waits for the person at {found['sn']}") as tell:
        while found["state"] not in ENDS:
            tell(found["scans"], SCANS)
            time.sleep(LOOK_SECONDS)
            found = server.get(path_of("enrolments", found["id"]))
    return found
