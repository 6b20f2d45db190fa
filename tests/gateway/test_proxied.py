"""The PROXY protocol in front of terminals."""

from __future__ import annotations

import socket
import struct
from collections import Counter
from typing import Any

from twisted.internet.address import IPv4Address

from tests.gateway.raw_frames import handshake, text
from tests.gateway.raw_peer import Transport, WireCase
from tfserver.config import LimitSettings, Settings
from tfserver.gateway.proxied import HEADER_SECONDS, MOST_HEADER, Header, ProxiedFactory, header_in
from tfserver.proxies import Proxies

BALANCER = "10.0.0.1"
LINE = b"PROXY TCP4 192.0.2.7 10.0.0.9 40000 7788\r\n"
SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"


def block(command: int, family: int, body: bytes) -> bytes:
    """A header of version 2."""
    return SIGNATURE + bytes([command, family]) + struct.pack("!H", len(body)) + body


V4 = socket.inet_aton("192.0.2.7") + socket.inet_aton("10.0.0.9") + struct.pack("!2H", 40000, 7788)
V6 = socket.inet_pton(socket.AF_INET6, "2001:db8::7") * 2 + struct.pack("!2H", 40000, 7788)


class HeaderTests(WireCase):
    """What stands in front of a connection."""

    def test_lines(self) -> None:
        """Version 1 names the peer, or says that it does not know."""
        self.assertEqual(header_in(LINE + b"GET"), Header(len(LINE), ("192.0.2.7", 40000)))
        six = b"PROXY TCP6 2001:db8::7 ::1 40000 7788\r\n"
        self.assertEqual(header_in(six), Header(len(six), ("2001:db8::7", 40000)))
        for unknown in (b"PROXY UNKNOWN\r\n", b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n"):
            self.assertEqual(header_in(unknown), Header(len(unknown), None))

    def test_blocks(self) -> None:
        """Version 2 too; a proxy that looks whether we live speaks for itself, and more may stand behind."""
        found = header_in(block(0x21, 0x11, V4) + b"GET")
        self.assertEqual(found, Header(28, ("192.0.2.7", 40000)))
        self.assertEqual(header_in(block(0x21, 0x21, V6)), Header(52, ("2001:db8::7", 40000)))
        self.assertEqual(
            header_in(block(0x21, 0x11, V4 + b"\x03\x00\x04abcd")), Header(35, ("192.0.2.7", 40000))
        )
        for other in (
            block(0x20, 0, b""),
            block(0x20, 0x11, V4),
            block(0x21, 0, b""),
            block(0x21, 0x31, b"/" * 216),
        ):
            self.assertEqual(header_in(other), Header(len(other), None))

    def test_in_pieces(self) -> None:
        """As long as it can become a header, more is waited for."""
        for whole in (LINE, block(0x21, 0x11, V4)):
            for end in range(len(whole)):
                self.assertIsNone(header_in(whole[:end]), whole[:end])

    def test_none(self) -> None:
        """Anything else is refused as soon as that is clear, and before it grows."""
        for wrong in (
            b"GET / HTTP/1.1\r\n",
            b"PROXX",
            b"PROXY " + b"x" * 101,
            b"PROXY TCP4 evil 10.0.0.9 1 2\r\n",
            b"PROXY TCP4 192.0.2.7 10.0.0.9 x 2\r\n",
            b"PROXY TCP4 192.0.2.7\r\n",
            b"PROXY \r\n",
            b"PROXY TCP4 \xff 10.0.0.9 1 2\r\n",
            b"PROXY UNIX 192.0.2.7 10.0.0.9 1 2\r\n",
            block(0x31, 0x11, V4),
            block(0x22, 0x11, V4),
            block(0x21, 0x11, V4[:8]),
            block(0x21, 0x11, b"x" * (MOST_HEADER + 1))[:16],
        ):
            self.assertRaises(ValueError, header_in, wrong)


class ProxiedTests(WireCase):
    """Connections of a balancer."""

    def setUp(self) -> None:
        """An endpoint that believes 10.0.0.0/8."""
        super().setUp()
        self.turned_away: Counter[str] = Counter()
        self.door = self.doors(self.factory)

    def doors(self, factory: Any) -> ProxiedFactory:
        """An endpoint in front of this factory."""
        return ProxiedFactory(self.clock, factory, Proxies(["10.0.0.0/8"]), self.turned_away)

    def dialled(self) -> Asked:
        """A connection of the balancer."""
        where = IPv4Address("TCP", BALANCER, 40_000)
        transport = Asked(where)
        transport.protocol = self.door.buildProtocol(where)
        transport.protocol.makeConnection(transport)
        return transport

    def test_real_address(self) -> None:
        """Behind its header a connection is the terminal's, with the address that the header tells."""
        transport = self.dialled()
        for piece in (LINE[:9], LINE[9:] + handshake(), text("one")):
            transport.protocol.dataReceived(piece)
        self.assertIn(b" 101 ", transport.value())
        self.assertEqual(self.links[0].messages, [b"one"])
        self.assertEqual(self.factory.address_of(self.links[0].connection), "192.0.2.7")

    def test_own_address(self) -> None:
        """A balancer that speaks for itself counts as itself."""
        transport = self.dialled()
        transport.protocol.dataReceived(block(0x20, 0, b"") + handshake())
        self.assertEqual(self.factory.address_of(self.links[0].connection), BALANCER)

    def test_bounds_of_the_real_address(self) -> None:
        """Bounds per address are those of the terminal's address."""
        self.door = self.doors(self.make_factory(self.echo, Settings(limits=LimitSettings(per_address=1))))
        for address, status in ((b"192.0.2.7", b"101"), (b"192.0.2.7", b"503"), (b"192.0.2.8", b"101")):
            transport = self.dialled()
            transport.protocol.dataReceived(LINE.replace(b"192.0.2.7", address) + handshake())
            self.assertEqual(transport.value().split(b" ")[1], status)

    def test_stranger(self) -> None:
        """Whoever is no trusted proxy is not even listened to."""
        self.assertIsNone(self.door.buildProtocol(IPv4Address("TCP", "192.0.2.1", 1)))
        self.assertEqual(self.turned_away, {"not a trusted proxy": 1})

    def test_no_header(self) -> None:
        """A connection without a header is cut, at once or when it has had its time, and counted."""
        transport = self.dialled()
        transport.protocol.dataReceived(handshake())
        self.assertTrue(transport.aborting)
        slow = self.dialled()
        slow.protocol.dataReceived(LINE[:20])
        self.clock.advance(HEADER_SECONDS - 0.1)
        self.assertFalse(slow.aborting)
        self.clock.advance(0.2)
        self.assertTrue(slow.aborting)
        self.assertEqual(self.turned_away, {"no PROXY header": 2})
        self.assertEqual(self.links, [])

    def test_gone_before(self) -> None:
        """One that ends before its header leaves nothing behind."""
        transport = self.dialled()
        transport.protocol.connectionLost()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.turned_away, {})

    def test_no_place(self) -> None:
        """One that finds no place is cut."""
        self.factory.countConnections = 10**6
        transport = self.dialled()
        transport.protocol.dataReceived(LINE)
        self.assertTrue(transport.aborting)


class Asked(Transport):
    """A transport that looks for its peer where Twisted's do."""

    protocol: Any

    def __init__(self, where: IPv4Address) -> None:
        super().__init__(peerAddress=where)
        self.client = (where.host, where.port)
        self.aborting = False

    def getPeer(self) -> IPv4Address:
        """Whose it is."""
        return IPv4Address("TCP", *self.client)

    def abortConnection(self) -> None:
        """It is cut."""
        self.aborting = True
