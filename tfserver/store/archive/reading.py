"""Punches out of the archive: by arrival, by time, and for exports."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from tfserver.store.archive.filter import Filter
from tfserver.store.archive.rows import Entry, Place, Row, body_of, paced
from tfserver.store.archive.tables import PUNCHES, instant_of

_BY_ARRIVAL: Final = (PUNCHES.c.ms, PUNCHES.c.seq)


DOUBTED: Final = sa.literal_column("clock") != sa.literal_column("'ok'")
"""The condition of an index, in its very words."""


def fitting(wanted: Filter, columns: Any = PUNCHES.c) -> list[sa.ColumnElement[bool]]:
    """A filter as conditions on the columns of punches."""
    found: list[sa.ColumnElement[bool]] = []
    if wanted.sn:
        found.append(columns.sn == wanted.sn)
    if wanted.enrollid is not None:
        found.append(columns.enrollid == wanted.enrollid)
    if wanted.site:
        found.append(columns.site == wanted.site)
    for column, several in ((columns.site, wanted.sites), (columns.kind, wanted.kinds)):
        if several:
            found.append(column.in_(several))
    if wanted.clocks:
        found.append(columns.clock.in_(wanted.clocks))
    if wanted.repeats:
        found.append(columns.repeat_of.is_not(None))
    return found + within(wanted, columns)


def within(wanted: Filter, columns: Any) -> list[sa.ColumnElement[bool]]:
    """The bounds of a filter as conditions."""
    instant = sa.func.coalesce(columns.utc, columns.received) if wanted.by_received else columns.utc
    found: list[sa.ColumnElement[bool]] = []
    if wanted.since_ms is not None:
        found.append(instant >= instant_of(wanted.since_ms))
    if wanted.until_ms is not None:
        found.append(instant < instant_of(wanted.until_ms))
    return found


def by_arrival(connection: sa.Connection, after: Place, limit: int, wanted: Filter) -> list[Row]:
    """Up to ``limit`` rows behind a place, in the order of arrival."""
    behind = sa.tuple_(*_BY_ARRIVAL) > sa.tuple_(*map(sa.literal, after))
    asked = sa.select(PUNCHES).where(behind, *fitting(wanted)).order_by(*_BY_ARRIVAL).limit(limit)
    return [tuple(row) for row in connection.execute(asked)]


def entries_of(rows: list[Row]) -> list[Entry]:
    """Places and JSON."""
    return [(f"{row[0]}-{row[1]}", body_of(row)) for row in paced(rows)]
