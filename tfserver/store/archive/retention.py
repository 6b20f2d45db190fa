"""What is kept only for some days goes again, in small batches, and what went is remembered."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from tfserver.store.archive.meta import highest, remember, remembered
from tfserver.store.archive.rows import Place, place_of
from tfserver.store.archive.tables import PUNCHES

FORGOTTEN: Final = "forgotten:"
"""Beginning of a name in ``meta``; a kind follows: the highest place of that kind that was deleted."""
SWEPT: Final = "swept:"
"""The same: before this place nothing of the kind is left, so that nobody looks there again."""


def forget(connection: sa.Connection, kind: str, before_ms: int, scanned: int) -> tuple[int, bool]:
    """Delete what arrived before this instant of a kind, looking at no more than ``scanned`` rows behind the
    last ones; how many were deleted, and whether there are more to look at."""
    columns = PUNCHES.c
    swept = place_of(remembered(connection, SWEPT + kind) or "0-0")
    by_arrival = (columns.ms, columns.seq)
    behind = sa.tuple_(*by_arrival) > sa.tuple_(*map(sa.literal, swept))
    asked = sa.select(*by_arrival, columns.kind).where(behind, columns.ms < before_ms)
    seen = connection.execute(asked.order_by(*by_arrival).limit(scanned)).all()
    if not seen:
        return 0, False
    last = Place(*seen[-1][:2])
    old = [Place(ms, seq) for ms, seq, found in seen if found == kind]
    if old:
        within = sa.tuple_(*by_arrival) <= sa.tuple_(*map(sa.literal, last))
        connection.execute(sa.delete(PUNCHES).where(behind, within, columns.kind == kind))
        remember(connection, FORGOTTEN + kind, str(old[-1]))
    remember(connection, SWEPT + kind, str(last))
    return len(old), len(seen) == scanned


def forgotten(connection: sa.Connection, kinds: tuple[str, ...]) -> str:
    """The highest place of these kinds (none named: of all) that was deleted."""
    return str(highest(connection, FORGOTTEN, kinds))
