"""Terminals behind a load balancer that speaks HTTP: X-Forwarded-For, and paths that hold a secret."""

from __future__ import annotations

from typing import Any

from tests.gateway.raw_frames import handshake
from tests.gateway.raw_peer import RawPeer, WireCase
from tfserver import secretpath
from tfserver.config import LimitSettings, Settings

BALANCER = "10.0.0.1"
SECRET = "abcde23456abcde23456"


class ForwardedTests(WireCase):
    """Whose connection it is."""

    def setUp(self) -> None:
        """A server that believes 10.0.0.0/8."""
        super().setUp()
        self.bounded()

    def bounded(self, **limits: Any) -> None:
        """Use a factory with these limits."""
        settings = Settings(limits=LimitSettings(trusted_proxies=["10.0.0.0/8"], **limits))
        self.factory = self.make_factory(self.echo, settings)

    def asked(self, peer: str, request: bytes) -> RawPeer:
        """A connection with this upgrade."""
        made = self.dial(peer)
        made.send(request)
        return made

    def address(self, peer: str, request: bytes) -> str:
        """Where a connection with this upgrade comes from."""
        self.assertIn(b" 101 ", self.asked(peer, request).taken())
        return self.factory.address_of(self.links[-1].connection)

    def test_balancer(self) -> None:
        """What the balancer says counts, however it writes the header."""
        for name in (b"X-Forwarded-For", b"x-forwarded-for", b"X-FORWARDED-FOR"):
            request = handshake(X_Forwarded_For="203.0.113.9, 192.0.2.7", X_Forwarded_Proto="http")
            request = request.replace(b"X-Forwarded-For", name)
            self.assertEqual(self.address(BALANCER, request), "192.0.2.7", name)

    def test_stranger(self) -> None:
        """What anybody else says does not, nor what stands before it in the balancer's own list."""
        request = handshake(X_Forwarded_For="127.0.0.1")
        self.assertEqual(self.address("192.0.2.1", request), "192.0.2.1")
        twice = request.replace(b"\r\n\r\n", b"\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n")
        self.assertEqual(self.address(BALANCER, twice), "192.0.2.7")

    def test_nothing_said(self) -> None:
        """A balancer that says nothing, or rubbish, counts itself."""
        for request in (handshake(), handshake(X_Forwarded_For=""), handshake(X_Forwarded_For="unknown")):
            self.assertEqual(self.address(BALANCER, request), BALANCER)

    def test_bounds(self) -> None:
        """Bounds hold for the terminals' addresses, and an exempt one has none."""
        self.bounded(per_address=1, exempt=["192.0.2.9"])
        for address, statuses in (
            ("192.0.2.7", "101 503 503"),
            ("192.0.2.8", "101 503"),
            ("192.0.2.9", "101 101"),
        ):
            for status in statuses.split():
                answer = self.asked(BALANCER, handshake(X_Forwarded_For=address)).taken()
                self.assertEqual(answer.split(b" ")[1], status.encode(), address)

    def test_rate(self) -> None:
        """Who connects too often is told so, and counted; the balancer has no part in it."""
        self.bounded(handshakes_per_second=1)
        request = handshake(X_Forwarded_For="192.0.2.7")
        for _ in range(10):
            self.assertIn(b" 101 ", self.asked(BALANCER, request).taken())
        answer = self.asked(BALANCER, request).taken()
        self.assertIn(b" 503 too many new connections from this address\r\n", answer)
        self.assertEqual(self.metrics.turned_away, {"too many new connections from this address": 1})
        self.assertIn(b" 101 ", self.asked(BALANCER, handshake(X_Forwarded_For="192.0.2.8")).taken())
        self.clock.advance(1)
        self.assertIn(b" 101 ", self.asked(BALANCER, request).taken())

    def test_unfinished(self) -> None:
        """An address may leave only so many handshakes unfinished; a balancer is not bounded by that."""
        self.bounded(handshakes_per_second=1)
        slow = [self.asked("192.0.2.7", handshake()[:20]) for _ in range(10)]
        self.assertIsNone(self.factory.buildProtocol(slow[0].transport.getPeer()))
        self.assertEqual(self.metrics.turned_away, {"too many unfinished connections from this address": 1})
        slow[0].lose()
        self.assertIn(b" 101 ", self.asked("192.0.2.7", handshake()).taken())
        many = [self.asked(BALANCER, handshake()[:20]) for _ in range(30)]
        self.assertFalse(any(peer.is_closed for peer in many))


class PathTests(WireCase):
    """What a connection says in its path."""

    def test_secret(self) -> None:
        """The hash of a secret is kept for the registration, of other paths nothing; it is told once."""
        for path, said in ((f"/pub/{SECRET}", secretpath.hash_of(SECRET)), ("/pub/chat", ""), ("/", "")):
            peer = self.dial()
            peer.send(handshake(path))
            self.assertIn(b" 101 ", peer.taken())
            connection: Any = self.links[-1].connection
            self.assertEqual(self.factory.path_of(connection), said, path)
            self.assertEqual(self.factory.path_of(connection), "")

    def test_nothing_is_left(self) -> None:
        """A connection that ends before it was asked leaves nothing behind."""
        peer = self.dial()
        peer.send(handshake(f"/{SECRET}"))
        peer.lose()
        self.assertEqual(self.factory._paths, {})
