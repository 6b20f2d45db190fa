"""All of txredisapi: connections that are checked before use, deadlines, scripts, wake-ups.

No call ever waits for a connection: without one it fails at once with StoreUnavailable, so nothing queues
while the store is away (design §3.5).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from importlib import resources
from typing import Any, Final

import hiredis
import txredisapi
from twisted.internet import task
from twisted.internet.defer import CancelledError, Deferred, DeferredList, TimeoutError, ensureDeferred, fail
from twisted.internet.interfaces import IProtocol, IProtocolFactory, IStreamClientEndpoint
from twisted.logger import Logger
from zope.interface import implementer

from tfserver.config import Store as StoreSettings
from tfserver.errors import ScriptFailed, StartError, StoreError, StoreUnavailable, StoreUnreachable
from tfserver.store import address
from tfserver.store.fitness import Fitness, Gate, Unfit
from tfserver.store.keys import Keys

PROBE_SECONDS: Final = 0.25
CHECK_EVERY: Final = 20
"""Probes between two readings of the durability settings of a healthy store."""
CHECK_SECONDS: Final = 1.0
STOP_SECONDS: Final = 2.0
DEAD_AFTER_PROBES: Final = 5
START_SECONDS: Final = 10.0

FULL: Final = "the store is full (maxmemory): nothing is acknowledged until there is room"

_AWAY: Final = (
    "OOM",
    "MISCONF",
    "READONLY",
    "LOADING",
    "BUSY",
    "MASTERDOWN",
    "NOREPLICAS",
    "TRYAGAIN",
    "NOAUTH",
)


class _Protocol(txredisapi.RedisProtocol):
    """A connection that is not used before the gate has looked at the server behind it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The parser decodes texts itself; txredisapi would walk each reply in Python.
        self._reader = hiredis.Reader(
            protocolError=txredisapi.InvalidData,
            replyError=txredisapi.ResponseError,
            encoding="utf-8",
            errors="replace",
        )

    def tryConvertData(self, data: Any) -> Any:
        """Nothing is left to convert."""
        return data

    def connectionMade(self) -> None:
        """Let the gate look at the server first."""
        checked = ensureDeferred(self.factory.gate(self))
        checked.addCallbacks(lambda _: txredisapi.RedisProtocol.connectionMade(self), self._unfit)

    def _unfit(self, _: object) -> None:
        self.transport.abortConnection()

    def _build_command(self, *args: Any, **_: Any) -> bytes:
        # txredisapi's own builder took 16 % of a durable server's time (docs/performance.md).
        packed: bytes = hiredis.pack_command(args)
        return packed


class _Listener(txredisapi.SubscriberProtocol):
    """The connection of wake-ups; subscribes anew whenever it is made."""

    def connectionMade(self) -> None:
        """Enter, then subscribe."""
        # Only entered, not checked: nothing is kept through it, and it can't read replies longer than three.
        entered = ensureDeferred(self.factory.enter(self))
        entered.addCallbacks(self._subscribe, lambda _: self.transport.abortConnection())

    def _subscribe(self, _: object) -> None:
        txredisapi.SubscriberProtocol.connectionMade(self)
        # A listener that is refused hears nothing for ever: try again.
        self.subscribe(self.factory.channels).addErrback(lambda _: self.transport.abortConnection())

    def messageReceived(self, pattern: object, channel: str, message: str) -> None:
        """A wake-up."""
        self.factory.heard(channel, message)


@implementer(IStreamClientEndpoint)
class _Watched:
    """An endpoint that tells why it did not lead anywhere."""

    def __init__(self, endpoint: IStreamClientEndpoint, failed: Callable[[str], None]) -> None:
        self._endpoint = endpoint
        self._failed = failed

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """Connect, and tell why not."""
        return self._endpoint.connect(protocolFactory).addErrback(self._tell)

    def _tell(self, failure: Any) -> Any:
        if not failure.check(CancelledError):
            self._failed(failure.getErrorMessage())
        return failure


