"""Print punches in order of arrival, or follow them."""

from __future__ import annotations

import csv
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from http import HTTPStatus
from typing import Any, Final

import click

from tfserver.cli.api import CSV, PAGE, Api, asks_server, known_terminals
from tfserver.cli.outcome import UNREACHABLE, Failed
from tfserver.cli.output import Row, clean, progress

POLL_SECONDS: Final = 1.0
AWAY: Final = (HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT)
FIELDS: Final = (
    "id", "uid", "sn", "site", "kind", "enrollid", "external_id", "device_time", "time", "utc", "offset_ms",
    "received", "mode", "verify", "inout", "event", "temp", "clock",
)  # fmt: skip
"""The columns of CSV that is followed: all of a punch that terminals of every kind tell."""


@click.command("punches")
@click.option("--follow", is_flag=True, help="Go on and print what comes, until Ctrl-C.")
@click.option("--csv", "form", flag_value="csv", help="Print CSV with a heading.")
@click.option("--json", "form", flag_value="json", help="Print one JSON object a line.")
@click.option("--after", default="0", show_default=True, metavar="CURSOR", help="Start behind this one.")
@click.option("--sn", help="Only of this terminal.", shell_complete=known_terminals)
@click.option("--enrollid", help="Only of this person.")
@click.option("--site", help="Only of this site.")
@click.option("--kind", help="Only these: punch, door, stranger.")
@click.option("--since", metavar="INSTANT", help="Only from this on, e.g. 2026-04-02T08:00:00Z.")
@click.option("--until", metavar="INSTANT", help="Only before this.")
@asks_server
def command(server: Api, follow: bool, form: str | None, after: str, **filters: str | None) -> None:
    """Print punches in the order in which they came, or follow them.

    \b
      tfserver punches --follow
      tfserver punches --csv --since 2026-04-01T00:00:00Z > april.csv
      tfserver punches --json --after 1775116800000-0
    """
    if form == "csv" and not follow:
        _export(server, after, filters)
        return
    show = _FORMS[form or ""]()
    count = 0
    with _shown_progress() as tell:
        for page in _pages(server, after, filters, follow):
            for punch in page:
                show(punch)
            sys.stdout.flush()
            count += len(page)
            tell(count, None)


def _export(server: Api, after: str, filters: Row) -> None:
    """All there is now, as the server writes it."""
    count = -1
    sys.stdout.flush()
    with _shown_progress() as tell:
        for data in server.export("/punches", CSV, after=after, **filters):
            sys.stdout.buffer.write(data)
            count += data.count(b"\n")
            tell(max(0, count), None)
        sys.stdout.buffer.flush()


def _shown_progress() -> Any:
    """A counter on stderr, unless the punches themselves go to the screen."""
    return nullcontext(lambda done, total: None) if sys.stdout.isatty() else progress("punches")


def _pages(server: Api, cursor: str, filters: Row, follow: bool) -> Iterator[list[Row]]:
    is_first = True
    while True:
        try:
            page = server.get("/punches", after=cursor, limit=PAGE, **filters)
        except Failed as failed:
            if is_first or not follow or not _may_pass(failed):
                raise
            time.sleep(POLL_SECONDS)
            continue
        is_first = False
        yield page["punches"]
        if page["next"] == cursor:
            if not follow:
                return
            time.sleep(POLL_SECONDS)
        cursor = page["next"]


def _may_pass(failed: Failed) -> bool:
    """Whether it is worth while to ask again: the server, or its store, is away."""
    return failed.status == UNREACHABLE or failed.code in AWAY


def _for_people() -> Callable[[Row], None]:
    def show(punch: Row) -> None:
        """A line."""
        who = punch["enrollid"] if punch["kind"] == "punch" else punch["kind"]
        doubt = "" if punch["clock"] == "ok" else f"  clock {punch['clock']}"
        when = clean(punch["time"] or punch["device_time"])
        how = clean(punch["verify"])
        line = f"{when:<27} {punch['sn']:<18} {who!s:<12} {how:<12} in/out {punch['inout']}{doubt}"
        print(line.rstrip())

    return show


def _as_json() -> Callable[[Row], None]:
    return lambda punch: print(json.dumps(punch, ensure_ascii=False))


def _as_csv() -> Callable[[Row], None]:
    writer = csv.DictWriter(sys.stdout, FIELDS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    return writer.writerow


_FORMS: Final = {"": _for_people, "json": _as_json, "csv": _as_csv}
