"""A whole archive out of one database and into another, in pieces, without a reactor: backups and moves."""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import msgspec
import sqlalchemy as sa

from tfserver.errors import ArchiveUnavailable, StartError
from tfserver.store.archive import engine, erased, reading, writing
from tfserver.store.archive.filter import EVERYTHING
from tfserver.store.archive.meta import remember
from tfserver.store.archive.rows import Place
from tfserver.store.archive.schema import ID, prepare
from tfserver.store.archive.tables import COLUMNS, META, PEOPLE, PUNCHES, TERMINALS

ROWS_A_PIECE: Final = 5000
_SECONDS: Final = 24 * 3600.0
"""Deadline of one statement: a copy takes as long as it takes."""
_SMALL: Final = (TERMINALS, PEOPLE, META)
_UNFINISHED: Final = "unfinished"
"""The id of a database while it is filled: no server archives into it."""


class Piece(NamedTuple):
    """Some rows of one table: how many punches, and all as compressed JSON."""

    punches: int
    content: bytes


class _Rows(msgspec.Struct):
    table: str
    columns: tuple[str, ...]
    rows: list[list[Any]]


class Source:
    """An archive that is read as it was at one moment, also while servers write to it."""

    def __init__(self, url: str, password: str) -> None:
        self._engine = engine.reading(engine.read_url(url, password), _SECONDS)

    def look(self) -> tuple[str, int]:
        """Its id, and how many punches are in it. ArchiveUnavailable: it can't be reached, or is none."""
        with _told(), self._engine.connect() as connection:
            if not sa.inspect(connection).has_table(META.name):
                raise ArchiveUnavailable("there is no archive of tfserver")
            found = connection.execute(sa.select(META.c.value).where(META.c.name == ID)).scalar()
            if not found or found == _UNFINISHED:
                raise ArchiveUnavailable("the archive is half of a restore that did not end")
            return found, connection.execute(sa.select(sa.func.count()).select_from(PUNCHES)).scalar() or 0

    def pieces(self) -> Iterator[Piece]:
        """All of it, as it is when the first is asked for; what it remembers of itself comes last."""
        with _told(), self._engine.connect() as connection:
            if connection.dialect.name == "postgresql":
                connection.execution_options(isolation_level="REPEATABLE READ")
            after = Place(-1, 0)
            while rows := reading.by_arrival(connection, after, ROWS_A_PIECE, EVERYTHING):
                yield _piece(PUNCHES, COLUMNS, rows)
                after = Place(*rows[-1][:2])
            for table in _SMALL:
                found = [tuple(row) for row in connection.execute(sa.select(table))]
                yield _piece(table, tuple(table.columns.keys()), found)

    def close(self) -> None:
        """Let it go."""
        self._engine.dispose()


class Target:
    """An archive that is filled. Until ``finish`` no server archives into it."""

    def __init__(self, url: str, password: str) -> None:
        self._engine = engine.writing(engine.read_url(url, password), _SECONDS)
        self._meta: list[tuple[str, str]] = []
        self._erased: dict[str, str] = {}
        """Erasures that the archive remembers which is filled: a backup from before knows less."""
        self.punches = 0

    def open(self) -> None:
        """Make its tables. StartError for a schema of a newer tfserver; ArchiveUnavailable."""
        with _told(), self._engine.begin() as connection:
            prepare(connection)

    def is_empty(self) -> bool:
        """Whether no punch is in it."""
        with _told(), self._engine.begin() as connection:
            return connection.execute(sa.select(PUNCHES.c.ms).limit(1)).first() is None

    def begin(self) -> None:
        """Forget what is in it."""
        with _told(), self._engine.begin() as connection:
            self._erased = dict(erased.rows(connection))
            for table in (PUNCHES, *_SMALL):
                connection.execute(sa.delete(table))
            remember(connection, ID, _UNFINISHED)

    def add(self, content: bytes) -> None:
        """A piece, as ``Source`` gave it. ArchiveUnavailable also for one that is damaged."""
        try:
            found = msgspec.json.decode(zlib.decompress(content), type=_Rows)
        except (zlib.error, msgspec.MsgspecError) as wrong:
            raise ArchiveUnavailable(f"a piece of the archive is damaged: {wrong}") from wrong
        if found.table == META.name:
            self._meta += [(name, value) for name, value in found.rows]
            return
        table = next((one for one in (PUNCHES, *_SMALL) if one.name == found.table), None)
        if table is None or not set(found.columns) <= set(table.columns.keys()):
            raise ArchiveUnavailable(f"this tfserver's archive has no such table or column: {found.table}")
        with _told(), self._engine.begin() as connection:
            if table is PUNCHES:
                self.punches += writing.insert(connection, _in_order(found))
            elif found.rows:
                named = [dict(zip(found.columns, row, strict=True)) for row in found.rows]
                connection.execute(sa.insert(table), named)

    @property
    def place(self) -> str:
        """The last place that is archived in what was added."""
        return dict(self._meta).get(writing.PLACE) or str(Place(0, 0))

    def finish(self) -> None:
        """It is whole: it is the archive that it was copied from."""
        with _told(), self._engine.begin() as connection:
            for name, value in (*self._meta, *self._erased.items()):
                remember(connection, name, value)

    def close(self) -> None:
        """Let it go."""
        self._engine.dispose()


def _in_order(found: _Rows) -> list[tuple[Any, ...]]:
    """Rows with the columns of today; those that an older archive did not have are empty."""
    if found.columns == COLUMNS:
        return [tuple(row) for row in found.rows]
    named = (dict(zip(found.columns, row, strict=True)) for row in found.rows)
    return [tuple(row.get(name) for name in COLUMNS) for row in named]


def _piece(table: sa.Table, columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> Piece:
    # names are a kind of text that only SQLAlchemy knows
    found = _Rows(str(table.name), tuple(map(str, columns)), [list(row) for row in rows])
    told = msgspec.json.encode(found)
    return Piece(len(rows) if table is PUNCHES else 0, zlib.compress(told, 3))


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """What the database says, as an error of ours."""
    try:
        yield
    except sa.exc.SQLAlchemyError as wrong:
        raise ArchiveUnavailable(engine.reason(wrong)) from None
    except StartError as wrong:
        raise ArchiveUnavailable(str(wrong)) from wrong
