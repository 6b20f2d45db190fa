"""The terminals' side as a part of the server: listens, drains, stops."""

from __future__ import annotations

import functools
import itertools
import re
import time
import uuid
from collections.abc import Callable
from typing import Any, Final

from twisted.internet import endpoints
from twisted.internet.error import CannotListenError
from twisted.logger import Logger

from tfserver import commands
from tfserver.commands.context import Context, Services
from tfserver.config import Access
from tfserver.errors import StartError
from tfserver.gateway import dispatch, fastpath
from tfserver.gateway.factory import TerminalFactory
from tfserver.gateway.fleet import Fleet, host_and_port
from tfserver.gateway.link import Link
from tfserver.gateway.turn import Turn
from tfserver.wire.session import Limits, Session
from tfserver.wire.table import table

BACKLOG: Final = 4096
"""Connections that may wait to be taken, where an endpoint says nothing: a whole fleet comes back at once."""
# A machine that slept must not open a door late: where there is a clock that goes on meanwhile, it counts.
elapsed: Final[Callable[[], float]] = (
    functools.partial(time.clock_gettime, time.CLOCK_BOOTTIME)
    if hasattr(time, "CLOCK_BOOTTIME")
    else time.monotonic
)
_WITH_BACKLOG: Final = re.compile(r"(?:haproxy:)*(?:tcp6?|ssl|tls|unix):")


class Gateway:
    """Endpoints for terminals and what hangs on them."""

    _log = Logger()

    def __init__(self, reactor: Any, services: Services) -> None:
        assert commands.__path__, "importing the vocabulary fills the tables"
        self.fleet = Fleet(reactor, services, elapsed)
        self.listening: list[Any] = []
        # Ids of connections: no other process, and none after us, gives the same.
        self._start = f"{uuid.uuid4().hex[:16]}-"
        self._numbers = itertools.count()
        self._reactor = reactor
        self._services = services
        limits = services.settings.limits
        # Where each answer has to decide about a door, nothing is plain.
        plain = services.settings.fast.plain and services.settings.terminals.access is Access.NONE
        self._table = table if plain else table.without_plain()
        self._turn = Turn(reactor, self._table.plain, services.metrics, self.fleet.asking)
        self._limits = Limits(reg_within=limits.reg_seconds, refused_for=limits.refused_seconds)
        self._factory = TerminalFactory(reactor, services.settings, services.metrics, self._link)

    async def start(self) -> None:
        """Listen everywhere, or nowhere: StartError names the endpoint that failed."""
        self._tell_shortcuts()
        await self.fleet.start()
        for text in self._services.settings.terminals.endpoints:
            port = await listen(self._reactor, text, self._factory, "terminals.endpoints")
            if not fastpath.transport_for(port, self._factory, self._factory.shortcuts):
                without = [name for name in fastpath.OF_PLAIN_TCP if name in self._factory.shortcuts]
                if without:
                    told = ", ".join(without)
                    self._log.info("{text} is not plain TCP: without {told}", text=text, told=told)
            self.listening.append(port)

    def _tell_shortcuts(self) -> None:
        names = list(self._factory.shortcuts)
        if dispatch.quiet_dispatch(self._reactor, self._services.settings.fast.dispatch):
            names.append("dispatch")
        if self._table.plain is not None:
            names.append("plain")
        tell = self._log.warn if self._factory.why_not else self._log.info
        tell("short cuts: {names} {why}", names=", ".join(names) or "none", why=self._factory.why_not)

    def addresses(self) -> list[str]:
        """Where terminals can connect."""
        return host_and_port(self.listening)

    async def drain(self) -> None:
        """No new connections; what is under way ends; every connection is closed with 1001."""
        self._factory.draining = True
        for port in self.listening:
            await port.stopListening()
        await self.fleet.drain(self._services.settings.limits.drain_seconds)

    async def stop(self) -> None:
        """Let go."""
        await self.fleet.stop()

    def _link(self, connection: Any) -> Link:
        made = f"{self._start}{next(self._numbers):x}"
        context = Context(self._services, made, self._factory.address_of(connection))
        session = Session(self._table, elapsed(), self._limits)
        link = Link(connection, context, self._table, session, self.fleet, self._turn, elapsed)
        self.fleet.add(link)
        return link


async def listen(reactor: Any, text: str, factory: Any, setting: str) -> Any:
    """Listen on a Twisted endpoint string; StartError says which setting and why not."""
    try:
        endpoint = _endpoint(reactor, text)
    except (ValueError, LookupError, TypeError, OSError) as wrong:  # OSError: a certificate it names
        raise StartError(f"{setting}: '{text}' is no endpoint such as tcp:7788: {wrong}") from wrong
    try:
        return await endpoint.listen(factory)
    except (CannotListenError, OSError) as failed:
        raise StartError(f"{setting}: can't listen on {text}: {failed}") from failed


def _endpoint(reactor: Any, text: str) -> Any:
    """The endpoint, with our backlog where its kind has one and the text does not set it."""
    kind = _WITH_BACKLOG.match(text)
    if kind is not None:
        # Of a name given twice the later one counts.
        ours = f"{kind[0]}backlog={BACKLOG}:{text[kind.end() :]}"
        try:
            return endpoints.serverFromString(reactor, ours)
        except TypeError:  # its backlog is given by place, or it is wrong in another way that is told now
            pass
    return endpoints.serverFromString(reactor, text)
