"""Is the server behind a connection durable enough, ours to read, and the primary? Asked at every connect."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from tfserver.config import Acknowledge, Durability
from tfserver.config import Store as StoreSettings
from tfserver.errors import TfserverError
from tfserver.store.address import Address
from tfserver.store.generation import Generation, Generations, replicas_of
from tfserver.store.keys import Keys
from tfserver.store.sentinels import Primary

SCHEMA: Final = 1
OLDEST_READER: Final = 1
"""The oldest schema whose programs may work beside this one."""
FULL: Final = "the store is full (maxmemory): nothing is acknowledged until there is room"
UNFINISHED: Final = 1_000_000
"""No tfserver reads this schema: none starts on a store that is half restored."""
_STRENGTH: Final = {Durability.NONE: 0, Durability.EVERYSEC: 1, Durability.ALWAYS: 2}
_FSYNC: Final = {"always": Durability.ALWAYS, "everysec": Durability.EVERYSEC}


class Unfit(TfserverError):
    """The server can be reached but must not be used; the text says why and what to do."""


class NotPrimary(TfserverError):
    """The server is no primary, or one that others have replaced: connect anew."""


class Fitness(NamedTuple):
    """What was found out about a server. ``refuses``: why it takes no writes now, though it answers reads."""

    software: str
    durability: Durability
    generation: Generation
    refuses: str = ""

    def __str__(self) -> str:
        return f"{self.software}, durability {self.durability.value}, generation {self.generation.number}"


class Gate:
    """Authenticates a new connection and decides whether it may be used. ``found`` is what the sentinels said
    last, None where there are none."""

    def __init__(
        self,
        address: Address,
        settings: StoreSettings,
        keys: Keys,
        generations: Generations,
        found: Callable[[], Primary | None],
    ) -> None:
        self._address = address
        self._settings = settings
        self._keys = keys
        self._generations = generations
        self._found = found

    async def check(self, connection: Any) -> Fitness:
        """Raise Unfit, NotPrimary, or any error of the connection, when it may not be used."""
        await self.enter(connection)
        info = await self._info(connection)
        if info.get("role") not in (None, "master"):
            raise NotPrimary(f"{self._address} is a replica, waiting for the primary")
        if info.get("loading") == "1":
            raise ConnectionError(f"{self._address} is loading its data")
        _refuse_eviction(info.get("maxmemory_policy", "noeviction"))
        durability = await self._durability(connection)
        await self._schema(connection)
        generation = await self._generation(connection, info, durability)
        name = info.get("server_name", "redis")
        version = info.get("valkey_version") or info.get("redis_version", "?")
        bound = int(info.get("maxmemory", 0))
        full = 0 < bound <= int(info.get("used_memory", 0)) or generation.refused.startswith("OOM")
        refuses = FULL if full else generation.refused or await self._lacking(connection, info)
        return Fitness(f"{name} {version}", durability, generation, refuses)

    async def enter(self, connection: Any) -> None:
        """Authenticate and choose the database."""
        if self._address.greeting:
            await connection.execute_command(*self._address.greeting)
        if self._address.database:
            await connection.execute_command("SELECT", self._address.database)

    async def _info(self, connection: Any) -> dict[str, str]:
        """What the server tells of itself; nothing where that is forbidden."""
        try:
            return pairs_of(await connection.execute_command("INFO", "everything"))
        except Exception as refused:
            if not _is_refusal(refused):
                raise
            return {}

    async def _generation(self, connection: Any, info: dict[str, str], durability: Durability) -> Generation:
        found = self._found()
        where = "{}:{}".format(*found.place) if found else ""
        generation = await self._generations.ask(connection, info, where, durability)
        if found is None:
            return generation
        # known by now: another connection may have found the next primary while this one was asked
        if generation.number < self._generations.known:
            raise NotPrimary(f"{where} was the primary before a failover, waiting for the one of now")
        if generation.was_replicated and not found.confirmed and replicas_of(info) == 0:
            raise NotPrimary(
                f"{where} may be cut off: neither most of the sentinels nor any replica say that it is "
                "the primary"
            )
        return generation

    async def _lacking(self, connection: Any, info: dict[str, str]) -> str:
        """Why what is written would not be acknowledged; empty if it would."""
        wanted = self._settings.replicas
        if self._settings.acknowledge is not Acknowledge.REPLICA:
            return ""
        try:
            # of no replica, so that it does not wait
            await connection.execute_command("WAIT", 0, 1)
        except Exception as refused:
            if not _is_refusal(refused):
                raise
            raise Unfit(f"store.acknowledge: replica needs the command WAIT: {refused}") from refused
        found = replicas_of(info)
        if found is None or found >= wanted:
            return ""
        return (
            f"store.acknowledge: replica asks for {wanted} replicas that keep up, and the store has {found}"
        )

    async def _durability(self, connection: Any) -> Durability:
        try:
            found = await connection.execute_command("CONFIG", "GET", "*append*")
        except Exception as refused:
            if self._settings.assume_durability is None or not _is_refusal(refused):
                raise self._explained(refused) from refused
            return self._enough(self._settings.assume_durability, "store.assume_durability says so")
        config = dict(zip(found[::2], found[1::2], strict=False))
        return self._enough(*_real_durability(config))

    def _explained(self, refused: Exception) -> Exception:
        if not _is_refusal(refused):
            return refused
        return Unfit(
            "the store does not tell its durability (CONFIG is forbidden): "
            "say it as store.assume_durability: always, everysec or none"
        )

    def _enough(self, real: Durability, why: str) -> Durability:
        if _STRENGTH[real] < _STRENGTH[self._settings.durability]:
            raise Unfit(
                f"the store is less durable ({real.value}: {why}) than store.durability: "
                f"{self._settings.durability.value} asks for; set 'appendonly yes' and 'appendfsync "
                f"{self._settings.durability.value}' there, or accept less by store.durability: {real.value}"
            )
        return real

    async def _schema(self, connection: Any) -> None:
        key = self._keys.meta
        schema, reader = await connection.execute_command("HMGET", key, "schema", "reader")
        if reader is None:  # only then a write: a full store must go on answering reads
            await connection.execute_command("HSETNX", key, "schema", SCHEMA)
            await connection.execute_command("HSETNX", key, "reader", OLDEST_READER)
            schema, reader = await connection.execute_command("HMGET", key, "schema", "reader")
        if int(reader) == UNFINISHED:
            raise Unfit("a restore into this store did not end: run 'tfserver restore' again, with --replace")
        if int(reader) > SCHEMA:
            raise Unfit(
                f"the data has schema {schema}, readable from schema {reader} on, and this tfserver knows "
                f"schema {SCHEMA}: start the newer tfserver that wrote it"
            )


def _refuse_eviction(policy: str) -> None:
    if policy != "noeviction":
        raise Unfit(
            f"the store evicts data (maxmemory-policy {policy}): set 'maxmemory-policy noeviction' there"
        )


def _is_refusal(error: Exception) -> bool:
    text = str(error)
    return text.startswith("NOPERM") or "unknown command" in text.lower()


def _real_durability(config: dict[str, str]) -> tuple[Durability, str]:
    if config.get("appendonly") != "yes":
        return Durability.NONE, "appendonly no"
    fsync = config.get("appendfsync", "no")
    real = _FSYNC.get(fsync, Durability.NONE)
    if real is not Durability.NONE and config.get("no-appendfsync-on-rewrite") == "yes":
        return Durability.NONE, "no-appendfsync-on-rewrite yes"
    return real, f"appendfsync {fsync}"


def pairs_of(text: str) -> dict[str, str]:
    """What INFO says, by its names."""
    lines = (line.partition(":") for line in text.splitlines() if ":" in line)
    return {key: value for key, _, value in lines}