class Client:
    """Connections to one store. ``ready`` says whether it would take a write now."""

    _log = Logger()

    def __init__(self, reactor: Any, url: str, password: str, settings: StoreSettings) -> None:
        self.keys = Keys(settings.prefix)
        self.address = address.parse(url, password)
        self.problem = "the store is not connected yet"
        self.fitness: Fitness | None = None
        self.made = 0
        """How often a connection for writes was made: before each the store may have lost something."""
        self._reactor = reactor
        self._settings = settings
        self._gate = Gate(self.address, settings, self.keys)
        self._endpoint = _Watched(address.endpoint_of(reactor, self.address), self._not_ready)
        self._writes = self._factory(txredisapi.RedisFactory(None, None, 1, **_PLAIN), _Protocol)
        self._reads = self._factory(txredisapi.RedisFactory(None, None, 2, **_PLAIN), _Protocol)
        self._listening: Any = None
        self._blocking: Any = None
        self._scripts = {name: _Script(name) for name in _script_names()}
        self._stalled = False
        self._full = False
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
        return bool(self._writes.pool) and not self._stalled and not self._full

    async def start(self) -> Fitness:
        """Connect; raises StartError when the store is unreachable or unfit."""
        for factory in (self._writes, self._reads):
            factory.startConnecting(self._endpoint)
        deadline = self._reactor.seconds() + START_SECONDS
        while not (self.ready and self._reads.pool):
            if self._unfit is not None:
                raise StartError(str(self._unfit))
            if self._reactor.seconds() > deadline:
                raise StoreUnreachable(f"store unreachable: {self.address}: {self.problem}")
            await task.deferLater(self._reactor, PROBE_SECONDS / 10)
        self._probe.start(PROBE_SECONDS, now=False)
        assert self.fitness is not None
        return self.fitness

    async def stop(self) -> None:
        """Close all connections."""
        if self._probe.running:
            self._probe.stop()
        self.problem = "the store was let go"
        factories = self._factories()
        # A store that hangs takes no good-bye.
        hung = self._reactor.callLater(STOP_SECONDS, self._abort, factories)
        await DeferredList([factory.disconnect() for factory in factories])
        if hung.active():
            hung.cancel()

    def listen(self, channels: list[str], heard: Callable[[str, str], None]) -> None:
        """Call ``heard(channel, text)`` for each wake-up, also after reconnects."""
        factory = txredisapi.SubscriberFactory(isLazy=True)
        self._listening = self._factory(factory, _Listener)
        factory.enter = self._gate.enter
        factory.convertNumbers = False
        factory.channels = channels
        factory.heard = heard
        factory.startConnecting(self._endpoint)

    def write(self, *command: Any) -> Deferred[Any]:
        """Send one command that may change something; its deadline is that of writes."""
        return self._send(self._writes, self._settings.write_seconds, command)

    def read(self, *command: Any) -> Deferred[Any]:
        """Send one command that only reads, on a connection that no write waits behind."""
        return self._send(self._reads, self._settings.read_seconds, command)

    def wait(self, seconds: float, *command: Any) -> Deferred[Any]:
        """Send one command that blocks for so long at most. It has a connection of its own, made when it is
        first needed, so nothing waits behind it but another of its kind."""
        if self._blocking is None:
            self._blocking = self._factory(txredisapi.RedisFactory(None, None, 1, **_PLAIN), _Protocol)
            self._blocking.startConnecting(self._endpoint)
        return self._send(self._blocking, seconds + self._settings.read_seconds, command)

    async def run(self, name: str, keys: list[str], args: list[Any]) -> Any:
        """Run one of our scripts atomically; StoreUnavailable: it may or may not have happened."""
        return await self._script(self.write, name, keys, args)

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

    def _factory(self, factory: Any, protocol: type) -> Any:
        factory.protocol = protocol
        factory.initialDelay, factory.maxDelay = 0.05, 0.5
        factory.gate = self._made
        # We take connections from the pool; its queue would keep every one there ever was.
        factory.connectionQueue.put = lambda connection: None
        return factory

    async def _made(self, connection: Any) -> None:
        """A connection was made: look at the server, and leave our scripts there."""
        await self._checked(connection)
        for script in self._scripts.values():
            await connection.execute_command("SCRIPT", "LOAD", script.text)
        self.made += connection.factory is self._writes

    async def _checked(self, connection: Any) -> None:
        check = ensureDeferred(self._gate.check(connection))
        try:
            self.fitness = await check.addTimeout(CHECK_SECONDS, self._reactor)
        except Unfit as unfit:
            self._unfit = unfit
            self._not_ready(str(unfit))
            raise
        except Exception as failed:
            self._not_ready(f"{type(failed).__name__}: {failed}")
            raise
        self._unfit, self._stalled, self._missed = None, False, 0
        self._full = self.fitness.full
        if self._full:
            self._not_ready(FULL)

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
            raise self.meaning(text) from error
        self._not_ready(f"connection lost: {text}")
        raise StoreUnavailable(text) from error

    def meaning(self, text: str) -> StoreError:
        """What to raise for an error that the store told in these words."""
        if text.startswith("OOM"):
            self._full = True
            self._not_ready(FULL)
        return StoreUnavailable(text) if text.startswith(_AWAY) else ScriptFailed(text)

    async def _probe_once(self) -> None:
        """Find out whether a stalled store answers again, and whether a healthy one is still durable."""
        if not self._writes.pool:
            return
        self._probes += 1
        if not self._stalled and not self._full and self._probes % CHECK_EVERY:
            return
        connection = self._writes.pool[0]
        try:
            await self._checked(connection)
        except Unfit:
            self._stalled = True
        except Exception:
            self._missed += 1
            self._stalled = True
            if self._missed >= DEAD_AFTER_PROBES:
                self._drop_connections()

    def _drop_connections(self) -> None:
        """Nothing came back for seconds: perhaps only the network did it, so connect anew."""
        self._missed = 0
        self._abort(self._factories())

    def _factories(self) -> list[Any]:
        every = (self._writes, self._reads, self._listening, self._blocking)
        return [factory for factory in every if factory is not None]

    def _abort(self, factories: list[Any]) -> None:
        for factory in factories:
            for connection in list(factory.pool):
                connection.transport.abortConnection()


_PLAIN: Final[dict[str, Any]] = {"isLazy": True, "charset": "utf-8", "convertNumbers": False}


class _Script:
    def __init__(self, name: str) -> None:
        self.text = _script_text(name)
        self.sha = hashlib.sha1(self.text.encode()).hexdigest()


def _scripts() -> Any:
    return resources.files("tfserver.store").joinpath("scripts")


def _script_text(name: str) -> str:
    """A long script is a folder: its files are one text, in the order of their names."""
    parts = _scripts().joinpath(name)
    if not parts.is_dir():
        return str(_scripts().joinpath(f"{name}.lua").read_text("utf-8"))
    files = sorted(
        (item for item in parts.iterdir() if item.name.endswith(".lua")), key=lambda item: item.name
    )
    return "\n".join(item.read_text("utf-8") for item in files)


def _script_names() -> list[str]:
    return sorted(
        item.name.removesuffix(".lua")
        for item in _scripts().iterdir()
        if item.name.endswith(".lua") or item.is_dir()
    )
