"""Where the archive is, and connections to it: SQLite in a file, or PostgreSQL by psycopg."""

from __future__ import annotations

import contextlib
import os
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from tfserver.errors import ArchiveUnavailable, ConfigError, StartError
from tfserver.store.archive.calls import Call

READERS: Final = 4
"""Connections that read, for questions."""
EXPORTERS: Final = 1
"""Another for exports, which take one chunk after another."""
CONNECT_SECONDS: Final = 5
PRIVATE: Final = 0o600
_EXPECTED: Final = "postgresql://user@host/database or sqlite:///path"
_POSTGRESQL: Final = ("postgresql", "postgres", "postgresql+psycopg")
_CACHE_KIB: Final = 8 * 1024
"""Of each connection: what the system has in its own cache is a short way away."""
_CHECKPOINT_PAGES: Final = 8000
"""Pages in the write-ahead log before they go where they belong: one written often goes there once."""
_LOCKED_SECONDS: Final = 0.02
"""Until a file that another process had locked is tried again."""


def read_url(text: str, password: str) -> URL:
    """The URL of an archive; ``password`` wins over one in the URL. Raises ConfigError."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError) as wrong:
        # Never the URL itself: it may hold a password.
        raise ConfigError(f"archive.url: expected {_EXPECTED}") from wrong
    if url.drivername in _POSTGRESQL:
        url = url.set(drivername="postgresql+psycopg")
        return url.set(password=password) if password else url
    if url.drivername == "sqlite" and url.database and url.database != ":memory:":
        return url.set(database=unquote(url.database))
    raise ConfigError(f"archive.url: expected {_EXPECTED}, got '{url.drivername}://'")


def shown(url: URL) -> str:
    """An URL for people: without its password and without options, where there might be another."""
    if url.drivername == "sqlite":
        return f"sqlite {url.database}"
    where = f"{url.host or 'local'}:{url.port}" if url.port else (url.host or "local")
    return f"postgresql {where}/{url.database or ''}"


def writing(url: URL, seconds: float) -> sa.Engine:
    """One connection that writes; each of its transactions begins as one that will."""
    return _engine(url, seconds, 1, "BEGIN IMMEDIATE")


def reading(url: URL, seconds: float) -> sa.Engine:
    """Connections that read, and never wait for who writes."""
    return _engine(url, seconds, READERS + EXPORTERS, "BEGIN")


def _engine(url: URL, seconds: float, size: int, begin: str) -> sa.Engine:
    bounds: dict[str, Any] = {"pool_size": size, "max_overflow": 0, "pool_timeout": seconds}
    is_sqlite = url.drivername == "sqlite"
    arguments: dict[str, Any] = {"connect_timeout": CONNECT_SECONDS}
    if is_sqlite:
        _make_private(Path(url.database or ""))
        arguments = {"timeout": seconds, "check_same_thread": False}
    try:
        engine = sa.create_engine(
            url, connect_args=arguments, hide_parameters=True, pool_pre_ping=not is_sqlite, **bounds
        )
    except ModuleNotFoundError as missing:
        raise StartError(
            f"archive.url: {missing.name} is missing: pip install 'tfserver[postgresql]'"
        ) from missing
    if is_sqlite:
        sa.event.listen(engine, "connect", _preparing_sqlite(seconds))
        sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    else:
        sa.event.listen(engine, "connect", _preparing_postgresql(seconds))
    return engine


def _make_private(path: Path) -> None:
    """A file that only we can read; SQLite gives its companions the same mode."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE))
    except OSError as wrong:
        raise StartError(f"archive: can't open {path}: {wrong.strerror}") from wrong


def _preparing_sqlite(seconds: float) -> Callable[[Any, object], None]:
    def prepare(connection: Any, _: object) -> None:
        """A journal that readers and the writer share, and commits that are on the disk."""
        # Else the driver decides by itself where transactions begin.
        connection.isolation_level = None
        _share(connection, time.monotonic() + seconds)
        for setting in (
            "synchronous = FULL",
            f"cache_size = -{_CACHE_KIB}",
            f"wal_autocheckpoint = {_CHECKPOINT_PAGES}",
            f"journal_size_limit = {4 * _CHECKPOINT_PAGES * 4096}",
        ):
            connection.execute(f"PRAGMA {setting}").close()

    return prepare


def _share(connection: Any, deadline: float) -> None:
    """Change a new file to the journal WAL. SQLite itself waits for nobody there, and processes that are
    started at the same time all want to."""
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").close()
            return
        except sqlite3.OperationalError as wrong:
            if "locked" not in str(wrong) or time.monotonic() > deadline:
                raise
        time.sleep(_LOCKED_SECONDS)


def _preparing_postgresql(seconds: float) -> Callable[[Any, object], None]:
    def prepare(connection: Any, _: object) -> None:
        """Times in UTC, a deadline that the server knows too, and commits that are on its disk."""
        with connection.cursor() as cursor:
            cursor.execute("SET TIME ZONE 'UTC'")
            cursor.execute(f"SET statement_timeout = {round(seconds * 1000)}")
            cursor.execute("SHOW synchronous_commit")
            if cursor.fetchone()[0] == "off":
                # Redis forgets what we say is kept.
                cursor.execute("SET synchronous_commit = on")
        connection.commit()

    return prepare


@contextlib.contextmanager
def connected(engine: sa.Engine, call: Call) -> Iterator[sa.Connection]:
    """A transaction in a connection that is broken when the call is given up. Whatever keeps the database
    from answering is told as ArchiveUnavailable; DataError and IntegrityError speak of what was asked."""
    try:
        with engine.connect() as connection:
            call.begin(_breaking(connection))
            try:
                with connection.begin():
                    yield connection
            finally:
                call.end()
    except (sa.exc.DataError, sa.exc.IntegrityError):
        raise
    except sa.exc.SQLAlchemyError as wrong:
        raise ArchiveUnavailable(reason(wrong)) from None


def reason(wrong: Exception) -> str:
    """An error of the database in one line, without what was asked and with."""
    found = str(getattr(wrong, "orig", None) or wrong).strip().partition("\n")[0]
    return found or type(wrong).__name__


def _breaking(connection: sa.Connection) -> Callable[[], None]:
    raw = connection.connection.driver_connection
    assert raw is not None
    interrupt = getattr(raw, "interrupt", None)
    if interrupt is not None:
        return lambda: interrupt()

    def shut() -> None:
        """Who waits for the server sees the end of the connection."""
        with contextlib.suppress(Exception), socket.socket(fileno=os.dup(raw.fileno())) as lost:
            lost.shutdown(socket.SHUT_RDWR)

    return shut
