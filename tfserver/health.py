"""How the server fares: its processes, its store and its archive, as far as each can be learned just now.

People look here when something is wrong, so nothing here fails because something is: what can't be learned
is None.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import msgspec
from twisted.internet.defer import Deferred, TimeoutError

from tfserver import __version__
from tfserver.config import Archive as ArchiveSettings
from tfserver.errors import StoreError
from tfserver.metrics import Metrics
from tfserver.pressure import Pressure
from tfserver.store.archive.database import Archive
from tfserver.store.inquiries import Inquiries
from tfserver.store.vitals import Beat, StoreVitals, Vitals

QUESTION: Final = "process"
"""What processes are asked about themselves."""
SECONDS: Final = 2.0
"""How long is waited for them all, also when the store hangs."""


class Told(msgspec.Struct, frozen=True):
    """What a process tells of itself. ``started`` is Unix time, ``lag`` in seconds, ``memory`` in bytes, of
    ``most_memory`` (0: without a bound)."""

    process: str
    version: str = ""
    started: float = 0.0
    connections: int = 0
    terminals: int = 0
    people: int = 0
    lag: float = 0.0
    memory: int = 0
    most_memory: int = 0
    pressure: float = 0.0
    is_draining: bool = False


class Process(NamedTuple):
    """A process: its heartbeat, None while the store is away, and what it told, None when no answer came in
    time."""

    owner: str
    beat: Beat | None
    told: Told | None


class Processes(NamedTuple):
    """All that are known. ``is_whole``: the store was there to tell of the others, and they answered."""

    all: list[Process]
    own: str
    is_whole: bool


class ArchiveVitals(NamedTuple):
    """The archive: what it is, why it can't be asked (empty: it can), how far behind it was at the last look,
    and how long things are kept, in days by kind; a kind that is not there is kept for ever."""

    description: str
    problem: str
    is_up: bool
    lag: int
    lag_seconds: float
    keep_days: dict[str, int]
    stream_hours: int


class Health:
    """What this process knows of the server. ``owner`` names it, ``most_mb`` bounds its memory."""

    def __init__(
        self,
        reactor: Any,
        vitals: Vitals,
        inquiries: Inquiries,
        archive: Archive,
        archive_settings: ArchiveSettings,
        pressure: Pressure,
        metrics: Metrics,
        owner: str,
        most_mb: int,
        draining: Callable[[], bool],
    ) -> None:
        self._reactor = reactor
        self._vitals = vitals
        self._inquiries = inquiries
        self._archive = archive
        self._archive_settings = archive_settings
        self._pressure = pressure
        self._metrics = metrics
        self._owner = owner
        self._most_mb = most_mb
        self._draining = draining
        inquiries.answers(QUESTION, lambda _: [self._own()])

    async def processes(self) -> Processes:
        """Every process of the fleet; without the store only this one."""
        asking = Deferred.fromCoroutine(self._told())
        beats = await self._beats()
        told = await asking
        owners = sorted({*told, *(beats or {})})
        every = [Process(owner, (beats or {}).get(owner), told.get(owner)) for owner in owners]
        return Processes(every, self._owner, beats is not None and all(one.told for one in every))

    async def store(self) -> StoreVitals:
        """How the store is, also when it is away."""
        return await self._vitals.store()

    async def archive(self) -> ArchiveVitals:
        """How the archive is, as of the last look (every 5 s)."""
        metrics, settings = self._metrics, self._archive_settings
        return ArchiveVitals(
            description=self._archive.description,
            problem=self._archive.problem,
            is_up=metrics.archive_up,
            lag=metrics.archive_lag,
            lag_seconds=metrics.archive_lag_seconds,
            keep_days={str(kind): days for kind, days in settings.keep_days.items()},
            stream_hours=settings.stream_hours,
        )

    async def _told(self) -> dict[str, Told]:
        asking = Deferred.fromCoroutine(self._inquiries.ask(QUESTION))
        try:
            rows = (await asking.addTimeout(SECONDS, self._reactor)).rows
        except TimeoutError:
            rows = [{**self._own(), "process": self._owner}]
        return {one.process: one for one in msgspec.convert(rows, list[Told])}

    async def _beats(self) -> dict[str, Beat] | None:
        try:
            return {beat.owner: beat for beat in await self._vitals.beats()}
        except StoreError:
            return None

    def _own(self) -> dict[str, Any]:
        metrics, pressure = self._metrics, self._pressure
        told = Told(
            process=self._owner,
            version=__version__,
            started=metrics.started,
            connections=metrics.connections,
            terminals=metrics.terminals,
            people=metrics.http_connections,
            lag=pressure.lag,
            memory=pressure.memory,
            most_memory=self._most_mb << 20,
            pressure=pressure.level,
            is_draining=self._draining(),
        )
        return msgspec.structs.asdict(told)
