"""The terminals' side as a part of the server: listens, drains, stops."""

from __future__ import annotations

import functools
import itertools
import time
import uuid
from collections.abc import Callable
from typing import Any, Final

from twisted.logger import Logger

from tfserver import commands
from tfserver.commands.context import Context, Services
from tfserver.config import Access
from tfserver.gateway import dispatch, fastpath, recorded
from tfserver.gateway.counting import Counting
from tfserver.gateway.factory import TerminalFactory
from tfserver.gateway.fleet import Fleet, host_and_port
from tfserver.gateway.link import Link
from tfserver.gateway.listening import Door, listen
from tfserver.gateway.recorder import Recorder
from tfserver.gateway.turn import Turn
from tfserver.proxies import Proxies
from tfserver.store.inquiries import Inquiries
from tfserver.wire.session import Limits, Session
from tfserver.wire.table import table

# A machine that slept must not open a door late: where there is a clock that goes on meanwhile, it counts.
elapsed: Final[Callable[[], float]] = (
    functools.partial(time.clock_gettime, time.CLOCK_BOOTTIME)
    if hasattr(time, "CLOCK_BOOTTIME")
    else time.monotonic
)


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
        self._counting = Counting(reactor, services, self.fleet.by_sn)
        self.recorder = Recorder(services.settings.log.recorder_frames, time.time)
        who = (services.settings, services.metrics, self._link, services.pressure)
        self._factory = TerminalFactory(reactor, *who)
        self._factory.not_shaken = self.recorder.failed

    async def start(self) -> None:
        """Listen everywhere, or nowhere: StartError names the endpoint that failed."""
        self._tell_shortcuts()
        await self.fleet.start()
        self._counting.start()
        proxies = Proxies(self._services.settings.limits.trusted_proxies)
        door = Door(proxies, self._services.metrics.turned_away)
        for text in self._services.settings.terminals.endpoints:
            port = await listen(self._reactor, text, self._factory, "terminals.endpoints", door)
            if not fastpath.transport_for(port, self._factory, self._factory.shortcuts):
                without = [name for name in fastpath.OF_PLAIN_TCP if name in self._factory.shortcuts]
                if without:
                    told = ", ".join(without)
                    self._log.info("{text} is not plain TCP: without {told}", text=text, told=told)
            self.listening.append(port)
        self._factory.pacing.ports = self.listening

    def _tell_shortcuts(self) -> None:
        names = list(self._factory.shortcuts)
        if dispatch.quiet_dispatch(self._reactor, self._services.settings.fast.dispatch):
            names.append("dispatch")
        if self._table.plain is not None:
            names.append("plain")
        tell = self._log.warn if self._factory.why_not else self._log.info
        tell("short cuts: {names} {why}", names=", ".join(names) or "none", why=self._factory.why_not)

    def answer(self, inquiries: Inquiries) -> None:
        """Tell of what the flight recorder remembers whenever a process asks."""
        inquiries.answers("frames", lambda sn: recorded.frames(self.recorder, sn))
        inquiries.answers("handshakes", lambda _: recorded.handshakes(self.recorder))

    def addresses(self) -> list[str]:
        """Where terminals can connect."""
        return host_and_port(self.listening)

    async def drain(self) -> None:
        """No new connections; what is under way ends; every connection is closed with 1001.

        The ports are closed at once: a balancer that has not asked for our health since tries the next
        process without a word to the terminal, while a refusal in words would reach it.
        """
        self._factory.draining = True
        self._factory.pacing.stop()
        for port in self.listening:
            await port.stopListening()
        limits = self._services.settings.limits
        await self.fleet.drain(limits.drain_seconds, limits.spread_seconds)

    async def stop(self) -> None:
        """Let go."""
        await self._counting.stop()
        await self.fleet.stop()

    def _link(self, connection: Any) -> Link:
        made = f"{self._start}{next(self._numbers):x}"
        where = self._factory.address_of(connection), self._factory.path_of(connection)
        context = Context(self._services, made, *where)
        session = Session(self._table, elapsed(), self._limits)
        link = Link(connection, context, self._table, session, self.fleet, self._turn, elapsed)
        connection.ring = self.recorder.begin(link, made, context.address)
        self.fleet.add(link)
        return link
