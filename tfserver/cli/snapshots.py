"""Snapshots of terminals: what they have, to be had again by them or by others."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import click

from tfserver.cli.api import Api, asks_server, known_terminals, path_of
from tfserver.cli.following import far_in, followed
from tfserver.cli.groups import UsualGroup
from tfserver.cli.outcome import DONE, REFUSED, Failed
from tfserver.cli.output import Column, People, Row, clean, prints

MEDIA: Final = "application/octet-stream"
PASSPHRASE: Final = "Snapshot-Passphrase"
PASSPHRASE_ENV: Final = "TFSERVER_SNAPSHOT_PASSPHRASE"
WHAT: Final = ("settings", "zones", "people")
OPEN: Final = "open"
MOST_REFUSALS: Final = 50


def inside(snapshot: Row) -> str:
    """How much is in a snapshot, in words."""
    kinds = ", ".join(f"{count} {kind}" for kind, count in snapshot["credentials"].items())
    return f"{snapshot['people']} people" + (f" ({kinds})" if kinds else "")


COLUMNS: Final = (
    Column("id", lambda one: one["id"]),
    Column("serial number", lambda one: one["sn"]),
    Column("state", lambda one: one["state"]),
    Column("made", lambda one: one["made"]),
    Column("model", lambda one: one["model"]),
    Column("from", lambda one: one["source"]),
    Column("has", inside),
    Column("missing", lambda one: len(one["missing"]) or ""),
    Column("told", lambda one: one["stage"]),
)
STEPS: Final = (
    Column("step", lambda one: one["name"]),
    Column("state", lambda one: one["state"]),
    Column("told", lambda one: one["told"]),
)
REFUSALS: Final = (
    Column("person", lambda one: one["enrollid"]),
    Column("slot", lambda one: one["backupnum"]),
    Column("why not", lambda one: one["why"]),
)
id_argument: Final = click.argument("snapshot_id", metavar="SNAPSHOT")


def passphrase_option(function: Any) -> Any:
    """Give a command the passphrase: from a file or the environment, never from the command line."""
    return click.option(
        "--passphrase-file", type=click.Path(dir_okay=False), metavar="PATH",
        help=f"The first line of this file is the passphrase; else that in {PASSPHRASE_ENV}. Without one "
        "only this server opens the file.",
    )(function)  # fmt: skip


def confirmed(function: Any) -> Any:
    """Give a command the serial number of the terminal that is changed, again."""
    return click.option("--confirm", metavar="SN", help="The serial number again; asked for without.")(
        function
    )


@click.group("snapshots", cls=UsualGroup)
def command() -> None:
    """Snapshots of terminals. 'tfserver snapshot SN' takes one.

    \b
      tfserver snapshots ZXDM26010042
      tfserver snapshots restore ZXDM26010043 s5b2f0c9e1a7d4e21 --confirm ZXDM26010043
      tfserver snapshots download s5b2f0c9e1a7d4e21 gate.snapshot --passphrase-file words
    """


@command.command("list")
@click.argument("sn", shell_complete=known_terminals)
@asks_server
@prints
def listing(server: Api, out: People, sn: str) -> None:
    """The snapshots of a terminal, the newest first."""
    found = [one for page in server.pages(path_of("terminals", sn, "snapshots")) for one in page]
    out.rows(found, COLUMNS, f"no snapshots of {sn}")


@command.command("show")
@id_argument
@asks_server
@prints
def show(server: Api, out: People, snapshot_id: str) -> None:
    """How much is in a snapshot, and why something is missing; never what is in it."""
    out.details([server.get(path_of("snapshots", snapshot_id))])


@command.command("download")
@id_argument
@click.argument("file", type=click.Path(dir_okay=False))
@passphrase_option
@asks_server
@prints
def download(server: Api, out: People, snapshot_id: str, file: str, passphrase_file: str | None) -> None:
    """Write a snapshot into an encrypted file. That needs a token that may have templates."""
    written = write_file(server, snapshot_id, file, passphrase_file)
    out.said(f"{file}: {written} bytes", {"file": file, "bytes": written})


@command.command("upload")
@click.argument("file", type=click.Path(dir_okay=False))
@passphrase_option
@asks_server
@prints
def upload(server: Api, out: People, file: str, passphrase_file: str | None) -> int:
    """Bring such a file to a server."""
    try:
        data = Path(file).read_bytes()
    except OSError as wrong:
        raise Failed(f"can't read {file}: {wrong.strerror}") from wrong
    made = server.upload("/snapshots", data, MEDIA, _headers(passphrase_file))
    return _told(out, taken(server, made))


@command.command("remove")
@click.argument("ids", metavar="SNAPSHOT...", nargs=-1, required=True)
@asks_server
@prints
def remove(server: Api, out: People, ids: tuple[str, ...]) -> None:
    """Forget snapshots."""
    for snapshot_id in ids:
        server.delete(path_of("snapshots", snapshot_id))
        out.said(f"{snapshot_id}: removed", {"id": snapshot_id, "removed": True})


@command.command("restore")
@click.argument("sn", shell_complete=known_terminals)
@id_argument
@click.option("--what", multiple=True, type=click.Choice(WHAT), help="Only this; several times.")
@confirmed
@asks_server
@prints
def restore(
    server: Api, out: People, sn: str, snapshot_id: str, what: tuple[str, ...], confirm: str | None
) -> int:
    """Give a terminal what a snapshot has, as far as it fits: settings, zones, people.

    Never its identity, its network or where its server is. Exit code 1: something could not be brought over.
    """
    body = {"snapshot": snapshot_id, "what": list(what or WHAT), "confirm": confirm or ask_again(sn)}
    return followed_restoration(server, out, server.post(path_of("terminals", sn, "restore"), body))


def ask_again(sn: str) -> str:
    """The serial number, typed once more; usage error where nobody can type."""
    if not sys.stdin.isatty():
        raise click.UsageError(f"this changes terminal {sn}: say so by --confirm {sn}")
    typed: str = click.prompt(f"This changes terminal {sn}. Type its serial number to go on", err=True)
    return typed


def taken(server: Api, made: Row) -> Row:
    """A snapshot when it is whole, or will never be."""
    path = path_of("snapshots", made["id"])
    return followed(
        f"people of {made['sn']}",
        made,
        lambda: server.get(path),
        lambda one: one["state"] != OPEN,
        lambda one: far_in(one["stage"]),
    )


def _told(out: People, found: Row) -> int:
    missing = f", {len(found['missing'])} things are missing" if found["missing"] else ""
    words = f": {clean(found['stage'])}" if found["state"] == "failed" else f": {inside(found)}{missing}"
    out.said(f"{found['id']} of {clean(found['sn'])} is {found['state']}{words}", found)
    return DONE if found["state"] == "done" else REFUSED


def taken_and_told(server: Api, out: People, sn: str) -> tuple[int, str]:
    """Take a snapshot of a terminal and print it; the exit status, and its id."""
    found = taken(server, server.post(path_of("terminals", sn, "snapshots"), {}))
    return _told(out, found), found["id"]


def followed_restoration(server: Api, out: People, made: Row) -> int:
    """Wait for the end of a restoration and print what came of it; the exit status."""
    path = path_of("terminals", made["sn"], "restorations", made["id"])
    found = followed(
        f"to {made['sn']}",
        made,
        lambda: server.get(path),
        lambda one: one["state"] != OPEN,
        lambda one: far_in(one["stage"]),
    )
    out.shown(found, lambda: _show_restoration(found))
    is_whole = found["state"] == "done" and not found["refused"]
    return (
        DONE if is_whole and all(step["state"] in ("done", "skipped") for step in found["steps"]) else REFUSED
    )


def _show_restoration(found: Row) -> None:
    People().rows(found["steps"], STEPS, "nothing was done")
    if found["refusals"]:
        print("\ncould not be brought over:")
        People().rows(found["refusals"][:MOST_REFUSALS], REFUSALS, "")
        if found["refused"] > MOST_REFUSALS:
            print(f"and {found['refused'] - MOST_REFUSALS} more; --json prints {len(found['refusals'])}")
    why = f": {clean(found['stage'])}" if found["state"] == "failed" else ""
    print(f"\n{clean(found['sn'])} is {found['state']}{why}")


def write_file(server: Api, snapshot_id: str, file: str, passphrase_file: str | None) -> int:
    """Write a snapshot into a file (mode 0600), whole or not at all; how many bytes."""
    folder, name = os.path.split(os.path.abspath(file))
    temporary, written = "", 0
    try:
        fd, temporary = tempfile.mkstemp(prefix=f".{name}.", dir=folder)
        with os.fdopen(fd, "wb") as target:
            path = path_of("snapshots", snapshot_id, "file")
            for data in server.export(path, MEDIA, _headers(passphrase_file)):
                written += target.write(data)
            target.flush()
            os.fsync(fd)
        os.rename(temporary, file)
    except BaseException as wrong:
        with suppress(OSError):
            os.unlink(temporary)
        if isinstance(wrong, OSError):
            raise Failed(f"can't write {file}: {wrong.strerror}") from wrong
        raise
    return written


def _headers(passphrase_file: str | None) -> dict[str, str]:
    words = os.environ.get(PASSPHRASE_ENV, "")
    if passphrase_file is not None:
        try:
            words = Path(passphrase_file).read_text("utf-8").partition("\n")[0].rstrip("\r")
        except (OSError, UnicodeDecodeError) as wrong:
            raise Failed(f"can't read {passphrase_file}: {wrong}") from wrong
        if not words:
            raise Failed(f"{passphrase_file} begins with an empty line: that is no passphrase")
    if not (words.isascii() and words.isprintable()):
        raise Failed("a passphrase has only visible ASCII characters and spaces")
    return {PASSPHRASE: words} if words else {}
