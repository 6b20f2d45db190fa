"""Tests on a real store: servers and clients that are gone when the test is over."""

from __future__ import annotations

import inspect
import socket
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from tests.real.store import RealStore
from tfserver.config import Store as StoreSettings
from tfserver.store.client import Client

SECONDS = 15.0


async def until(true: Callable[[], bool | Awaitable[bool]], what: str) -> None:
    """Poll on the reactor until ``true()`` is; AssertionError names what did not happen."""
    deadline = reactor.seconds() + SECONDS  # type: ignore[attr-defined]
    while True:
        found = true()
        if await found if inspect.isawaitable(found) else found:
            return
        if reactor.seconds() > deadline:  # type: ignore[attr-defined]
            raise AssertionError(f"it did not happen in {SECONDS} s: {what}")
        await deferLater(reactor, 0.01)  # type: ignore[arg-type]


def free_port() -> int:
    """A TCP port of loopback that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


async def _stopped(client: Client) -> None:
    # In a turn of its own: the test may have ended inside one of the client's callbacks.
    await deferLater(reactor, 0)  # type: ignore[arg-type]
    await client.stop()


def pairs(flat: list[str]) -> dict[str, str]:
    """A flat reply as names and values."""
    return dict(zip(flat[::2], flat[1::2], strict=True))


class StoreCase(TestCase):
    """One real server with the settings of ``etc/redis.conf`` and ``extra``, new for each test."""

    timeout = 60
    extra: tuple[str, ...] = ()
    port = 0

    def setUp(self) -> None:
        self.store = self.new_store(*self.extra, port=self.port)

    def new_store(self, *extra: str, port: int = 0) -> RealStore:
        """Start a server of its own."""
        store = RealStore(*extra, port=port)
        self.addCleanup(store.remove)
        return store.start()

    def new_client(self, url: str = "", password: str = "", **settings: Any) -> Client:
        """A client that is not started yet, and stopped at the end."""
        client = Client(reactor, url or self.store.url, password, StoreSettings(**settings))
        self.addCleanup(lambda: Deferred.fromCoroutine(_stopped(client)))
        return client

    async def connect(self, url: str = "", password: str = "", **settings: Any) -> Client:
        """A started client."""
        client = self.new_client(url, password, **settings)
        await client.start()
        return client

    async def fails(self, call: Coroutine[Any, Any, Any] | Deferred[Any], error: type[Exception]) -> str:
        """What a call says that has to end with ``error``."""
        deferred = call if isinstance(call, Deferred) else Deferred.fromCoroutine(call)
        return str(await self.assertFailure(deferred, error))

    def tell(self, command: str) -> str:
        """Ask the server behind the clients' back; it has to answer without an error."""
        answer = self.store.ask(command)
        self.assertFalse(answer.startswith("-"), answer)
        self.assertTrue(answer, f"no answer to {command.partition(' ')[0]}")
        return answer

    async def back(self, client: Client) -> None:
        """Wait until a client takes writes and reads again."""

        def is_back() -> bool:
            return client.ready and bool(client._reads.pool)

        await until(is_back, "the client is ready again")

    async def calls(self, client: Client, command: str) -> int:
        """How often the server ran a command since CONFIG RESETSTAT."""
        stats: str = await client.read("INFO", "commandstats")
        for line in stats.splitlines():
            name, _, rest = line.partition(":")
            if name == f"cmdstat_{command}":
                return int(rest.partition(",")[0].removeprefix("calls="))
        return 0
