"""People from files, and to files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

import click

from tfserver.cli.api import CSV, Api, asks_server, path_of
from tfserver.cli.enrollids import ENROLLID
from tfserver.cli.following import followed
from tfserver.cli.outcome import DONE, REFUSED, Failed
from tfserver.cli.output import Column, People, Row, clean, prints

NDJSON: Final = "application/x-ndjson"
MEDIA: Final = {"csv": CSV, "jsonl": NDJSON}
SUFFIXES: Final = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
RESULTS: Final = ("made", "changed", "same", "wrong")
"""What comes of a row."""
OPEN: Final = ("uploading", "waiting", "working")
MOST_ERRORS: Final = 1000
SHOWN_ERRORS: Final = 50
ERRORS: Final = (
    Column("row", lambda one: one["row"]),
    Column("column", lambda one: one["field"]),
    Column("what is wrong", lambda one: one["message"]),
)


@click.command("import")
@click.argument("file", type=click.Path(dir_okay=False))
@click.option("--format", "form", type=click.Choice(sorted(MEDIA)), help="What it is; else its name says so.")
@click.option("--dry-run", is_flag=True, help="Say what would come of it, and change nothing.")
@click.option("--stop", is_flag=True, help="Stop at the first row that is wrong, instead of passing over it.")
@asks_server
@prints
def import_people(server: Api, out: People, file: str, form: str | None, dry_run: bool, stop: bool) -> int:
    """Bring people in from a CSV file or one JSON object a line, and say what is wrong with which row.

    A column that is not there leaves things as they are, an empty cell empties them. Exit code 1: some rows
    are wrong.

    \b
      tfserver people import staff.csv --dry-run
      tfserver people import staff.csv
    """
    kind = form or SUFFIXES.get(Path(file).suffix.lower())
    if kind is None:
        raise click.UsageError(f"what is {file}? Give --format csv or --format jsonl")
    try:
        data = Path(file).read_bytes()
    except OSError as wrong:
        raise Failed(f"can't read {file}: {wrong.strerror}") from wrong
    asked = {"dry_run": "true" if dry_run else None, "on_error": "stop" if stop else None}
    made = server.upload("/imports", data, MEDIA[kind], {}, **asked)
    path = path_of("imports", made["id"])
    found = followed(
        f"rows of {Path(file).name}",
        made,
        lambda: server.get(path, limit=MOST_ERRORS),
        lambda one: one["state"] not in OPEN and "errors" in one,
        lambda one: (sum(one[name] for name in RESULTS), one["rows"] or None),
    )
    out.shown(found, lambda: _show(found))
    return DONE if found["state"] == "done" and not found["wrong"] else REFUSED


def _show(found: Row) -> None:
    errors = found["errors"]
    if errors:
        People().rows(errors[:SHOWN_ERRORS], ERRORS, "")
        if found["wrong"] and len(errors) > SHOWN_ERRORS:
            print(f"and {len(errors) - SHOWN_ERRORS} more; --json prints them")
        print()
    would = "would be " if found["dry_run"] else ""
    print(
        f"{found['made']} {would}made, {found['changed']} {would}changed, {found['same']} as they are, "
        f"{found['wrong']} rows wrong"
    )
    why = f": {clean(found['why'])}" if found["why"] else ""
    print(f"import {found['id']} is {found['state']}{why}")


@click.command("export")
@click.argument("enrollid", type=ENROLLID, required=False)
@click.option("--format", "form", type=click.Choice(sorted(MEDIA)), default="csv", show_default=True)
@click.option("--group", metavar="NAME", help="Only those in this group.")
@click.option("--records", is_flag=True, help="With ENROLLID: also what stands in credentials, and pictures.")
@asks_server
def export_people(server: Api, enrollid: int | None, form: str, **chosen: Any) -> None:
    """Print people as 'import' reads them, without credentials; with ENROLLID all that is kept of a person.

    \b
      tfserver people export > people.csv
      tfserver people export 7 > all-of-7.jsonl
    """
    if enrollid is None:
        if chosen["records"]:
            raise click.UsageError("--records wants ENROLLID")
        chunks = server.export("/users", MEDIA[form], group=chosen["group"])
    else:
        asked = "true" if chosen["records"] else None
        chunks = server.export(path_of("users", str(enrollid), "data"), NDJSON, records=asked)
    for chunk in chunks:
        sys.stdout.buffer.write(chunk)
    sys.stdout.buffer.flush()
