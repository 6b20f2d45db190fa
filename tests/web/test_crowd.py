"""How many connections people may have."""

from __future__ import annotations

from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.testing import StringTransport

from tests.web.in_memory import PagesCase, read_answer
from tfserver.config import LimitSettings, Web
from tfserver.web.site import LEAVE_SECONDS


class CrowdTests(PagesCase):
    """Eight connections, two of them from one address."""

    web = Web(connections=8)
    limits = LimitSettings(exempt=["127.0.0.0/8"])

    def setUp(self) -> None:
        """Nobody is there."""
        super().setUp()
        self.aborted: list[Any] = []

    def connect(self, host: str = "192.0.2.1") -> Any:
        """A connection, with its transport."""
        channel: Any = self.site.buildProtocol(IPv4Address("TCP", host, 1))
        transport: Any = StringTransport(lenient=True)
        transport.abortConnection = lambda: self.aborted.append(channel)
        channel.makeConnection(transport)
        return channel

    def is_refused(self, channel: Any) -> bool:
        """Whether it was told that there are too many."""
        data = channel.transport.value()
        return bool(data) and read_answer(data).status == 503

    def test_share(self) -> None:
        """One address has its share, and others have theirs all the same."""
        self.assertEqual([self.is_refused(self.connect()) for _ in range(4)], [False, False, True, True])
        self.assertFalse(self.is_refused(self.connect("192.0.2.2")))
        self.assertEqual(self.metrics.http_refused["connections"], 2)
        self.assertEqual(self.metrics.http_connections, 3)

    def test_no_share(self) -> None:
        """Who has no bounds may have all, and no more."""
        found = [self.is_refused(self.connect("127.0.0.1")) for _ in range(10)]
        self.assertEqual(found, [False] * 8 + [True] * 2)

    def test_room_again(self) -> None:
        """What is over makes room."""
        first, _ = self.connect(), self.connect()
        self.assertTrue(self.is_refused(self.connect()))
        first.connectionLost()
        self.assertFalse(self.is_refused(self.connect()))
        self.assertEqual(self.metrics.http_connections, 2)

    def test_told(self) -> None:
        """Who is refused is told so in the form of all errors, and let go however slowly it reads."""
        for _ in range(2):
            self.connect()
        channel = self.connect()
        answer = read_answer(channel.transport.value())
        self.assert_problem(answer, 503)
        self.assertTrue(answer.headers["retry-after"].isdigit())
        self.assertTrue(channel.transport.disconnecting)
        gone = self.connect()
        gone.connectionLost()
        self.clock.advance(LEAVE_SECONDS)
        self.assertEqual(self.aborted, [channel])
