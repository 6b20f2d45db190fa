"""All of txredisapi: connections that are checked before use, deadlines, scripts, wake-ups.

No call ever waits for a connection: without one it fails at once with StoreUnavailable, so nothing queues
while the store is away (design §3.5).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

import txredisapi
from twisted.internet import task
from twisted.internet.defer import (
    CancelledError,
    Deferred,
    DeferredList,
    TimeoutError,
    ensureDeferred,
    fail,
    gatherResults,
)
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.logger import Logger
from twisted.python.failure import Failure

from tfserver.config import Acknowledge
from tfserver.config import Store as StoreSettings
from tfserver.errors import ScriptFailed, StartError, StoreError, StoreUnavailable, StoreUnreachable
from tfserver.store import address, promised
from tfserver.store.connection import Watched, listener, pool
from tfserver.store.fitness import FULL, Fitness, Gate, NotPrimary, Unfit
from tfserver.store.following import Following
from tfserver.store.generation import Generations
from tfserver.store.keys import Keys
from tfserver.store.promised import Promised
from tfserver.store.script import all_scripts

PROBE_SECONDS: Final = 0.25
CHECK_EVERY: Final = 20
"""Probes between two readings of the durability settings of a healthy store."""
CHECK_SECONDS: Final = 1.0
STOP_SECONDS: Final = 2.0
MISSED_PROBES: Final = 3
"""So many checks one after the other go unanswered by a store that hangs while nobody asks it anything."""
DEAD_AFTER_PROBES: Final = 5
START_SECONDS: Final = 10.0

_DEMOTED: Final = ("READONLY", "MASTERDOWN", "UNBLOCKED")
"""Said by a server that is no primary any more."""
_AWAY: Final = (
    "OOM",
    "MISCONF",
    "LOADING",
    "BUSY",
    "NOREPLICAS",
    "TRYAGAIN",
    "NOAUTH",
    *_DEMOTED,
)
_HARMLESS: Final = frozenset({"archived"})
"""Scripts that make room in a store that takes nothing; they put nothing into a stream."""


class Client:
    """Connections to one store. ``ready`` says whether it would take a write now."""

    _log = Logger()

    def __init__(
        self, reactor: Any, url: str, password: str, settings: StoreSettings, sentinel_password: str = ""
    ) -> None:
        self.keys = Keys(settings.prefix)
        self.address = address.reached(address.parse(url, password), settings, sentinel_password)
        self.problem = "the store is not connected yet"
        self.fitness: Fitness | None = None
        self.made = 0
        """How often a connection for writes was made: before each the store may have lost something."""
        self.lineage = ""
        """Which life of the store this is: another one may lack what was kept last (generation.py)."""
        self._reactor = reactor
        self._settings = settings
        self._generations = Generations(self.keys, reactor.seconds)
        self._following = Following(reactor, self.address)
        self._gate = Gate(self.address, settings, self.keys, self._generations, lambda: self._following.found)
        self._endpoint = Watched(self._following.endpoint, self._not_ready)
        self._writes, self._reads = self._pool(1), self._pool(2)
        self._listening: Any = None
        self._blocking: Any = None
        self._promised: Promised | None = None
        if settings.acknowledge is Acknowledge.REPLICA:
            made = self._pool(promised.CONNECTIONS)
            self._promised = Promised(reactor, made, settings, self.keys, self._translated)
        self._scripts = all_scripts()
        self._renewed: list[Callable[[], None]] = []
        self._stalled = False
        self._refuses = ""
        """Why the store takes no writes, though it answers reads."""
        self._is_unsettled = False
        """Whether a new generation could not begin yet, as the store takes no writes."""
        self._missed = 0
        self._probes = 0
        self._probe = task.LoopingCall(self._probe_once)
        self._probe.clock = reactor
        self._unfit: Unfit | None = None

    @property
    def reactor(self) -> Any:
        """Whose turns the calls are made in."""
        return self._reactor

    @property
    def ready(self) -> bool:
        """Whether a checked connection is there, answers, and has room."""
        return bool(self._writes.pool) and not self._stalled and not self._refuses

    @property
    def generation(self) -> int:
        """The number of the store's generation; 0 while it is not known."""
        return self._generations.known

    def check_ready(self) -> None:
        """StoreUnavailable unless it would take a write now: what is refused should not be done later."""
        if not self.ready:
            raise StoreUnavailable(self.problem)

    def on_renewal(self, told: Callable[[], None]) -> None:
        """Call this whenever the store may have lost what it kept last."""
        self._renewed.append(told)

    async def start(self) -> Fitness:
        """Connect; raises StartError when the store is unreachable or unfit."""
        self._following.check()
        for factory in self._factories():
            factory.startConnecting(self._endpoint)
        deadline = self._reactor.seconds() + START_SECONDS
        while not (self.ready and self._reads.pool and (self._promised is None or self._promised.pool.pool)):
            if self._unfit is not None:
                raise StartError(str(self._unfit))
            if self._reactor.seconds() > deadline:
                self._give_up()
            if self._refuses:
                await self._probe_once()
            await task.deferLater(self._reactor, PROBE_SECONDS / 10)
        self._probe.start(PROBE_SECONDS, now=False)
        assert self.fitness is not None
        return self.fitness

    def _give_up(self) -> None:
        if self._refuses and not self._stalled:
            raise StartError(f"the store takes nothing: {self.address}: {self._refuses}")
        raise StoreUnreachable(f"store unreachable: {self.address}: {self.problem}")

    async def stop(self) -> None:
        """Close all connections."""
        if self._probe.running:
            self._probe.stop()
        self._following.stop()
        self.problem = "the store was let go"
        factories = self._factories()
        # A store that hangs takes no good-bye.
        hung = self._reactor.callLater(STOP_SECONDS, self._abort, factories)
        await DeferredList([factory.disconnect() for factory in factories])
        if hung.active():
            hung.cancel()

    def listen(self, channels: list[str], heard: Callable[[str, str], None]) -> None:
        """Call ``heard(channel, text)`` for each wake-up, also after reconnects."""
        self._listening = listener(channels, self._entered, heard)
        self._listening.startConnecting(self._endpoint)

    def write(self, *command: Any) -> Deferred[Any]:
        """Send one command that may change something; its deadline is that of writes."""
        if self._is_unsettled:
            return fail(StoreUnavailable(self.problem))
        return self._written(*command)

    def _written(self, *command: Any) -> Deferred[Any]:
        return self._send(self._writes, self._settings.write_seconds, command)

    def read(self, *command: Any) -> Deferred[Any]:
        """Send one command that only reads, on a connection that no write waits behind."""
        return self._send(self._reads, self._settings.read_seconds, command)

    def wait(self, seconds: float, *command: Any) -> Deferred[Any]:
        """Send one command that blocks for so long at most. It has a connection of its own, made when it is
        first needed, so nothing waits behind it but another of its kind."""
        if self._blocking is None:
            self._blocking = self._pool(1)
            self._blocking.startConnecting(self._endpoint)
        return self._send(self._blocking, seconds + self._settings.read_seconds, command)

    async def run(self, name: str, keys: list[str], args: list[Any]) -> Any:
        """Run one of our scripts atomically; StoreUnavailable: it may or may not have happened."""
        if self._is_unsettled and name not in _HARMLESS:
            raise StoreUnavailable(self.problem)
        return await self._script(self._written, name, keys, args)

    def keep(self, name: str, keys: list[str], args: list[Any]) -> Awaitable[Any]:
        """Run a script whose outcome somebody is promised: it is kept by all that ``store.acknowledge`` asks
        for, else StoreUnavailable."""
        if self._promised is None or self._is_unsettled:
            return self.run(name, keys, args)
        return self._keep(self._promised, name, keys, args)

    async def confirm(self) -> None:
        """Wait until all that was read here until now is kept by all that ``store.acknowledge`` asks for;
        StoreUnavailable when it is not."""
        if self._promised is not None:
            await self._promised.probe()

    async def _keep(self, promised: Promised, name: str, keys: list[str], args: list[Any]) -> Any:
        try:
            return await promised.run(self._scripts[name], keys, args)
        except StoreUnavailable as late:
            # Nobody else needs to wait as long to learn it; a probe finds out when it is over.
            self._refuses = str(late)
            self._not_ready(self._refuses)
            raise

    async def read_script(self, name: str, keys: list[str], args: list[Any]) -> Any:
        """Run a script that only reads, where no write waits behind it."""
        return await self._script(self.read, name, keys, args)

    async def _script(
        self, send: Callable[..., Deferred[Any]], name: str, keys: list[str], args: list[Any]
    ) -> Any:
        script = self._scripts[name]
        try:
            return await send("EVALSHA", script.sha, len(keys), *keys, *args)
        except ScriptFailed as failed:
            if not str(failed).startswith("NOSCRIPT"):
                raise
        return await send("EVAL", script.text, len(keys), *keys, *args)

    def _pool(self, size: int) -> Any:
        return pool(size, self._made, self._broken)

    def _broken(self, why: Failure) -> None:
        if not why.check(ConnectionDone, ConnectionLost, ConnectionAborted):
            self._not_ready(f"connection lost: {why.getErrorMessage()}")

    async def _entered(self, connection: Any) -> None:
        """A connection for wake-ups was made."""
        connection.place = self._following.place
        await self._gate.enter(connection)

    async def _made(self, connection: Any) -> None:
        """A connection was made: look at the server, and leave our scripts there."""
        connection.place = self._following.place
        fitness = await self._checked(connection)
        connection.lineage = fitness.generation.lineage
        self._learn(fitness, connection)
        loads = [connection.execute_command("SCRIPT", "LOAD", one.text) for one in self._scripts.values()]
        # where that is forbidden each of them is sent as a whole
        tried = [load.addErrback(lambda why: why.trap(txredisapi.ResponseError)) for load in loads]
        await gatherResults(tried, consumeErrors=True)
        self.made += connection.factory is self._writes

    def _learn(self, fitness: Fitness, connection: Any) -> None:
        """Which generation this is. Connections that lead elsewhere are dropped; who asked for it is told."""
        before, generation = self.lineage, fitness.generation
        self.lineage, self._generations.known = generation.lineage, generation.number
        self._is_unsettled = generation.is_due
        if generation.lineage == before:
            return
        if generation.is_new or before:
            told = "generation {number} of the store: what was kept last before it may be gone"
            self._log.warn(told, number=generation.number)
        if before:
            self._abort(self._factories(), but=connection)
        for renewed in self._renewed if before else ():
            renewed()

    async def _checked(self, connection: Any) -> Fitness:
        check = ensureDeferred(self._gate.check(connection))
        try:
            fitness = await check.addTimeout(CHECK_SECONDS, self._reactor)
        except Unfit as unfit:
            self._unfit = unfit
            self._not_ready(str(unfit))
            raise
        except NotPrimary as other:
            self._not_ready(str(other))
            raise
        except Exception as failed:
            self._not_ready(f"{type(failed).__name__}: {failed}")
            raise
        self.fitness = fitness
        self._unfit, self._stalled, self._missed = None, False, 0
        self._refuses = fitness.refuses
        if self._refuses:
            self._not_ready(self._refuses)
        return fitness

    def _not_ready(self, problem: str) -> None:
        if problem != self.problem:
            self.problem = problem
            self._log.warn("store not ready: {problem}", problem=problem)

    def _send(self, factory: Any, seconds: float, command: tuple[Any, ...]) -> Deferred[Any]:
        if self._stalled or not factory.pool:
            return fail(StoreUnavailable(self.problem))
        connection = factory.pool[0]
        factory.pool.append(factory.pool.pop(0))
        sent: Deferred[Any] = connection.execute_command(*command)
        sent.addTimeout(seconds, self._reactor)
        sent.addErrback(self._translated, None if factory is self._writes else connection)
        return sent

    def _translated(self, failure: Any, reader: Any) -> Any:
        error = failure.value
        if isinstance(error, CancelledError):
            raise StoreUnavailable("the caller gave up waiting") from error
        if isinstance(error, TimeoutError):
            if reader is not None:
                # Perhaps this connection alone is dead; a new one will tell.
                reader.transport.abortConnection()
            else:
                # What hangs for one hangs for all: the others need not wait as long to learn it.
                self._stalled = True
                self._not_ready("no answer within the deadline")
            raise StoreUnavailable("no answer within the deadline") from error
        text = str(error)
        if isinstance(error, txredisapi.ResponseError):
            if text.startswith(_DEMOTED):
                self._not_ready(text)
                self._drop_connections()
            raise self.meaning(text) from error
        self._not_ready(f"connection lost: {text}")
        raise StoreUnavailable(text) from error

    def meaning(self, text: str) -> StoreError:
        """What to raise for an error that the store told in these words."""
        if text.startswith("OOM"):
            self._refuses = FULL
            self._not_ready(FULL)
        return StoreUnavailable(text) if text.startswith(_AWAY) else ScriptFailed(text)

    async def _probe_once(self) -> None:
        """Find out whether a stalled store answers again, and whether a healthy one is still durable, and
        still the primary."""
        self._probes += 1
        is_well = not self._stalled and not self._refuses
        live = [connection.place for factory in self._factories() for connection in factory.pool]
        if not await self._following.is_primary({place for place in live if place}, is_well):
            self._not_ready("the sentinels name another primary")
            self._drop_connections()
        if not self._writes.pool or (is_well and not self._missed and self._probes % CHECK_EVERY):
            return
        connection = self._writes.pool[0]
        try:
            fitness = await self._checked(connection)
            if self._promised is not None and not is_well and not self._refuses:
                await self._ask_replicas(self._promised)
            connection.lineage = fitness.generation.lineage
            self._learn(fitness, connection)
        except Unfit:
            self._stalled = True
        except NotPrimary:
            self._drop_connections()
        except Exception as failed:
            self._missed += 1
            # with much to do it may be this process that hears late: what is asked has deadlines of its own
            is_late = is_well and isinstance(failed, TimeoutError) and self._missed < MISSED_PROBES
            self._stalled = not is_late
            if self._missed >= DEAD_AFTER_PROBES:
                self._drop_connections()

    async def _ask_replicas(self, promised: Promised) -> None:
        # until they have answered nobody is told that it is ready: each write would wait as long for them
        asked = self._refuses = self.problem
        try:
            await promised.probe()
        except StoreUnavailable as late:
            self._refuses = str(late)
        else:
            # unless somebody found another reason meanwhile
            self._refuses = "" if self._refuses is asked else self._refuses

    def _drop_connections(self) -> None:
        """They lead to the wrong server, or nothing came back for seconds: connect anew."""
        self._missed = 0
        self._abort(self._factories())

    def _factories(self) -> list[Any]:
        made = self._promised.pool if self._promised is not None else None
        every = (self._writes, self._reads, self._listening, self._blocking, made)
        return [factory for factory in every if factory is not None]

    def _abort(self, factories: list[Any], but: Any = None) -> None:
        for factory in factories:
            for connection in list(factory.pool):
                if connection is not but:
                    connection.transport.abortConnection()
