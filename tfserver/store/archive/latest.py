"""Punches out of the archive, the newest first, and how many there were at which hour of a day.

As in ``finding`` no question looks at more than a bounded number of rows: by an index where few can fit, else
one after another, back in time.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from tfserver.store.archive import reading
from tfserver.store.archive.filter import Filter
from tfserver.store.archive.finding import by_index, index_for, one_by_one
from tfserver.store.archive.meta import remembered
from tfserver.store.archive.rows import Entry, Place, place_of
from tfserver.store.archive.tables import PUNCHES, instant_of
from tfserver.store.archive.writing import PLACE

ZONES: Final = timedelta(hours=15)
"""No zone is farther from UTC: so far before and behind a day of any terminal its punches may be in UTC."""
_ORDER: Final = (PUNCHES.c.ms, PUNCHES.c.seq)
_FIRST: Final = Place(0, 0)


class Latest(NamedTuple):
    """What fits, the newest first; everything from ``reached`` on was looked at. ``is_all``: there is nothing
    before that. Everything up to ``stands`` is archived."""

    entries: list[Entry]
    reached: str
    is_all: bool
    stands: str


def latest(connection: sa.Connection, before: Place, limit: int, scanned: int, wanted: Filter) -> Latest:
    """Up to ``limit`` punches before a place that fit, among the last ``scanned`` or found by an index."""
    stands = remembered(connection, PLACE) or "0-0"
    bound = _place_of_row(connection, before, scanned)
    index = None if bound is None else index_for(connection, wanted)
    if index is None:
        asked = one_by_one(wanted, (bound or _FIRST).previous, before.previous, scanned)
    else:
        bound, asked = None, by_index(index, wanted, _FIRST.previous, before.previous)
    places = [asked.selected_columns[name].desc() for name in ("ms", "seq")]
    rows = [tuple(row) for row in connection.execute(asked.order_by(None).order_by(*places).limit(limit))]
    if len(rows) == limit:
        return Latest(reading.entries_of(rows), str(Place(*rows[-1][:2])), False, stands)
    return Latest(reading.entries_of(rows), str(bound or _FIRST), bound is None, stands)


def by_hour(connection: sa.Connection, day: date, wanted: Filter) -> tuple[str, list[tuple[str, int, int]]]:
    """Where the archive stands, and how many punches fit by terminal and hour, on a day of each terminal's
    own clock: (sn, hour, count). Punches without a time that can be are on no day."""
    columns = PUNCHES.c
    noon = datetime.combine(day, time(), UTC)
    near = [
        columns.utc >= instant_of(_ms(noon - ZONES)),
        columns.utc < instant_of(_ms(noon + timedelta(days=1) + ZONES)),
        sa.func.substr(columns.time, 1, 10) == day.isoformat(),
    ]
    stands = remembered(connection, PLACE) or "0-0"
    upto = sa.tuple_(*_ORDER) <= sa.tuple_(*map(sa.literal, place_of(stands)))
    hour = sa.func.substr(columns.time, 12, 2)
    asked = sa.select(columns.sn, hour, sa.func.count()).where(*near, upto, *reading.fitting(wanted))
    rows = connection.execute(asked.group_by(columns.sn, hour))
    return stands, [(sn, int(hour), count) for sn, hour, count in rows]


def _ms(when: datetime) -> int:
    return round(when.timestamp() * 1000)


def _before(before: Place) -> list[sa.ColumnElement[bool]]:
    """The plain condition says less, but every planner knows how many rows it means."""
    return [PUNCHES.c.ms <= before.ms, sa.tuple_(*_ORDER) < sa.tuple_(*map(sa.literal, before))]


def _place_of_row(connection: sa.Connection, before: Place, count: int) -> Place | None:
    """The place of the row that is the ``count``-th before a place; None when there is none."""
    order: list[Any] = [column.desc() for column in _ORDER]
    asked = sa.select(*_ORDER).where(*_before(before)).order_by(*order).offset(count - 1).limit(1)
    row = connection.execute(asked).first()
    return None if row is None else Place(*row)
