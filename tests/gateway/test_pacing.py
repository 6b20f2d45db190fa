"""How fast new connections are taken on: what makes them wait, for how long, and who makes room."""

from __future__ import annotations

import socket
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.gateway.raw_frames import handshake
from tests.gateway.raw_peer import WireCase
from tfserver.config import LimitSettings
from tfserver.gateway import pacing
from tfserver.gateway.pacing import FAIR_SECONDS, FRESH_SECONDS, LONGEST_PAUSE, PAUSE_SECONDS, Pacing
from tfserver.metrics import Metrics
from tfserver.pressure import MEGABYTE, Pressure


class Port:
    """Where we listen: whether it is read from."""

    def __init__(self) -> None:
        self.is_read = True
        self.numberAccepts = 500

    def stopReading(self) -> None:
        """Nobody is taken."""
        self.is_read = False

    def startReading(self) -> None:
        """Whoever waits is taken."""
        self.is_read = True


class Connection:
    """One that was taken; its own transport."""

    def __init__(self) -> None:
        self.transport = self
        self.is_aborted = False

    def abortConnection(self) -> None:
        """It is cut."""
        self.is_aborted = True


class PacingCase(SynchronousTestCase):
    """Two ports, and a store for which as many registrations wait as is said."""

    def setUp(self) -> None:
        """Nobody waits."""
        self.clock = Clock()
        self.waiting = 0
        self.waited = 0.0
        self.used = 0
        self.metrics = Metrics()
        self.pressure = Pressure(
            self.metrics,
            100,
            registering=lambda: (self.waiting, self.waited),
            resident=lambda: self.used * MEGABYTE,
        )
        limits = LimitSettings(registrations_at_once=10)
        self.pacing = Pacing(self.clock, limits, self.metrics, self.pressure)
        self.ports: list[Any] = [Port(), Port()]
        self.pacing.ports = self.ports

    def take(self, count: int = 1) -> list[Connection]:
        """So many are taken in one turn of the reactor, and it is over."""
        made = [Connection() for _ in range(count)]
        for connection in made:
            self.pacing.taken(connection)
        self.clock.advance(0)
        return made

    def served(self, count: int = 1) -> None:
        """So many are taken, and their handshakes are done within the turn."""
        for _ in range(count):
            connection = Connection()
            self.pacing.taken(connection)
            self.pacing.finished(connection)
        self.clock.advance(0)

    @property
    def is_open(self) -> bool:
        """Whether all ports take connections; never only some."""
        found = {port.is_read for port in self.ports}
        self.assertEqual(len(found), 1)
        return found.pop()


class PauseTests(PacingCase):
    """When nobody is taken."""

    def test_at_ease(self) -> None:
        """As long as everything is served, whoever comes is taken, and nothing is looked after in between."""
        self.served(200)
        self.assertTrue(self.is_open)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.metrics.pauses, 0)

    def test_registrations(self) -> None:
        """While as many registrations wait as may, the others wait in the system's queue."""
        self.waiting = 10
        self.take()
        self.assertFalse(self.is_open)
        self.waiting = 8
        self.clock.advance(PAUSE_SECONDS)
        self.assertTrue(self.is_open)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.metrics.pauses, 1)

    def test_waited(self) -> None:
        """Few that wait for long are too many as well: the store is slow."""
        self.waiting, self.waited = 2, 0.5
        self.take()
        self.assertFalse(self.is_open)
        self.waited = 0.4
        self.clock.advance(PAUSE_SECONDS)
        self.assertTrue(self.is_open)

    def test_coming(self) -> None:
        """Handshakes under way are registrations in a moment; slow ones are not waited for."""
        self.waiting = 4
        self.take(5)
        self.assertTrue(self.is_open)
        self.take(1)
        self.assertFalse(self.is_open)
        self.clock.advance(FRESH_SECONDS)
        self.assertTrue(self.is_open)

    def test_lag(self) -> None:
        """A reactor that is far behind takes nobody on."""
        for _ in range(3):
            self.pressure.measure(1.0)
        self.take()
        self.assertFalse(self.is_open)
        for _ in range(3):
            self.pressure.measure(0.0)
        self.clock.advance(PAUSE_SECONDS)
        self.assertTrue(self.is_open)

    def test_not_for_ever(self) -> None:
        """Where it never gets better, a few are taken each second all the same."""
        self.waiting = 100
        self.take()
        self.clock.pump([PAUSE_SECONDS] * (round(LONGEST_PAUSE / PAUSE_SECONDS) + 1))
        self.assertTrue(self.is_open)
        self.assertEqual([port.numberAccepts for port in self.ports], [pacing.FEW] * 2)
        self.take()
        self.assertFalse(self.is_open)

    def test_few_in_a_turn(self) -> None:
        """However many wait, no more than a bound of them are taken between two turns for the others."""
        self.take()
        self.assertEqual([port.numberAccepts for port in self.ports], [pacing.TAKEN_A_TURN] * 2)

    def test_stop(self) -> None:
        """After its end no port is read from again."""
        self.waiting = 100
        self.take()
        self.pacing.stop()
        self.waiting = 0
        self.clock.advance(10)
        self.assertFalse(self.is_open)
        self.assertEqual(self.clock.getDelayedCalls(), [])


