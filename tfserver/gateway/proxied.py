"""Endpoints behind a load balancer that says in front of each connection whose it is: the PROXY protocol,
versions 1 and 2, for endpoints that begin with ``haproxy:``.

Once the header is there, the connection belongs to the real protocol as if there had been no proxy, short
cuts and all; Twisted's own wrapper would stand between them for ever, and believe anybody.
"""

from __future__ import annotations

import ipaddress
import struct
from collections import Counter
from typing import Any, Final, NamedTuple

from twisted.internet import protocol
from twisted.python.failure import Failure

from tfserver.networks import address_of
from tfserver.proxies import LOCAL, Proxies

HEADER_SECONDS: Final = 5.0
MOST_LINE: Final = 107
MOST_HEADER: Final = 2048
"""Bytes of a header of version 2: addresses and what else a balancer tells in it."""
_LINE: Final = b"PROXY "
_BLOCK: Final = b"\r\n\r\n\x00\r\nQUIT\n"
_ADDRESSES: Final = {0x11: (struct.Struct("!4s4xH2x")), 0x21: (struct.Struct("!16s16xH2x"))}
"""By family and transport: where the source and its port stand."""
_FAMILIES: Final = {b"TCP4": 4, b"TCP6": 6}


class Header(NamedTuple):
    """What stood in front: its bytes, and the peer's host and port unless the proxy speaks for itself."""

    size: int
    peer: tuple[str, int] | None


def header_in(data: bytes) -> Header | None:
    """The header that these bytes begin with; None: more of it has to come. ValueError: there is none."""
    if data.startswith(_LINE):
        return _line_in(data)
    if data.startswith(_BLOCK):
        return _block_in(data)
    if _LINE.startswith(data) or _BLOCK.startswith(data):
        return None
    raise ValueError("no PROXY header")


def _line_in(data: bytes) -> Header | None:
    end = data.find(b"\r\n", 0, MOST_LINE)
    if end < 0:
        if len(data) >= MOST_LINE:
            raise ValueError("a PROXY line without end")
        return None
    words = data[:end].split(b" ")
    if words[1] == b"UNKNOWN":
        return Header(end + 2, None)
    family, source, _, port, _ = words[1:]
    address = address_of(source.decode("ascii"))
    if address is None or family not in _FAMILIES:
        raise ValueError("no address in the PROXY line")
    return Header(end + 2, (str(address), int(port)))


def _block_in(data: bytes) -> Header | None:
    if len(data) < 16:
        return None
    command, family, length = data[12], data[13], int.from_bytes(data[14:16], "big")
    if command not in (0x20, 0x21) or length > MOST_HEADER:
        raise ValueError("a PROXY header of another kind")
    if len(data) < 16 + length:
        return None
    place = _ADDRESSES.get(family)
    if command == 0x20 or place is None:
        return Header(16 + length, None)
    if length < place.size:
        raise ValueError("a PROXY header without its addresses")
    packed, port = place.unpack_from(data, 16)
    address = address_of(str(ipaddress.ip_address(packed)))
    return Header(16 + length, (str(address), port))


class Preface(protocol.Protocol):
    """A connection whose header is not there yet."""

    def __init__(self, factory: ProxiedFactory, reactor: Any) -> None:
        self._factory = factory
        self._reactor = reactor
        self._data = b""
        self._late: Any = None

    def connectionMade(self) -> None:
        """A balancer connected."""
        self._late = self._reactor.callLater(HEADER_SECONDS, self._refuse)

    def dataReceived(self, data: bytes) -> None:
        """Bytes came."""
        self._data += data
        try:
            header = header_in(self._data)
        except ValueError:
            self._refuse()
            return
        if header is not None:
            self._settle()
            self._hand_over(header)

    def connectionLost(self, reason: Failure = protocol.connectionDone) -> None:
        """It ended before it began."""
        self._settle()

    def _settle(self) -> None:
        if self._late is not None and self._late.active():
            self._late.cancel()

    def _refuse(self) -> None:
        self._settle()
        self._factory.turned_away["no PROXY header"] += 1
        transport: Any = self.transport
        transport.abortConnection()

    def _hand_over(self, header: Header) -> None:
        transport: Any = self.transport
        if header.peer is not None:
            # where Twisted's connections look when they are asked for their peer
            transport.client = header.peer
        made = self._factory.wrapped.buildProtocol(transport.getPeer())
        if made is None:
            transport.abortConnection()
            return
        transport.protocol = made
        made.makeConnection(transport)
        rest = self._data[header.size :]
        if rest:
            made.dataReceived(rest)


class ProxiedFactory(protocol.Factory):
    """Takes connections from trusted proxies alone, reads their headers, and gives them to ``wrapped``.

    Who is turned away is counted in ``turned_away``.
    """

    noisy = False

    def __init__(self, reactor: Any, wrapped: Any, proxies: Proxies, turned_away: Counter[str]) -> None:
        self.wrapped = wrapped
        self.turned_away = turned_away
        self._proxies = proxies
        self._reactor = reactor

    def startFactory(self) -> None:
        """The port is open."""
        self.wrapped.doStart()

    def stopFactory(self) -> None:
        """The port is closed."""
        self.wrapped.doStop()

    def buildProtocol(self, addr: Any) -> Any:
        """A new connection; None closes it at once."""
        if not self._proxies.trusts(str(getattr(addr, "host", LOCAL))):
            self.turned_away["not a trusted proxy"] += 1
            return None
        return Preface(self, self._reactor)
