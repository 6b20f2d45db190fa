"""Connections of txredisapi that are looked at before they are used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import hiredis
import txredisapi
from twisted.internet.defer import CancelledError, Deferred, ensureDeferred
from twisted.internet.interfaces import IProtocol, IProtocolFactory, IStreamClientEndpoint
from twisted.python.failure import Failure
from zope.interface import implementer

from tfserver.store.sentinels import Place

RETRY_SECONDS: Final = (0.05, 0.5)
_PLAIN: Final[dict[str, Any]] = {"isLazy": True, "charset": "utf-8", "convertNumbers": False}


class Connection(txredisapi.RedisProtocol):
    """A connection that is not used before the gate has looked at the server behind it."""

    lineage = ""
    """Which life of the store it leads to (``store/generation.py``)."""
    place: Place | None = None
    """Where that is, as the sentinels said."""

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

    def connectionLost(self, why: Failure) -> None:
        """Tell why when it was not usable yet: with TLS that is where a wrong certificate shows."""
        was_usable = self._ready
        super().connectionLost(why)
        if not was_usable:
            self.factory.broken(why)

    def _unfit(self, _: object) -> None:
        self.transport.abortConnection()

    def _build_command(self, *args: Any, **_: Any) -> bytes:
        # txredisapi's own builder took 16 % of a durable server's time (docs/performance.md).
        packed: bytes = hiredis.pack_command(args)
        return packed


class Listener(txredisapi.SubscriberProtocol):
    """The connection of wake-ups; subscribes anew whenever it is made."""

    place: Place | None = None

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
class Watched:
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


def pool(size: int, gate: Callable[[Any], Any], broken: Callable[[Failure], None]) -> Any:
    """A factory of so many connections, each of which passes the gate."""
    factory = txredisapi.RedisFactory(None, None, size, **_PLAIN)
    factory.protocol = Connection
    factory.gate, factory.broken = gate, broken
    return _kept(factory)


def listener(channels: list[str], enter: Callable[[Any], Any], heard: Callable[[str, str], None]) -> Any:
    """A factory of one connection that hears these channels."""
    factory = txredisapi.SubscriberFactory(isLazy=True)
    factory.protocol = Listener
    factory.convertNumbers = False
    factory.channels, factory.enter, factory.heard = channels, enter, heard
    return _kept(factory)


def _kept(factory: Any) -> Any:
    factory.initialDelay, factory.maxDelay = RETRY_SECONDS
    # We take connections from the pool; its queue would keep every one there ever was.
    factory.connectionQueue.put = lambda connection: None
    return factory
