"""Archives for tests: in SQLite, and in databases of one PostgreSQL that all tests of a run share."""

from __future__ import annotations

import atexit
import itertools
import os
import sqlite3
from typing import Any

import msgspec
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SkipTest, TestCase

from tests.real import postgres
from tfserver.config import Archive as ArchiveSettings
from tfserver.model import Clock, Kind, Punch, punch_uid
from tfserver.store.archive.database import Archive
from tfserver.store.archive.rows import Entry

BASE_MS = 1_775_000_000_000
"""When the first punch of tests arrives: 2026-03-31T23:33:20Z."""


def punch(number: int, **more: Any) -> dict[str, Any]:
    """What a punch's JSON says; numbers make different ones, a second apart."""
    second = f"{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}"
    told = f"2026-04-{1 + number // 86400:02} {second}"
    uid, _ = punch_uid("T1", 5, told, 0, 0, 0)
    utc = f"{told.replace(' ', 'T')}.000Z"
    made = Punch(
        uid, "T1", "hq", Kind.PUNCH, 5, None, told, f"{utc[:19]}+00:00", utc, 0, utc, 1, "fingerprint", 0, 0,
        None, Clock.OK, {},
    )  # fmt: skip
    return {**msgspec.to_builtins(made), **more}


def entry(number: int, **more: Any) -> Entry:
    """A punch at the place of its number."""
    return f"{BASE_MS + number}-0", msgspec.json.encode(punch(number, **more)).decode()


def entries(*numbers: int, **more: Any) -> list[Entry]:
    """Punches at the places of their numbers."""
    return [entry(number, **more) for number in numbers]


class ArchiveCase(TestCase):
    """One database, and as many processes at it as a test wants."""

    timeout = 90

    def setUp(self) -> None:
        self.url = self.new_url()

    def new_url(self) -> str:
        """Where a new database is."""
        self.path = os.path.join(self.mktemp_folder(), "archive.sqlite")
        return f"sqlite:///{self.path}"

    def mktemp_folder(self) -> str:
        """A new folder."""
        folder = os.path.abspath(self.mktemp())
        os.makedirs(folder)
        return folder

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query, asked behind the archive's back."""
        connection = sqlite3.connect(self.path)
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()

    def run_sql(self, statement: str) -> None:
        """Change something behind the archive's back."""
        with sqlite3.connect(self.path) as connection:
            connection.execute(statement)
        connection.close()

    def new_archive(self, url: str = "", password: str = "", **settings: Any) -> Archive:
        """An archive that is not started yet, and stopped at the end."""
        archive = Archive(reactor, url or self.url, ArchiveSettings(**settings), password)
        self.addCleanup(lambda: Deferred.fromCoroutine(archive.stop()))
        return archive

    async def opened(self, **settings: Any) -> Archive:
        """A started archive."""
        archive = self.new_archive(**settings)
        await archive.start()
        return archive

    async def fails(self, call: Any, error: type[Exception]) -> str:
        """What a call says that has to end with ``error``."""
        return str(await self.assertFailure(Deferred.fromCoroutine(call), error))


class PostgresCase(ArchiveCase):
    """The same in PostgreSQL."""

    def new_url(self) -> str:
        """A new database of the one server."""
        self.postgres = shared_postgres()
        name = f"t{next(_NUMBERS)}"
        self.postgres.run(f"CREATE DATABASE {name}")
        self.database = name
        return self.postgres.url.rpartition("/")[0] + f"/{name}"

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query, asked behind the archive's back."""
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(query.encode()).fetchall()

    def run_sql(self, statement: str) -> None:
        """Change something behind the archive's back."""
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement.encode())


def shared_postgres() -> postgres.RealPostgres:
    """The server that all tests of this run share; they are skipped where there is none to be had."""
    if not postgres.is_installed():
        raise SkipTest("no PostgreSQL is installed")
    if not _SERVERS:
        _SERVERS.append(postgres.RealPostgres().start())
        atexit.register(_SERVERS[0].remove)
    return _SERVERS[0]


_SERVERS: list[postgres.RealPostgres] = []
_NUMBERS = itertools.count(1)
