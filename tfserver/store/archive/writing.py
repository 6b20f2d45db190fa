"""Punches, terminals and people into the archive."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from tfserver.errors import ArchiveUnavailable, StoreError
from tfserver.model import Kind
from tfserver.store.archive.engine import reason
from tfserver.store.archive.rows import Entry, Row, Unreadable, paced, place_of, row_of
from tfserver.store.archive.tables import COLUMNS, META, PEOPLE, PUNCHES, TERMINALS

PLACE: Final = "place"
"""The name in the table ``meta`` of where the archive stands."""


class Overtaken(StoreError):
    """The archive stands at another place than was thought: somebody else archives, or a batch came through
    although it seemed not to."""


class Poisoned(StoreError):
    """Some of a batch can't be kept, whatever is done: ``why`` by place. Nothing of the batch was kept."""

    def __init__(self, why: dict[str, str]) -> None:
        super().__init__(f"{len(why)} punches can't be archived")
        self.why = why


def rows_of(entries: Sequence[Entry]) -> list[Row]:
    """The rows of a batch; Poisoned when some of it is no punch."""
    rows: list[Row] = []
    why: dict[str, str] = {}
    for place, text in paced(entries):
        try:
            rows.append(row_of(place_of(place), text))
        except Unreadable as wrong:
            why[place] = str(wrong)
    if why:
        raise Poisoned(why)
    return rows


def move(connection: sa.Connection, before: str, to: str) -> None:
    """Let the archive stand at the place ``to`` if it stands at ``before``; else Overtaken."""
    moved = sa.update(META).where(META.c.name == PLACE, META.c.value == before).values(value=to)
    if connection.execute(moved).rowcount != 1:
        raise Overtaken(f"the archive does not stand at {before} any more")


class Refused(Exception):
    """The database refuses something in a batch, and the transaction is lost; ``culprits`` finds out what."""


def insert(connection: sa.Connection, rows: list[Row]) -> int:
    """Add what is not there by its uid; how many were new. Raises Refused, or Poisoned for two punches at one
    place."""
    if not rows:
        return 0
    try:
        # No savepoint: SQLite would copy every page it touches.
        new = _insert(connection, rows)
    except (sa.exc.DataError, sa.exc.IntegrityError) as refused:
        raise Refused(reason(refused)) from None
    if new < len(rows):
        _refuse_strangers(connection, rows)
    return new


def _insert(connection: sa.Connection, rows: list[Row]) -> int:
    if connection.dialect.name == "postgresql":
        # One value for each column: the time of a statement goes by the number of its values.
        columns = tuple(map(list, zip(*rows, strict=True)))
        return int(connection.exec_driver_sql(_UNNEST, columns).rowcount)
    return int(connection.exec_driver_sql(_VALUES, rows).rowcount)


_ARRAYS: Final = {"extra": "text", "temp": "float8"}
_NUMBERS: Final = ("ms", "seq", "enrollid", "offset_ms", "mode", "inout", "event")


def _array(name: str) -> str:
    return f"%s::{_ARRAYS.get(name) or ('bigint' if name in _NUMBERS else 'text')}[]"


def _cast(name: str) -> str:
    casts = {"extra": "::json", "utc": "::timestamptz", "received": "::timestamptz"}
    return f'"{name}"{casts.get(name, "")}'


_NAMES: Final = ", ".join(f'"{name}"' for name in COLUMNS)
_VALUES: Final = (
    f"INSERT INTO punches ({_NAMES}) VALUES ({', '.join('?' * len(COLUMNS))}) ON CONFLICT DO NOTHING"
)
_UNNEST: Final = (
    f"INSERT INTO punches ({_NAMES}) SELECT {', '.join(map(_cast, COLUMNS))} "
    f"FROM unnest({', '.join(map(_array, COLUMNS))}) AS new({_NAMES}) ON CONFLICT DO NOTHING"
)
_UID: Final = COLUMNS.index("uid")


def known(connection: sa.Connection, uids: Sequence[str]) -> set[str]:
    """Which of these uids are there."""
    found = connection.execute(sa.select(PUNCHES.c.uid).where(PUNCHES.c.uid.in_(uids)))
    return set(found.scalars())


def _refuse_strangers(connection: sa.Connection, rows: list[Row]) -> None:
    """What was not new must be there under its uid, not another punch at its place."""
    there = known(connection, [row[_UID] for row in rows])
    told = "another punch stands at its place"
    why = {f"{row[0]}-{row[1]}": told for row in rows if row[_UID] not in there}
    if why:
        raise Poisoned(why)


def culprits(connection: sa.Connection, rows: list[Row], refused: str) -> StoreError:
    """Who of a refused batch it was. When a plain row is refused too, it is not the rows' fault."""
    if _refusal(connection, _PLAIN):
        return ArchiveUnavailable(f"the archive refuses everything: {refused}")
    why = {f"{row[0]}-{row[1]}": told for row in rows if (told := _refusal(connection, row))}
    return Poisoned(why) if why else ArchiveUnavailable(f"the archive refuses a batch: {refused}")


def _refusal(connection: sa.Connection, row: Row) -> str:
    """Why a row would be refused; it is not kept."""
    trial = connection.begin_nested()
    try:
        _insert(connection, [row])
    except (sa.exc.DataError, sa.exc.IntegrityError) as wrong:
        return reason(wrong)
    finally:
        trial.rollback()
    return ""


_PLAIN: Final[Row] = row_of(place_of("0-0"), '{"uid":"trial","sn":"TRIAL"}')


def people_of(rows: Sequence[Row]) -> dict[int, tuple[str | None, str | None]]:
    """Who punched: the external id, and when that came, by enrollid."""
    return {row[6]: (row[7], row[12]) for row in rows if row[5] == Kind.PUNCH.value and row[6] is not None}


def put_people(connection: sa.Connection, people: dict[int, tuple[str | None, str | None]]) -> None:
    """Keep ids of people; ``since`` stays while the external id does."""
    if not people:
        return
    rows = [{"enrollid": one, "external_id": told, "since": at} for one, (told, at) in sorted(people.items())]
    there = sa.select(PEOPLE.c.enrollid, PEOPLE.c.external_id).where(PEOPLE.c.enrollid.in_(people))
    same = {(one, told) for one, told in connection.execute(there)}
    _upsert(connection, PEOPLE, [row for row in rows if (row["enrollid"], row["external_id"]) not in same])


def put_terminals(connection: sa.Connection, rows: list[dict[str, Any]]) -> None:
    """Keep terminals as they are now (``sn``, ``name``, ``site``, ``timezone``). ``first_seen`` is the
    ``now`` of the first row there was of one, ``changed`` that of the last which told something new."""
    names = ("sn", "name", "site", "timezone")
    there = {
        row.sn: row
        for row in connection.execute(sa.select(TERMINALS).where(TERMINALS.c.sn.in_([r["sn"] for r in rows])))
    }
    changed = []
    for row in rows:
        old = there.get(row["sn"])
        if old is not None and all(getattr(old, name) == row[name] for name in names):
            continue
        told = {name: row[name] for name in names}
        first = row["now"] if old is None else old.first_seen
        changed.append({**told, "first_seen": first, "changed": row["now"]})
    _upsert(connection, TERMINALS, changed)


def _upsert(connection: sa.Connection, table: sa.Table, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    added = dialect.insert(table)
    key = [column.name for column in table.primary_key]
    new = {name: added.excluded[name] for name in map(str, table.columns.keys()) if name not in key}
    connection.execute(added.on_conflict_do_update(index_elements=key, set_=new), rows)
