"""The store itself, for what is done without a server: where it is, and coroutines run to their end."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from tfserver.errors import StartError

if TYPE_CHECKING:
    from tfserver.config import Settings
    from tfserver.store.address import Address
    from tfserver.store.client import Client

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")


class Place(NamedTuple):
    """Where a store is, as the options say."""

    redis: str | None
    config: str | None
    data_dir: str | None

    def settings(self) -> Settings:
        """The configuration with the options laid over it; ConfigError."""
        from tfserver import configfile

        given = {"store.url": self.redis, "data_dir": self.data_dir}
        return configfile.load(
            self.config, {name: value for name, value in given.items() if value is not None}
        )


def uses_store(function: F) -> Callable[..., Any]:
    """Give a command ``--redis``, ``--config`` and ``--data-dir``: it gets the ``place`` they name."""

    @click.option("--redis", metavar="URL", help="The store; wins over the configuration file.")
    @click.option(
        "-c", "--config", metavar="FILE", type=click.Path(), help="Configuration file of the server."
    )
    @click.option(
        "--data-dir",
        metavar="DIR",
        type=click.Path(),
        help="Folder of a server with its own store (default: what the configuration says).",
    )
    @functools.wraps(function)
    def with_place(
        *args: Any, redis: str | None, config: str | None, data_dir: str | None, **options: Any
    ) -> Any:
        """Put the three together."""
        return function(*args, place=Place(redis, config, data_dir), **options)

    return with_place


def in_store(settings: Settings, work: Callable[[Address], T]) -> T:
    """Do blocking work with a store that is reached: one of a server's own is started for it if it is off."""
    from tfserver.store.secrets import store_address

    if settings.store.url:
        return work(store_address(settings))
    running = _running(settings.data_dir)
    if running is not None:
        return work(running)

    async def between(reactor: Any) -> T:
        """Start it, work, stop it."""
        return await _with_own_store(reactor, settings, work)

    return run_to_end(between)


def _running(data_dir: str) -> Address | None:
    """The store of a server that runs with this data folder, or None."""
    from tfserver.store.address import Address
    from tfserver.store.blocking import Blocking
    from tfserver.store.datafolder import running_socket

    try:
        found = Address("unix", path=running_socket(data_dir))
        Blocking(found).close()
    except StartError:
        return None
    return found


async def _with_own_store(reactor: Any, settings: Settings, work: Callable[[Address], T]) -> T:
    from twisted.internet.threads import deferToThread

    from tfserver.store import address
    from tfserver.store.datafolder import DataFolder
    from tfserver.store.embedded import EmbeddedStore

    folder = DataFolder(settings.data_dir)
    bound = settings.store.maxmemory_mb * 1024 * 1024
    store = EmbeddedStore(reactor, folder, settings.store.durability, bound)
    try:
        url = await store.start()
        done: T = await deferToThread(work, address.parse(url))
        return done
    finally:
        await store.stop()
        folder.release()


async def with_client(reactor: Any, settings: Settings, work: Callable[[Client], Awaitable[T]]) -> T:
    """Work with a client of the store: of one by URL, or of a server that runs with the data folder."""
    from tfserver.store.client import Client
    from tfserver.store.datafolder import running_socket
    from tfserver.store.secrets import sentinel_password, store_password

    url = settings.store.url or f"unix://{running_socket(settings.data_dir)}"
    client = Client(reactor, url, store_password(settings), settings.store, sentinel_password(settings))
    await client.start()
    try:
        return await work(client)
    finally:
        await client.stop()


def run_to_end(make: Callable[[Any], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine in the reactor of this process, and return or raise what it does; once a process.

    A stop that somebody asks for meanwhile waits until it has ended.
    """
    from twisted.internet import reactor
    from twisted.internet.defer import Deferred
    from twisted.internet.error import ReactorNotRunning
    from twisted.python.failure import Failure

    ended: list[Any] = []
    loop: Any = reactor

    def begin() -> None:
        """Start it as soon as the reactor runs."""
        running: Deferred[T] = Deferred.fromCoroutine(make(loop))
        over: Deferred[None] = Deferred()
        loop.addSystemEventTrigger("before", "shutdown", lambda: over)
        running.addBoth(ended.append).addCallback(over.callback)
        over.addCallback(lambda _: stop())

    def stop() -> None:
        """End the reactor, unless somebody else did."""
        with contextlib.suppress(ReactorNotRunning):
            loop.stop()

    loop.callWhenRunning(begin)
    loop.run()
    found: T | Failure = ended[0]
    if isinstance(found, Failure):
        found.raiseException()
    return found
