"""What the store tells of itself, and which processes live by it: for people who look whether all is well."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec
from twisted.internet.defer import Deferred, FirstError, gatherResults
from twisted.python.failure import Failure

from tfserver.config import Store as StoreSettings
from tfserver.errors import StoreError
from tfserver.store.client import Client
from tfserver.store.fitness import pairs_of
from tfserver.store.generation import replicas_of
from tfserver.store.headcount import Own
from tfserver.store.terminals import HEARTBEAT_LIFE

SECONDS: Final = 2.0
"""Whoever looks wants to know soon, also that there is no answer."""
MOST_PROCESSES: Final = 200


class Measured(NamedTuple):
    """What the store says just now: memory and its bound (bytes; 0 without one), whether it writes what it is
    told to a file, and what is wrong with that, how many replicas keep up (None: it does not tell), how many
    are connected to it, and for how long it has run."""

    memory: int
    most_memory: int
    has_file: bool
    file_problem: str
    replicas: int | None
    clients: int
    seconds: int


class StoreVitals(NamedTuple):
    """``problem`` is empty while it takes writes; what stands in ``software`` to ``lineage`` was found at the
    last look. ``measured`` is None when it does not answer."""

    address: str
    problem: str
    software: str
    durability: str
    wanted: str
    acknowledge: str
    generation: int
    lineage: str
    measured: Measured | None


class Beat(NamedTuple):
    """A process by its heartbeat: how long ago that was (ms, None when it is gone), and how many terminals it
    last said that it has."""

    owner: str
    age_ms: int | None
    terminals: int | None


class Vitals:
    """Asks the store, briefly."""

    def __init__(self, client: Client, settings: StoreSettings) -> None:
        self._client = client
        self._settings = settings

    async def store(self) -> StoreVitals:
        """How the store is; it never raises StoreError, as that is an answer too."""
        client, settings = self._client, self._settings
        fitness = client.fitness
        return StoreVitals(
            address=str(client.address),
            problem="" if client.ready else client.problem,
            software=fitness.software if fitness else "",
            durability=fitness.durability.value if fitness else "",
            wanted=settings.durability.value,
            acknowledge=settings.acknowledge.value,
            generation=client.generation,
            lineage=client.lineage,
            measured=await self._measured(),
        )

    async def beats(self) -> list[Beat]:
        """All processes that said they live and did not say that they go, by name. Raises StoreError."""
        keys = self._client.keys
        owners, counts = await self._together(("SMEMBERS", keys.owners), ("HGETALL", keys.headcount))
        names = sorted(owners)[:MOST_PROCESSES]
        left = await self._together(*(("PTTL", keys.alive(name)) for name in names))
        told = dict(zip(counts[::2], counts[1::2], strict=True))
        return [Beat(name, _age(ms), _count(told.get(name))) for name, ms in zip(names, left, strict=True)]

    async def _measured(self) -> Measured | None:
        try:
            [text] = await self._together(("INFO", "everything"))
        except StoreError:
            return None
        return measured(pairs_of(text))

    async def _together(self, *commands: tuple[Any, ...]) -> list[Any]:
        asked = [self._soon(*command) for command in commands]
        try:
            found: list[Any] = await gatherResults(asked, consumeErrors=True)
        except FirstError as failed:
            reason: Failure = failed.subFailure
            reason.raiseException()
        return found

    def _soon(self, *command: Any) -> Deferred[Any]:
        return self._client.read(*command).addTimeout(SECONDS, self._client.reactor)


def measured(info: Mapping[str, str]) -> Measured:
    """What an answer to INFO says."""
    return Measured(
        memory=_number(info, "used_memory"),
        most_memory=_number(info, "maxmemory"),
        has_file=info.get("aof_enabled") == "1",
        file_problem=_file_problem(info),
        replicas=replicas_of(dict(info)),
        clients=_number(info, "connected_clients"),
        seconds=_number(info, "uptime_in_seconds"),
    )


def _file_problem(info: Mapping[str, str]) -> str:
    for name in ("aof_last_write_status", "aof_last_bgrewrite_status"):
        if info.get(name, "ok") != "ok":
            return f"{name}: {info[name]}"
    return ""


def _number(info: Mapping[str, str], name: str) -> int:
    text = info.get(name, "")
    return int(text) if text.isdigit() else 0


def _age(left_ms: int) -> int | None:
    return None if left_ms < 0 else max(0, HEARTBEAT_LIFE * 1000 - left_ms)


def _count(text: str | None) -> int | None:
    return None if text is None else msgspec.json.decode(text, type=Own).online
