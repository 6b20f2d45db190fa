"""Bounds on connections, and what is counted of them."""

from __future__ import annotations

from tests.gateway.raw_frames import handshake
from tests.gateway.raw_peer import RawPeer, WireCase
from tfserver.config import LimitSettings, Settings


class BoundsTests(WireCase):
    """Connections of a process and of an address."""

    def bounded(self, **limits: object) -> None:
        """Use a factory with these limits."""
        self.factory = self.make_factory(self.echo, Settings(limits=LimitSettings(**limits)))  # type: ignore[arg-type]

    def is_refused(self, address: str) -> bool:
        """Whether a connection from there is refused now."""
        peer = self.dial(address)
        peer.send(handshake())
        status = peer.taken().split(b" ", 2)[1]
        self.assertIn(status, (b"101", b"503"))
        self.assertEqual(peer.is_closed, status == b"503")
        return status == b"503"

    def turned_away(self, why: str) -> float:
        """How many were refused for this reason."""
        line = f'tfserver_turned_away_total{{why="{why}"}} '
        lines = self.metrics.exposition().decode().splitlines()
        return sum(float(found.removeprefix(line)) for found in lines if found.startswith(line))

    def open(self) -> float:
        """How many connections are said to be open."""
        return self.metrics.connections

    def test_process(self) -> None:
        """No more connections than the process may have, from wherever they come."""
        self.bounded(connections=2)
        self.assertFalse(self.is_refused("192.0.2.1"))
        self.assertFalse(self.is_refused("192.0.2.2"))
        self.assertTrue(self.is_refused("192.0.2.3"))
        self.assertTrue(self.is_refused("127.0.0.1"))
        self.assertEqual(self.turned_away("too many connections"), 2)
        self.assertEqual(self.open(), 2)

    def test_address(self) -> None:
        """No more connections than an address may have; other addresses are not concerned."""
        self.bounded(per_address=1)
        self.assertFalse(self.is_refused("192.0.2.1"))
        self.assertTrue(self.is_refused("192.0.2.1"))
        self.assertFalse(self.is_refused("192.0.2.2"))
        self.assertEqual(self.turned_away("too many connections from this address"), 1)

    def test_exempt(self) -> None:
        """Exempt networks, such as a balancer's, have no bound per address."""
        self.bounded(per_address=1, exempt=["10.1.0.0/16", "2001:db8::/32"])
        for address in ("10.1.2.3", "2001:db8::7"):
            self.assertFalse(any(self.is_refused(address) for _ in range(5)), address)
        for address in ("10.2.0.1", "127.0.0.1", "2001:db9::7"):
            self.assertFalse(self.is_refused(address))
            self.assertTrue(self.is_refused(address), address)

    def test_loopback_is_exempt_by_default(self) -> None:
        """Without a setting loopback is exempt, as IPv4 and as IPv6."""
        self.bounded(per_address=1)
        for address in ("127.0.0.1", "127.9.9.9", "::1"):
            self.assertFalse(any(self.is_refused(address) for _ in range(3)), address)

    def test_mapped_addresses(self) -> None:
        """An IPv4 address is the same on an IPv6 socket, where it is written ``::ffff:…``."""
        self.bounded(per_address=1, exempt=["10.1.0.0/16"])
        self.assertFalse(any(self.is_refused("::ffff:10.1.2.3") for _ in range(3)))

    def test_place_becomes_free(self) -> None:
        """A connection that ends makes room for another, and is counted no more."""
        self.bounded(per_address=1, connections=1)
        peer = self.connected("192.0.2.1")
        self.assertTrue(self.is_refused("192.0.2.1"))
        peer.lose()
        self.assertEqual(self.open(), 0)
        self.assertFalse(self.is_refused("192.0.2.1"))
        self.assertEqual(self.open(), 1)

    def test_refused_ones_take_no_place(self) -> None:
        """A connection that was refused frees nothing when it ends."""
        self.bounded(connections=1)
        self.connected("192.0.2.1")
        refused = self.dial("192.0.2.2")
        refused.send(handshake())
        refused.lose()
        self.assertEqual(self.open(), 1)
        self.assertTrue(self.is_refused("192.0.2.3"))

    def test_probes_take_no_place(self) -> None:
        """A plain GET and a broken handshake are not counted as terminals."""
        self.bounded(connections=1)
        for request in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", handshake(Sec_WebSocket_Version="8")):
            self.dial().send(request)
        self.assertEqual(self.open(), 0)
        self.assertFalse(self.is_refused("192.0.2.1"))

    def test_draining(self) -> None:
        """A draining process takes nobody, and says so in its metrics."""
        self.factory.draining = True
        self.assertTrue(self.is_refused("127.0.0.1"))
        self.assertEqual(self.turned_away("going away"), 1)

    def test_unix_sockets(self) -> None:
        """A connection without an address, behind a proxy on a UNIX socket, has no bound per address."""
        self.bounded(per_address=1)
        self.assertFalse(any(self.is_refused("local") for _ in range(3)))

    def test_many(self) -> None:
        """Connections that come and go leave nothing behind."""
        self.bounded(per_address=3)
        peers: list[RawPeer] = []
        for round_number in range(20):
            peers = [self.connected("192.0.2.1") for _ in range(3)]
            self.assertTrue(self.is_refused("192.0.2.1"), round_number)
            for peer in peers:
                peer.lose()
        self.assertEqual(self.open(), 0)
