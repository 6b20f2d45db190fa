"""An archive with something in it, for tests of what is done with a whole one."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from tfserver.store.archive import engine, writing
from tfserver.store.archive.rows import place_of, row_of
from tfserver.store.archive.schema import prepare
from tfserver.store.archive.tables import PUNCHES


def body(number: int) -> str:
    """The JSON of a punch."""
    punch = {
        "uid": f"{number:032x}",
        "sn": "A1",
        "site": "Zürich",
        "kind": "punch",
        "enrollid": number % 7 + 1,
        "external_id": None,
        "device_time": "2026-04-02 08:16:10",
        "time": "2026-04-02T08:16:10+02:00",
        "utc": "2026-04-02T06:16:10.000Z",
        "offset_ms": 12,
        "received": "2026-04-02T06:16:11.000Z",
        "mode": 1,
        "verify": None,
        "inout": 0,
        "event": 0,
        "temp": 36.5,
        "clock": "ok",
        "extra": {"note": "=1+1"},
    }
    return msgspec.json.encode(punch).decode()


def fill(url: str, punches: int) -> str:
    """Make an archive with so many punches; its id."""
    made = engine.writing(engine.read_url(url, ""), 10)
    try:
        with made.begin() as connection:
            found = prepare(connection)
            entries = [(f"{1000 + number}-{number % 3}", body(number)) for number in range(punches)]
            rows = [row_of(place_of(place), text) for place, text in entries]
            writing.insert(connection, rows)
            writing.put_people(connection, writing.people_of(rows))
            if entries:
                writing.move(connection, "0-0", entries[-1][0])
            return found
    finally:
        made.dispose()


def contents(url: str) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables, in the order of their keys."""
    made = engine.reading(engine.read_url(url, ""), 10)
    try:
        with made.connect() as connection:
            return {
                table.name: [
                    tuple(row) for row in connection.execute(sa.select(table).order_by(*table.primary_key))
                ]
                for table in PUNCHES.metadata.sorted_tables
            }
    finally:
        made.dispose()
