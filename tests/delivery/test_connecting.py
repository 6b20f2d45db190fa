"""Connections to receivers."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

from OpenSSL import SSL
from twisted.internet.defer import Deferred
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.trial.unittest import SynchronousTestCase

from tests.delivery.receivers import OK
from tests.gateway.stand_ins import Face
from tfserver.delivery.addresses import read_url
from tfserver.delivery.connecting import Connector, Line


class LineTests(SynchronousTestCase):
    """Lines without a socket."""

    def setUp(self) -> None:
        self.reactor = MemoryReactorClock()

    def connect(self, url: str, *addresses: str) -> Connector:
        """Begin to connect where these addresses are told."""
        names: Any = Face(addresses=list(addresses))
        connector = Connector(self.reactor, names)
        Deferred.fromCoroutine(connector.connect(read_url(url, True))).addErrback(lambda failed: None)
        return connector

    def test_judged_address(self) -> None:
        """The connection goes to the address that was judged, and to no name."""
        for address in ("93.184.216.34", "2a00::1"):
            self.connect("https://hr.example:8443/", address)
            self.assertEqual(self.reactor.tcpClients[-1][:2], (address, 8443))

    def test_versions(self) -> None:
        """Nothing below TLS 1.2 is offered."""
        creator: Any = self.connect("https://hr.example/", "93.184.216.34")._context("hr.example")
        connection = creator.clientConnectionForTLS(Mock())
        connection.set_connect_state()
        self.assertRaises(SSL.WantReadError, connection.do_handshake)
        # the extension supported_versions (RFC 8446 §4.2.1): 1.3 and 1.2
        self.assertIn(b"\x00\x2b\x00\x05\x04\x03\x04\x03\x03", connection.bio_read(4096))

    def test_unasked(self) -> None:
        """What comes while nothing was asked spoils a line at once."""
        line, transport = Line(read_url("https://hr.example/", False), 0.0), StringTransport()
        line.makeConnection(transport)
        self.assertTrue(line.is_free)
        line.dataReceived(OK)
        self.assertFalse(line.is_free)
        self.assertTrue(transport.disconnected)
