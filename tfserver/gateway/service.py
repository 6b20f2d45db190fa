"""The terminals' side as a part of the server: listens, drains, stops."""

from __future__ import annotations

import time
import uuid
from typing import Any

from twisted.internet import endpoints
from twisted.internet.error import CannotListenError
from twisted.logger import Logger

from tfserver import commands
from tfserver.commands.context import Context, Services
from tfserver.errors import StartError
from tfserver.gateway import dispatch
from tfserver.gateway.factory import TerminalFactory
from tfserver.gateway.fleet import Fleet, host_and_port
from tfserver.gateway.link import Link
from tfserver.wire.session import Limits, Session
from tfserver.wire.table import table


class Gateway:
    """Endpoints for terminals and what hangs on them."""

    _log = Logger()

    def __init__(self, reactor: Any, services: Services) -> None:
        assert commands.__all__, "importing the vocabulary fills the handler table"
        self.fleet = Fleet(reactor, services, time.monotonic)
        self.listening: list[Any] = []
        self._reactor = reactor
        self._services = services
        limits = services.settings.limits
        self._limits = Limits(reg_within=limits.reg_seconds, refused_for=limits.refused_seconds)
        self._factory = TerminalFactory(reactor, services.settings, services.metrics, self._link)

    async def start(self) -> None:
        """Listen everywhere, or nowhere: StartError names the endpoint that failed."""
        self._tell_shortcuts()
        await self.fleet.start()
        for text in self._services.settings.terminals.endpoints:
            self.listening.append(await listen(self._reactor, text, self._factory, "terminals.endpoints"))

    def _tell_shortcuts(self) -> None:
        names = list(self._factory.shortcuts)
        if dispatch.quiet_dispatch(self._reactor, self._services.settings.fast.dispatch):
            names.append("dispatch")
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
        context = Context(self._services, uuid.uuid4().hex, connection.address())
        session = Session(table, time.monotonic(), self._limits)
        link = Link(connection, context, table, session, self.fleet, self.fleet.asking, time.monotonic)
        self.fleet.add(link)
        return link


async def listen(reactor: Any, text: str, factory: Any, setting: str) -> Any:
    """Listen on a Twisted endpoint string; StartError says which setting and why not."""
    try:
        endpoint = endpoints.serverFromString(reactor, text)
    except (ValueError, LookupError, TypeError) as wrong:
        raise StartError(f"{setting}: '{text}' is no endpoint such as tcp:7788: {wrong}") from wrong
    try:
        return await endpoint.listen(factory)
    except (CannotListenError, OSError) as failed:
        raise StartError(f"{setting}: can't listen on {text}: {failed}") from failed