class UnfinishedTests(PacingCase):
    """Handshakes that are not whole."""

    def setUp(self) -> None:
        """Five of them may be under way."""
        super().setUp()
        self.patch(pacing, "MOST_UNFINISHED", 5)

    def test_room_is_made(self) -> None:
        """Where there are too many, those that had their time are given up for others."""
        old = self.take(3)
        self.clock.advance(FAIR_SECONDS)
        young = self.take(2)
        self.assertEqual([one.is_aborted for one in old + young], [True] * 3 + [False] * 2)
        self.assertEqual(self.metrics.turned_away["unfinished handshake"], 3)
        self.assertTrue(self.is_open)

    def test_all_are_young(self) -> None:
        """Everybody has some seconds: others wait until then."""
        young = self.take(5)
        self.assertFalse(any(one.is_aborted for one in young))
        self.assertFalse(self.is_open)
        self.pacing.finished(young[0])
        self.clock.advance(PAUSE_SECONDS)
        self.assertTrue(self.is_open)

    def test_slow_but_alone(self) -> None:
        """A slow handshake that is in nobody's way goes on."""
        slow = self.take(1)
        self.clock.advance(3 * FAIR_SECONDS)
        self.take(1)
        self.assertFalse(slow[0].is_aborted)


class RefusalTests(PacingCase):
    """Handshakes that are whole, and refused in words all the same."""

    def pair(self) -> tuple[socket.socket, Any]:
        """A connection on loopback: the far end, and ours as a transport."""
        with socket.create_server(("127.0.0.1", 0)) as listening:
            far = socket.create_connection(listening.getsockname())
            near, _ = listening.accept()
        self.addCleanup(far.close)
        self.addCleanup(near.close)
        connection: Any = Connection()
        connection.socket = near
        return far, connection

    def test_served(self) -> None:
        """Somebody who waits is served, also where the system tells nothing of him."""
        self.assertIsNone(self.pacing.refuses(self.pair()[1]))
        self.assertIsNone(self.pacing.refuses(Connection()))

    def test_memory(self) -> None:
        """Without memory nobody new is served."""
        self.used = 100
        self.pressure.measure(0.0)
        self.assertEqual(self.pacing.refuses(self.pair()[1]), "too little memory")

    def test_gone(self) -> None:
        """For somebody who has gone before his turn nothing is done."""
        far, connection = self.pair()
        far.shutdown(socket.SHUT_WR)
        self.assertEqual(connection.socket.recv(1), b"")
        self.assertEqual(self.pacing.refuses(connection), "gone before its turn")

    def test_too_late(self) -> None:
        """Who said his last word long ago has begun anew by now."""
        self.patch(pacing, "HANDSHAKE_SECONDS", 0)
        self.assertEqual(self.pacing.refuses(self.pair()[1]), "waited too long")


class FactoryTests(WireCase):
    """What the terminals' factory tells of its connections."""

    @property
    def unfinished(self) -> int:
        """Handshakes under way."""
        return len(self.factory.pacing._unfinished)

    def test_handshakes(self) -> None:
        """A handshake is under way from the connection to its end, whatever its end is."""
        done, refused, lost = self.dial(), self.dial(), self.dial()
        self.assertEqual(self.unfinished, 3)
        done.send(handshake())
        self.assertEqual(self.unfinished, 2)
        self.factory.draining = True
        refused.send(handshake())
        self.assertEqual(self.unfinished, 1)
        lost.lose()
        self.assertEqual(self.unfinished, 0)

    def test_memory(self) -> None:
        """Without memory the answer to a handshake is 503, and counted with its reason."""
        full = Pressure(self.metrics, 1, resident=lambda: MEGABYTE)
        full.measure(0.0)
        self.factory.pacing._pressure = full
        peer = self.dial()
        peer.send(handshake())
        self.assertIn(b" 503 ", peer.taken().partition(b"\r\n")[0])
        self.assertEqual(self.metrics.turned_away["too little memory"], 1)
