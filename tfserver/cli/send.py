"""Order a terminal to do something, and say what came of it."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path
from typing import Any, Final

import click

from tfserver.cli import ends
from tfserver.cli.api import Api, asks_server, known_terminals, path_of
from tfserver.cli.outcome import UNREACHABLE, Failed
from tfserver.cli.output import People, Row, prints, waiting

MOST_WAIT: Final = 25.0
"""Seconds of one request: proxies give up on longer ones. After it the order is looked at repeatedly."""
LOOK_SECONDS: Final = 0.5
RESERVED: Final = {"cmd": "the second word", "ttl": "--ttl", "confirm": "--confirm"}


def known_words(_: click.Context, __: click.Parameter, incomplete: str) -> list[Any]:
    """Command words that begin like this, for the shell."""
    from click.shell_completion import CompletionItem

    from tfserver.cli.words import vocabulary_rows

    return [
        CompletionItem(row["command"], help=row["does"])
        for row in vocabulary_rows()
        if row["command"].startswith(incomplete)
    ]


def known_fields(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Fields of the command that stands before, for the shell."""
    from tfserver.cli.words import fields_of

    named = [f"{field['field']}=" for field in fields_of(ctx.params.get("cmd") or "")]
    return [name for name in named if name.startswith(incomplete)]


@click.command("send")
@click.argument("sn", shell_complete=known_terminals)
@click.argument("cmd", shell_complete=known_words)
@click.argument("fields", metavar="[KEY=VALUE]...", nargs=-1, shell_complete=known_fields)
@click.option("--ttl", type=int, metavar="S", help="End it after S seconds, done or not.")
@click.option(
    "--wait", type=click.FloatRange(0, 86_400), default=30.0, show_default=True, metavar="S",
    help="Wait so many seconds for its end.",
)  # fmt: skip
@click.option("--confirm", metavar="SN", help="The serial number again, for commands that destroy.")
@click.option(
    "--file", "files", multiple=True, metavar="KEY=PATH", help="A field that is a file, e.g. a photo: base64."
)
@asks_server
@prints
def command(
    server: Api,
    out: People,
    sn: str,
    cmd: str,
    fields: tuple[str, ...],
    ttl: int | None,
    wait: float,
    confirm: str | None,
    files: tuple[str, ...],
) -> int:
    """Order a terminal to do something, and say what came of it.

    A VALUE that is JSON is taken as such, anything else is text; '"12"' is the text 12.
    'tfserver commands' lists the words, 'tfserver commands WORD' the keys.

    \b
      tfserver send ZXDM26010042 opendoor doornum=1
      tfserver send ZXDM26010042 setuserinfo enrollid=7 name="Ann Lee" backupnum=50 --file record=ann.jpg
      tfserver send ZXDM26010042 cleanlog --confirm ZXDM26010042

    Exit codes: 0 done, 1 refused, failed, expired, cancelled or unknown, 4 not ended within the wait.
    """
    body = {"cmd": cmd, **_read_fields(fields, files)}
    body.update({name: value for name, value in (("ttl", ttl), ("confirm", confirm)) if value is not None})
    with waiting(f"{cmd} on its way to {sn}"):
        order = _ordered(server, sn, body, wait)
    out.said(ends.told(order), order)
    return ends.status_of(order)


def _ordered(server: Api, sn: str, body: Row, wait: float) -> Row:
    """The order as it stands when it has ended, or when the wait is over."""
    until = time.monotonic() + wait
    try:
        order: Row = server.post(path_of("terminals", sn, "commands"), body, wait=min(wait, MOST_WAIT))
    except Failed as failed:
        if failed.status != UNREACHABLE:
            raise
        doubt = f"it may be ordered all the same: see 'tfserver orders {sn}'"
        raise Failed(f"{failed}\n  {doubt}", UNREACHABLE) from failed
    while not ends.has_ended(order) and (left := until - time.monotonic()) > 0:
        time.sleep(min(LOOK_SECONDS, left))
        order = server.get(path_of("commands", order["id"]))
    return order


def _read_fields(fields: tuple[str, ...], files: tuple[str, ...]) -> Row:
    found: Row = {}
    pairs = [(text, _value) for text in fields] + [(text, _content) for text in files]
    for text, read in pairs:
        name, equals, value = text.partition("=")
        name = name.strip()
        if not name or not equals:
            raise click.UsageError(f"expected KEY=VALUE, got '{text}'")
        if name in RESERVED:
            raise click.UsageError(f"'{name}' is no field: give it as {RESERVED[name]}")
        if name in found:
            raise click.UsageError(f"'{name}' is given twice")
        found[name] = read(value)
    return found


def _value(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_number, parse_float=_finite)
    except ValueError:
        return text


def _no_number(text: str) -> Any:
    raise ValueError(text)


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(text)
    return number


def _content(path: str) -> str:
    try:
        return base64.b64encode(Path(path).read_bytes()).decode()
    except OSError as wrong:
        raise click.UsageError(f"can't read {path}: {wrong.strerror}") from wrong
