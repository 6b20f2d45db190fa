"""Punches that are looked for, by arrival: by an index where few can fit, else one after another.

No question looks at more than a bounded number of rows, however many there are and whatever is asked for.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from tfserver.store.archive import reading, retention
from tfserver.store.archive.filter import Filter
from tfserver.store.archive.forms import Form, lines_of
from tfserver.store.archive.lines import aggregated
from tfserver.store.archive.meta import remembered
from tfserver.store.archive.rows import Entry, Place, Row, place_of
from tfserver.store.archive.tables import PUNCHES
from tfserver.store.archive.writing import PLACE

MOST_FEW: Final = 20_000
"""So many may be found by an index and brought into the order of arrival; where more fit, they are met often
enough by looking at one after another."""
_PLACE: Final = (PUNCHES.c.ms, PUNCHES.c.seq)

Conditions = list[sa.ColumnElement[bool]]
Rows = sa.Select[Any]
"""All columns of punches, out of one table or subquery."""


class Found(NamedTuple):
    """What fits; everything up to ``reached`` was looked at. ``is_all``: there is nothing behind that here.
    ``looked_at`` counts the rows that no index found, ``forgotten`` is the highest place that retention
    deleted."""

    entries: list[Entry]
    reached: str
    is_all: bool
    looked_at: int
    forgotten: str


class Chunk(NamedTuple):
    """Lines, how many they are, and up to where everything was looked at."""

    data: bytes
    rows: int
    reached: str


def find(connection: sa.Connection, after: Place, limit: int, scanned: int, wanted: Filter) -> Found:
    """Up to ``limit`` punches behind a place that fit, among up to ``scanned`` or found by an index."""
    # Before the rows, so that everything up to there is among them.
    stands = max(after, place_of(remembered(connection, PLACE) or "0-0"))
    bound = _place_of_row(connection, after, scanned)
    looked_at = scanned if bound else _count(connection, after, scanned)
    index = None if bound is None else index_for(connection, wanted)
    if index is None:
        ordered = one_by_one(wanted, after, None, scanned)
    else:
        bound, looked_at = None, 0
        ordered = by_index(index, wanted, after, None)
    rows = _rows(connection, ordered.limit(limit))
    last = Place(*rows[-1][:2]) if rows else after
    is_all = bound is None and len(rows) < limit
    reached = last if len(rows) == limit else bound or max(stands, last)
    forgotten = retention.forgotten(connection, wanted.kinds)
    return Found(reading.entries_of(rows), str(reached), is_all, looked_at, forgotten)


def chunk(
    connection: sa.Connection, after: Place, upto: Place, count: int, wanted: Filter, form: Form
) -> Chunk:
    """The lines of what fits among the next ``count`` punches."""
    bound = min(_place_of_row(connection, after, count) or upto, upto)
    return _made(connection, one_by_one(wanted, after, bound, count), form, bound)


def whole(connection: sa.Connection, after: Place, upto: Place, wanted: Filter, form: Form) -> Chunk | None:
    """The lines of all that fits, where an index finds few; else None."""
    index = index_for(connection, wanted)
    return None if index is None else _made(connection, by_index(index, wanted, after, upto), form, upto)


def doubted(connection: sa.Connection, wanted: Filter) -> tuple[str, list[Row]]:
    """Where the archive stands, and for each terminal how many fit, the instants of the first and the last,
    and the least and the greatest offset."""
    stands = remembered(connection, PLACE) or "0-0"
    columns = PUNCHES.c
    instant = sa.func.coalesce(columns.utc, columns.received, type_=columns.utc.type)
    told: list[sa.ColumnElement[Any]] = [sa.func.count()]
    told += [of(instant, type_=columns.utc.type) for of in (sa.func.min, sa.func.max)]
    told += [of(columns.offset_ms) for of in (sa.func.min, sa.func.max)]
    upto = sa.tuple_(*_PLACE) <= sa.tuple_(*map(sa.literal, place_of(stands)))
    asked = sa.select(columns.sn, *told).where(reading.DOUBTED, upto, *reading.fitting(wanted))
    rows = connection.execute(asked.group_by(columns.sn))
    return stands, [tuple(row) for row in rows]


def index_for(connection: sa.Connection, wanted: Filter) -> Conditions | None:
    """Conditions by which an index finds few punches, among them all that fit; None when there are none."""
    for conditions in _indexed(wanted):
        some = sa.select(PUNCHES.c.ms).where(*conditions).limit(MOST_FEW + 1).subquery()
        if _number_of(connection, some) <= MOST_FEW:
            return conditions
    return None


def _indexed(wanted: Filter) -> list[Conditions]:
    """Conditions that follow from what is wanted; each of these lists is answered by one index."""
    columns = PUNCHES.c
    span: Conditions = [] if wanted.by_received else reading.within(wanted, columns)
    found: list[Conditions] = [[reading.DOUBTED]] if wanted.is_doubted else []
    if wanted.enrollid is not None:
        found.append([columns.enrollid == wanted.enrollid, *span])
    for column, value in ((columns.sn, wanted.sn), (columns.site, wanted.site)):
        if value:
            found.append([column == value, *span])
    return [*found, span] if span else found


def by_index(index: Conditions, wanted: Filter, after: Place, upto: Place | None) -> Rows:
    """What fits, by its places, which an index gives before anything else is looked at."""
    places = sa.select(*_PLACE).where(*index).cte("places").prefix_with("MATERIALIZED")
    same = sa.and_(PUNCHES.c.ms == places.c.ms, PUNCHES.c.seq == places.c.seq)
    asked = sa.select(PUNCHES).join_from(places, PUNCHES, same)
    return sa.select(asked.where(*_between(places.c, after, upto), *reading.fitting(wanted)).subquery())


def one_by_one(wanted: Filter, after: Place, upto: Place | None, count: int) -> Rows:
    """What fits among the next ``count``."""
    near = sa.select(PUNCHES).where(*_between(PUNCHES.c, after, upto)).order_by(*_PLACE).limit(count)
    if not reading.fitting(wanted):
        return near
    # The bound keeps planners from looking for what fits elsewhere.
    among = near.subquery()
    return sa.select(among).where(*reading.fitting(wanted, among.c))


def _between(columns: Any, after: Place, upto: Place | None) -> Conditions:
    """Places behind one and not behind another. The plain conditions say less, but every planner knows how
    many rows they mean."""
    place = sa.tuple_(columns.ms, columns.seq)
    found = [columns.ms >= after.ms, place > sa.tuple_(*map(sa.literal, after))]
    if upto is not None:
        found += [columns.ms <= upto.ms, place <= sa.tuple_(*map(sa.literal, upto))]
    return found


def _place_of_row(connection: sa.Connection, after: Place, count: int) -> Place | None:
    """The place of the row that is the ``count``-th behind a place; None when there is none."""
    asked = (
        sa.select(*_PLACE)
        .where(*_between(PUNCHES.c, after, None))
        .order_by(*_PLACE)
        .offset(count - 1)
        .limit(1)
    )
    row = connection.execute(asked).first()
    return None if row is None else Place(*row)


def _count(connection: sa.Connection, after: Place, most: int) -> int:
    some = sa.select(PUNCHES.c.ms).where(*_between(PUNCHES.c, after, None)).limit(most).subquery()
    return _number_of(connection, some)


def _number_of(connection: sa.Connection, rows: sa.Subquery) -> int:
    return connection.execute(sa.select(sa.func.count()).select_from(rows)).scalar() or 0


def _made(connection: sa.Connection, ordered: Rows, form: Form, reached: Place) -> Chunk:
    text, rows, odd = connection.execute(aggregated(connection.dialect.name, form, ordered)).one()
    if not odd:
        return Chunk((text or "").encode(), rows, str(reached))
    entries = reading.entries_of(_rows(connection, ordered))
    return Chunk(lines_of(form, entries), rows, str(reached))


def _rows(connection: sa.Connection, asked: Rows) -> list[Row]:
    columns = asked.selected_columns
    return [tuple(row) for row in connection.execute(asked.order_by(None).order_by(columns.ms, columns.seq))]
