"""Makes connections of terminals, and refuses those beyond the bounds."""

from __future__ import annotations

import ipaddress
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from autobahn.twisted.websocket import WebSocketServerFactory

from tfserver.config import Settings
from tfserver.gateway import fastpath
from tfserver.gateway.link import Link
from tfserver.gateway.protocol import MOST_MESSAGE_BYTES, TerminalProtocol
from tfserver.metrics import Metrics

HANDSHAKE_SECONDS: Final = 20.0
MOST_UNFINISHED: Final = 1000
"""Handshakes under way beyond the bound of connections, so that most are refused in words."""


class TerminalFactory(WebSocketServerFactory):
    """RFC 6455 version 13, messages up to 4 MiB, lenient UTF-8, no extensions (protocol §1.1, §7)."""

    noisy = False
    protocol = TerminalProtocol  # type: ignore[assignment]  # Autobahn's own __init__ takes no arguments

    def __init__(
        self, reactor: Any, settings: Settings, metrics: Metrics, make_link: Callable[[Any], Link]
    ) -> None:
        super().__init__(reactor=reactor, server="tfserver")
        self.draining = False
        self._settings = settings
        self._metrics = metrics
        self._make_link = make_link
        self._exempt = [ipaddress.ip_network(text, strict=False) for text in settings.limits.exempt]
        self._counted: dict[TerminalProtocol, str] = {}
        self._by_address: Counter[str] = Counter()
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
        return super().buildProtocol(addr)

    def refuses(self, connection: TerminalProtocol) -> str | None:
        """Why a new connection is refused, or None; from then on it counts."""
        address = sys.intern(connection.address())
        why = self._too_many(address)
        if why is not None:
            self._metrics.turned_away[why] += 1
            return why
        self._counted[connection] = address
        self._by_address[address] += 1
        self._metrics.connections = len(self._counted)
        return None

    def address_of(self, connection: TerminalProtocol) -> str:
        """Where a connection that counts comes from."""
        return self._counted[connection]

    def opened(self, connection: TerminalProtocol) -> Link:
        """The handshake is done."""
        return self._make_link(connection)

    def gone(self, connection: TerminalProtocol) -> None:
        """A connection ended."""
        address = self._counted.pop(connection, None)
        if address is not None:
            self._by_address[address] -= 1
            if not self._by_address[address]:
                del self._by_address[address]
            self._metrics.connections = len(self._counted)

    def _too_many(self, address: str) -> str | None:
        limits = self._settings.limits
        if self.draining:
            return "going away"
        if len(self._counted) >= limits.connections:
            return "too many connections"
        if self._by_address[address] >= limits.per_address and not self._is_exempt(address):
            return "too many connections from this address"
        return None

    def _is_exempt(self, address: str) -> bool:
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return True
        found = getattr(found, "ipv4_mapped", None) or found
        return any(found in network for network in self._exempt)
