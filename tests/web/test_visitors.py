"""Where a request comes from."""

from __future__ import annotations

from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http_headers import Headers

from tfserver.config import LimitSettings
from tfserver.web.visitors import Visitor, Visitors

PROXY, STRANGER = "10.0.0.1", "203.0.113.9"


class _Request:
    def __init__(self, peer: str, *forwarded: str, scheme: str = "", host: str = "") -> None:
        kind = IPv6Address if ":" in peer else IPv4Address
        self.client: Any = kind("TCP", peer, 1) if peer else UNIXAddress(None)
        self.requestHeaders = Headers({"X-Forwarded-For": list(forwarded)} if forwarded else {})
        if scheme:
            self.requestHeaders.addRawHeader("X-Forwarded-Proto", scheme)
        self._host = host.encode() or None

    def getHeader(self, _: bytes) -> bytes | None:
        """``Host``: nothing else is asked for so."""
        return self._host


class VisitorTests(SynchronousTestCase):
    """One network of proxies is trusted, one network has no bounds."""

    def setUp(self) -> None:
        """The settings."""
        self.visitors = Visitors(LimitSettings(trusted_proxies=["10.0.0.0/8"], exempt=["127.0.0.0/8"]))

    def of(self, *given: Any, is_tls: bool = False, **more: Any) -> Visitor:
        """Who makes such a request."""
        request: Any = _Request(*given, **more)
        return self.visitors.of(request, is_tls)

    def test_plain(self) -> None:
        """Who comes by itself is who it is, whatever it says of others."""
        expected = Visitor(STRANGER, STRANGER, False, False)
        self.assertEqual(self.of(STRANGER), expected)
        self.assertEqual(self.of(STRANGER, "127.0.0.1", scheme="https"), expected)

    def test_by_a_proxy(self) -> None:
        """A trusted proxy is believed: the address, and whether it came by TLS."""
        self.assertEqual(self.of(PROXY, STRANGER, scheme="https"), Visitor(STRANGER, STRANGER, True, False))
        self.assertEqual(self.of(PROXY, f"1.2.3.4, {STRANGER}").address, STRANGER)
        self.assertFalse(self.of(PROXY, STRANGER, scheme="http").is_secure)

    def test_the_proxy_itself(self) -> None:
        """A proxy that does not say for whom it asks has no bounds, or it would lock out everybody."""
        self.assertEqual(self.of(PROXY), Visitor(PROXY, "", False, False))

    def test_exempt(self) -> None:
        """Networks without bounds have none, also behind a proxy."""
        self.assertEqual(self.of("127.0.0.1"), Visitor("127.0.0.1", "", False, True))
        self.assertEqual(self.of(PROXY, "127.0.0.1"), Visitor("127.0.0.1", "", False, False))

    def test_here(self) -> None:
        """This machine is loopback and its own sockets, not what a proxy says is loopback."""
        self.assertTrue(self.of("::1").is_here)
        self.assertTrue(self.of("").is_here)
        self.assertFalse(self.of(PROXY, "127.0.0.1").is_here)

    def test_here_by_name(self) -> None:
        """Who asks loopback for a name that others have came by a proxy that nobody told us of."""
        for name in ("localhost", "LOCALHOST:7789", "127.0.0.1:7789", "[::1]:7789"):
            self.assertTrue(self.of("127.0.0.1", host=name).is_here, name)
        for name in ("people.example", "people.example:7789", "localhost.example", "192.0.2.1:7789"):
            self.assertFalse(self.of("127.0.0.1", host=name).is_here, name)
            self.assertFalse(self.of("", host=name).is_here, name)

    def test_household(self) -> None:
        """Of IPv6 all addresses of a network of 64 bits count as one; IPv4 in IPv6 is what it is."""
        one, two = self.of("2001:db8::1"), self.of("2001:db8::ffff:1")
        self.assertEqual(one.household, two.household)
        self.assertNotEqual(one.household, self.of("2001:db8:0:1::1").household)
        self.assertEqual(self.of(f"::ffff:{STRANGER}").household, STRANGER)

    def test_tls(self) -> None:
        """TLS up to here is secure, whoever asks."""
        self.assertTrue(self.of(STRANGER, is_tls=True).is_secure)
        self.assertTrue(self.of(PROXY, STRANGER, scheme="http", is_tls=True).is_secure)
