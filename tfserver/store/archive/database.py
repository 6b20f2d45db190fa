"""The archive as the rest of the house sees it: coroutines over SQLite or PostgreSQL.

One thread and one connection write; others read, and never wait for it. No answer takes longer than
``archive.seconds``, exports excepted.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from typing import Any, Final

import sqlalchemy as sa
from twisted.internet import task
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from tfserver.config import Archive as ArchiveSettings
from tfserver.errors import ArchiveUnavailable, StartError
from tfserver.store.archive import engine, finding, latest, reading, retention, writing
from tfserver.store.archive import erased as erasures
from tfserver.store.archive.calls import Call, Calls
from tfserver.store.archive.erased import Erased
from tfserver.store.archive.filter import EVERYTHING, Filter
from tfserver.store.archive.finding import Chunk, Found
from tfserver.store.archive.forms import Form
from tfserver.store.archive.latest import Latest
from tfserver.store.archive.meta import remembered
from tfserver.store.archive.rows import Entry, Row, place_of
from tfserver.store.archive.schema import prepare

KNOWN_SECONDS: Final = 1.5
"""A terminal waits for the answer to ``known``."""
MOST_UIDS: Final = 500
"""Uids in one question."""
MOST_REMEMBERED: Final = 100_000
"""People that are not looked up again."""
AGAIN_SECONDS: Final = (1.0, 60.0)
"""From the first to the longest wait until a database that was away at the start is tried again."""

Asked = Callable[[sa.Connection], Any]


class Archive:
    """Punches, terminals and people ids in SQL. ``problem`` says why it can't be asked; empty when it can."""

    _log = Logger()

    def __init__(self, reactor: Any, url: str, settings: ArchiveSettings, password: str = "") -> None:
        self.id = ""
        """The database's own random id; empty until it was reached."""
        self.problem = "the archive is not open yet"
        self._reactor = reactor
        self._seconds = settings.seconds
        self._url = engine.read_url(url, password)
        self.description = engine.shown(self._url)
        self._writes = Calls(reactor, "writes", 1)
        self._reads = Calls(reactor, "reads", engine.READERS)
        # a thread of their own, so that no question waits for them
        self._exports = Calls(reactor, "exports", engine.EXPORTERS)
        self._writer: sa.Engine
        self._reader: sa.Engine
        self._people: dict[int, str | None] = {}
        self._opening: Deferred[None] | None = None

    async def start(self) -> None:
        """Open it, and make or renew its tables. One that is away is tried again and again; StartError for
        what no time mends."""
        self._writer = engine.writing(self._url, self._seconds)
        self._reader = engine.reading(self._url, self._seconds)
        self._writes.start()
        self._reads.start()
        self._exports.start()
        try:
            await self._open()
        except ArchiveUnavailable as away:
            if self._url.drivername == "sqlite":
                raise StartError(f"archive {self.description}: {away}") from away
            self._opening = Deferred.fromCoroutine(self._open_later())
            self._opening.addErrback(lambda _: None)

    async def stop(self) -> None:
        """Let it go; what is under way is given up."""
        if self._opening is not None:
            self._opening.cancel()
        for calls in (self._reads, self._exports, self._writes):
            calls.stop()
        self.problem = "the archive was let go"
        if hasattr(self, "_reader"):
            self._reader.dispose()
            self._writer.dispose()

    async def place(self) -> str:
        """The last place that is archived; ``0-0`` when there is none."""
        found: str = await self._read(lambda connection: remembered(connection, writing.PLACE))
        return found

    async def keep(self, entries: Sequence[Entry], before: str, to: str = "") -> int:
        """Keep a batch, and stand at its last place (or at ``to``) in the place of ``before``; how many of it
        were new. Raises Overtaken, or Poisoned, and then nothing of it was kept.

        ArchiveUnavailable: it may have happened; ``place`` tells.
        """
        rows: list[Row] = []
        people: dict[int, tuple[str | None, str | None]] = {}

        def keep(connection: sa.Connection) -> int:
            """One transaction: the place and the rows."""
            rows.extend(writing.rows_of(entries))
            found = writing.people_of(rows)
            people.update({one: told for one, told in found.items() if self._is_news(one, told[0])})
            writing.move(connection, before, to or entries[-1][0])
            new = writing.insert(connection, rows)
            writing.put_people(connection, people)
            return new

        try:
            new: int = await self._write(keep)
        except writing.Refused as refused:
            why = str(refused)
            raise await self._write(lambda connection: writing.culprits(connection, rows, why)) from None
        if len(self._people) > MOST_REMEMBERED:
            self._people.clear()
        self._people.update({one: told for one, (told, _) in people.items()})
        return new

    async def keep_terminals(self, rows: list[dict[str, Any]]) -> None:
        """Keep terminals as they are now: ``sn``, ``name``, ``site``, ``timezone``, ``now``."""
        await self._write(lambda connection: writing.put_terminals(connection, rows))

    async def known(self, uids: Sequence[str]) -> set[str]:
        """Which of these are archived."""
        found: set[str] = set()
        for start in range(0, len(uids), MOST_UIDS):
            asked = functools.partial(writing.known, uids=uids[start : start + MOST_UIDS])
            found |= await self._read(asked, KNOWN_SECONDS)
        return found

    async def page(self, after: str, limit: int, wanted: Filter = EVERYTHING) -> list[Entry]:
        """Up to ``limit`` punches behind a place, in the order of arrival: place and JSON."""
        place = place_of(after)

        def page(connection: sa.Connection) -> list[Entry]:
            """The rows, made JSON in the thread."""
            return reading.entries_of(reading.by_arrival(connection, place, limit, wanted))

        found: list[Entry] = await self._read(page)
        return found

    async def find(self, after: str, limit: int, scanned: int, wanted: Filter) -> Found:
        """Up to ``limit`` punches behind a place that fit, in the order of arrival: among the next
        ``scanned``, or wherever they are when an index finds them."""
        place = place_of(after)
        found: Found = await self._read(
            lambda connection: finding.find(connection, place, limit, scanned, wanted)
        )
        return found

    async def latest(self, before: str, limit: int, scanned: int, wanted: Filter) -> Latest:
        """Up to ``limit`` punches before a place that fit, the newest first: among the last ``scanned``, or
        wherever they are when an index finds them."""
        place = place_of(before)
        found: Latest = await self._read(
            lambda connection: latest.latest(connection, place, limit, scanned, wanted)
        )
        return found

    async def by_hour(self, day: date, wanted: Filter) -> tuple[str, list[tuple[str, int, int]]]:
        """Where the archive stands, and how many punches fit by terminal and hour of its own day."""
        found: tuple[str, list[tuple[str, int, int]]] = await self._read(
            lambda connection: latest.by_hour(connection, day, wanted)
        )
        return found

    async def whole(self, after: str, upto: str, wanted: Filter, form: Form) -> Chunk | None:
        """The lines of all that fits between two places, when an index finds few; else None."""
        places = place_of(after), place_of(upto)
        found: Chunk | None = await self._export(
            lambda connection: finding.whole(connection, *places, wanted, form)
        )
        return found

    async def chunk(self, after: str, upto: str, count: int, wanted: Filter, form: Form) -> Chunk:
        """The lines of what fits among the next ``count`` punches, up to a place."""
        places = place_of(after), place_of(upto)
        found: Chunk = await self._export(
            lambda connection: finding.chunk(connection, *places, count, wanted, form)
        )
        return found

    async def doubted(self, wanted: Filter) -> tuple[str, list[Row]]:
        """The place up to which everything is archived, and how many punches fit of each terminal (by its
        serial number): number, first and last instant, least and greatest offset of the clock."""
        found: tuple[str, list[Row]] = await self._read(
            lambda connection: finding.doubted(connection, wanted)
        )
        return found

    async def forgotten(self, kinds: tuple[str, ...] = ()) -> str:
        """The highest place that retention deleted of these kinds (none named: of all)."""
        found: str = await self._read(lambda connection: retention.forgotten(connection, kinds))
        return found

    async def forget(self, kind: str, before_ms: int, scanned: int) -> tuple[int, bool]:
        """Delete what arrived before this instant of a kind, looking at up to ``scanned`` rows; how many were
        deleted, and whether there are more to look at."""
        found: tuple[int, bool] = await self._write(
            lambda connection: retention.forget(connection, kind, before_ms, scanned)
        )
        return found

    async def note_erasure(self, erased: Erased) -> None:
        """Remember that a person was erased; the last erasure of each counts."""
        await self._write(lambda connection: erasures.note(connection, erased))

    async def erasures(self) -> list[Erased]:
        """All that are remembered."""
        found: list[Erased] = await self._read(erasures.noted)
        return found

    async def forget_erasures(self, before_ms: int) -> int:
        """Forget those that were ordered before this moment; how many."""
        found: int = await self._write(lambda connection: erasures.forget(connection, before_ms))
        return found

    def _is_news(self, enrollid: int, external_id: str | None) -> bool:
        return enrollid not in self._people or self._people[enrollid] != external_id

    def _read(self, asked: Asked, seconds: float | None = 0) -> Awaitable[Any]:
        return self._ask(self._reads, lambda: self._reader, asked, self._seconds if seconds == 0 else seconds)

    def _export(self, asked: Asked) -> Awaitable[Any]:
        return self._ask(self._exports, lambda: self._reader, asked, None)

    def _write(self, asked: Asked) -> Awaitable[Any]:
        return self._ask(self._writes, lambda: self._writer, asked, self._seconds)

    async def _ask(
        self, calls: Calls, chosen: Callable[[], sa.Engine], asked: Asked, seconds: float | None
    ) -> Any:
        if not self.id:
            raise ArchiveUnavailable(f"archive {self.description}: {self.problem}")
        try:
            answer = await self._call(calls, chosen(), asked, seconds)
        except ArchiveUnavailable as away:
            self.problem = str(away)
            raise ArchiveUnavailable(f"archive {self.description}: {away}") from None
        self.problem = ""
        return answer

    def _call(self, calls: Calls, of: sa.Engine, asked: Asked, seconds: float | None) -> Deferred[Any]:
        def answer(call: Call) -> Any:
            """In a thread: ask in a transaction."""
            with engine.connected(of, call) as connection:
                if seconds is None and connection.dialect.name == "postgresql":
                    connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
                return asked(connection)

        return calls.ask(answer, seconds)

    async def _open(self) -> None:
        try:
            self.id = await self._call(self._writes, self._writer, prepare, self._seconds)
        except (ArchiveUnavailable, StartError) as wrong:
            self.problem = str(wrong)
            raise
        self.problem = ""

    async def _open_later(self) -> None:
        """It was away at the start: the server runs without, and this one tries on."""
        wait, longest = AGAIN_SECONDS
        told = ""
        while not self.id:
            if told != self.problem:
                told = self.problem
                self._log.warn("archive {where} away: {problem}", where=self.description, problem=told)
            await task.deferLater(self._reactor, wait)
            wait = min(2 * wait, longest)
            try:
                await self._open()
            except (ArchiveUnavailable, StartError):
                continue
        self._log.info("archive {where} is there", where=self.description)
