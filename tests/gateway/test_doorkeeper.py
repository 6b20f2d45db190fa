"""Connections by where they come from."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tfserver.config import LimitSettings
from tfserver.gateway import doorkeeper
from tfserver.gateway.doorkeeper import TOO_FAST, TOO_MANY, UNFINISHED, Doorkeeper

HERE, THERE = "192.0.2.1", "192.0.2.2"


class DoorkeeperCase(SynchronousTestCase):
    """Two handshakes a second, twenty at once."""

    def setUp(self) -> None:
        """A clock."""
        self.clock = Clock()
        self.clock.advance(1000)
        self.keeper = self.made()

    def made(self, **limits: int) -> Doorkeeper:
        """A doorkeeper with these limits."""
        settings = LimitSettings(**{"handshakes_per_second": 2, **limits})  # type: ignore[arg-type]
        return Doorkeeper(settings, self.clock.seconds)

    def let_in(self, address: str, tries: int = 100) -> int:
        """How many of so many that come now are let in."""
        return sum(self.keeper.enters(address) is None for _ in range(tries))


class RateTests(DoorkeeperCase):
    """New connections in a second."""

    def test_burst(self) -> None:
        """Ten seconds' worth may come at once, then as many as the rate says; those refused cost nothing."""
        self.assertEqual(self.let_in(HERE), 20)
        self.assertEqual(self.keeper.enters(HERE), TOO_FAST)
        self.clock.advance(1)
        self.assertEqual(self.let_in(HERE), 2)
        self.clock.advance(3600)
        self.assertEqual(self.let_in(HERE), 20)

    def test_slow(self) -> None:
        """Whoever comes no faster than that is never refused."""
        for _ in range(200):
            self.clock.advance(0.5)
            self.assertIsNone(self.keeper.enters(HERE))

    def test_others(self) -> None:
        """Another address is not concerned."""
        self.let_in(HERE)
        self.assertEqual(self.let_in(THERE), 20)

    def test_ipv6(self) -> None:
        """All addresses of an IPv6 device are one."""
        self.assertEqual(sum(self.keeper.enters(f"2001:db8::{n:x}") is None for n in range(100)), 20)
        self.assertIsNone(self.keeper.enters("2001:db8:0:1::1"))

    def test_exempt(self) -> None:
        """Exempt networks and Unix sockets have no rate."""
        for address in ("127.0.0.1", "::1", "local"):
            self.assertEqual(self.let_in(address), 100)

    def test_clock_set_back(self) -> None:
        """A clock that is set back shuts nobody out for longer than a burst lasts."""
        self.let_in(HERE)
        self.clock.rightNow -= 500
        self.let_in(HERE)
        self.clock.advance(10)
        self.assertEqual(self.let_in(HERE), 20)

    def test_table_is_bounded(self) -> None:
        """Of more addresses than are remembered the least recent is forgotten first."""
        self.patch(doorkeeper, "MOST_REMEMBERED", 10)
        self.let_in(HERE)
        for n in range(9):
            self.keeper.enters(f"198.51.100.{n}")
            self.keeper.enters(HERE)
        self.keeper.enters("203.0.113.1")
        self.assertEqual(len(self.keeper._paid_until), 10)
        self.assertEqual(self.keeper.enters(HERE), TOO_FAST)
        for n in range(10):
            self.keeper.enters(f"203.0.113.{n}")
        self.assertNotIn(HERE, self.keeper._paid_until)


class CountTests(DoorkeeperCase):
    """Connections that are there."""

    def test_open(self) -> None:
        """Those that left make room."""
        self.keeper = self.made(per_address=2, handshakes_per_second=100)
        self.assertEqual(self.let_in(HERE), 2)
        self.assertEqual(self.keeper.enters(HERE), TOO_MANY)
        self.keeper.leaves(HERE)
        self.assertEqual(self.let_in(HERE), 1)

    def test_unfinished(self) -> None:
        """As many may be unfinished as may come at once; each that is finished makes room, once."""
        self.assertEqual([self.keeper.begins(n, HERE) for n in range(21)], [None] * 20 + [UNFINISHED])
        self.assertIsNone(self.keeper.begins("other", THERE))
        for connection in (3, 3, "unknown"):
            self.keeper.began(connection)
        self.assertEqual([self.keeper.begins(n, HERE) for n in (30, 31)], [None, UNFINISHED])

    def test_nothing_is_left(self) -> None:
        """Of those that are gone nothing is remembered but how fast they came."""
        for n in range(5):
            self.keeper.begins(n, HERE)
            self.keeper.enters(HERE)
        for n in range(5):
            self.keeper.began(n)
            self.keeper.leaves(HERE)
        self.assertEqual((self.keeper._open, self.keeper._unfinished, self.keeper._beginning), ({}, {}, {}))
