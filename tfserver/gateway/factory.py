"""Makes connections of terminals, and refuses those beyond the bounds."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

from autobahn.twisted.websocket import WebSocketServerFactory

from tfserver import secretpath
from tfserver.config import Settings
from tfserver.gateway import fastpath
from tfserver.gateway.doorkeeper import Doorkeeper
from tfserver.gateway.link import Link
from tfserver.gateway.pace import Pace
from tfserver.gateway.pacing import HANDSHAKE_SECONDS, MOST_UNFINISHED, Pacing
from tfserver.gateway.protocol import MOST_MESSAGE_BYTES, TerminalProtocol
from tfserver.metrics import Metrics
from tfserver.pressure import Pressure
from tfserver.proxies import LOCAL, Proxies


class TerminalFactory(WebSocketServerFactory):
    """RFC 6455 version 13, messages up to 4 MiB, lenient UTF-8, no extensions (protocol §1.1, §7)."""

    noisy = False
    protocol = TerminalProtocol  # type: ignore[assignment]  # Autobahn's own __init__ takes no arguments

    def __init__(
        self,
        reactor: Any,
        settings: Settings,
        metrics: Metrics,
        make_link: Callable[[Any], Link],
        pressure: Pressure | None = None,
    ) -> None:
        super().__init__(reactor=reactor, server="tfserver")
        self.draining = False
        self._settings = settings
        self._metrics = metrics
        self._make_link = make_link
        self.not_shaken: Callable[[str, str], None] = lambda address, why: None
        """Told of connections that came to nothing before they were WebSockets."""
        self.pacing = Pacing(reactor, settings.limits, metrics, pressure or Pressure())
        self._doorkeeper = Doorkeeper(settings.limits, reactor.seconds)
        self.pace = Pace(reactor, settings.limits.messages_per_second, metrics)
        self._proxies = Proxies(settings.limits.trusted_proxies)
        self._counted: dict[TerminalProtocol, str] = {}
        """Where each connection comes from."""
        self._paths: dict[TerminalProtocol, str] = {}
        self.shortcuts, self.why_not = fastpath.applies(settings.fast)
        self.setProtocolOptions(
            versions=[13],
            webStatus=True,
            # GBK from old firmware must reach the codec instead of closing with 1007 (protocol §7 #29)
            utf8validateIncoming=False,
            maxFramePayloadSize=MOST_MESSAGE_BYTES,
            maxMessagePayloadSize=MOST_MESSAGE_BYTES,
            openHandshakeTimeout=HANDSHAKE_SECONDS,
            closeHandshakeTimeout=5.0,
            failByDrop=False,
            tcpNoDelay=True,
            echoCloseCodeReason=True,
            # the fleet's sweep pings: timers for each connection cost more
            autoPingInterval=0,
        )
        self.protocol = fastpath.protocol_for(self, self.shortcuts)

    def buildProtocol(self, addr: Any) -> Any:
        """A new connection; None closes it at once when too many are open, their handshakes done or not."""
        if self.countConnections >= self._settings.limits.connections + MOST_UNFINISHED:
            self._metrics.turned_away["too many connections"] += 1
            return None
        made: Any = super().buildProtocol(addr)
        peer = str(getattr(addr, "host", LOCAL))
        # whose connections a proxy begins is known only when their requests are there
        why = None if self._proxies.trusts(peer) else self._doorkeeper.begins(made, peer)
        if why is not None:
            self._metrics.turned_away[why] += 1
            return None
        self.pacing.taken(made)
        return made

    def refuses(self, connection: TerminalProtocol, forwarded: Sequence[str], path: str) -> str | None:
        """Why a new connection is refused, or None; from then on it counts. ``forwarded`` is what its
        X-Forwarded-For says."""
        self._doorkeeper.began(connection)
        self.pacing.finished(connection)
        address = sys.intern(self._proxies.client(connection.address(), forwarded))
        why = self._why_not() or self.pacing.refuses(connection) or self._doorkeeper.enters(address)
        if why is not None:
            self._metrics.turned_away[why] += 1
            return why
        self._counted[connection] = address
        said = secretpath.said_in(path)
        if said:
            self._paths[connection] = said
        self._metrics.connections = len(self._counted)
        return None

    def address_of(self, connection: TerminalProtocol) -> str:
        """Where a connection that counts comes from."""
        return self._counted[connection]

    def path_of(self, connection: TerminalProtocol) -> str:
        """The hash of the secret path that a connection said, or nothing; told once."""
        return self._paths.pop(connection, "")

    def opened(self, connection: TerminalProtocol) -> Link:
        """The handshake is done."""
        self.pace.begin(connection, bool(self._doorkeeper.household(self._counted[connection])))
        return self._make_link(connection)

    def gone(self, connection: TerminalProtocol) -> None:
        """A connection ended."""
        self._doorkeeper.began(connection)
        self.pacing.finished(connection)
        self._paths.pop(connection, None)
        address = self._counted.pop(connection, None)
        if address is not None:
            self._doorkeeper.leaves(address)
            self._metrics.connections = len(self._counted)

    def _why_not(self) -> str | None:
        if self.draining:
            return "going away"
        if len(self._counted) >= self._settings.limits.connections:
            return "too many connections"
        return None
