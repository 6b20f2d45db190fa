"""What systemd is told, over a real datagram socket."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile

from twisted.internet.task import Clock
from twisted.logger import LogEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from tests.real.notified import Notified
from tfserver.notify import MOST_STATUS, SOCKET, WATCHDOG_PID, WATCHDOG_USEC, Supervisor

READY = {"READY": "1", "STATUS": "7 connections"}
NAMESPACE = "tfserver.notify.Supervisor"
ALIVE = {"WATCHDOG": "1", "STATUS": "7 connections"}


class SupervisorTests(SynchronousTestCase):
    """A clock, and a socket that hears."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.heard = Notified()
        self.addCleanup(self.heard.remove)

    def supervisor(self, **environment: str) -> Supervisor:
        """One that tells our socket."""
        return Supervisor(self.clock, {SOCKET: self.heard.address, **environment})

    def test_life(self) -> None:
        """The start is over, then the stop begins."""
        told = self.supervisor()
        self.assertEqual(self.heard.new(), [])
        told.ready(lambda: "7 connections")
        told.stopping()
        self.assertEqual(self.heard.new(), [READY, {"STOPPING": "1", "STATUS": "draining"}])

    def test_without_watchdog(self) -> None:
        """Nobody who did not ask for it hears signs of life."""
        self.supervisor().ready(lambda: "7 connections")
        self.assertEqual((self.heard.new(), self.clock.getDelayedCalls()), ([READY], []))

    def test_watchdog(self) -> None:
        """Signs of life come at half of the time, also while it stops, and not when the clock stands."""
        told = self.supervisor(**{WATCHDOG_USEC: "20000000"})
        self.assertEqual(self.clock.getDelayedCalls(), [])
        told.ready(lambda: "7 connections")
        self.assertEqual(self.heard.new(), [READY, ALIVE])
        self.clock.advance(9.9)
        self.assertEqual(self.heard.new(), [])
        self.clock.advance(0.1)
        self.assertEqual(self.heard.new(), [ALIVE])
        told.stopping()
        self.heard.new()
        self.clock.advance(10)
        self.assertEqual(self.heard.new(), [ALIVE])

    def test_clock_set_back(self) -> None:
        """Timers wait when the system's clock is set back: the silence is noticed by who waits for a sign."""
        self.supervisor(**{WATCHDOG_USEC: "20000000"}).ready(lambda: "")
        self.heard.new()
        self.clock.rightNow -= 3600
        self.clock.advance(60)
        self.assertEqual(self.heard.new(), [])

    def test_watchdog_of_another(self) -> None:
        """A watchdog that is meant for another process, or for none, is not answered."""
        for environment in (
            {WATCHDOG_USEC: "20000000", WATCHDOG_PID: str(os.getpid() + 1)},
            {WATCHDOG_USEC: "0"},
            {WATCHDOG_USEC: "soon"},
            {WATCHDOG_USEC: "²"},
        ):
            self.supervisor(**environment).ready(lambda: "7 connections")
            self.assertEqual((self.heard.new(), self.clock.getDelayedCalls()), ([READY], []), environment)
        self.supervisor(**{WATCHDOG_USEC: "20000000", WATCHDOG_PID: str(os.getpid())}).ready(lambda: "")
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)

    def test_refused_start(self) -> None:
        """The reason stays: a start that was refused drains nothing."""
        told = self.supervisor()
        told.failed("port 7788\nis taken")
        told.stopping()
        self.assertEqual(self.heard.new(), [{"STATUS": "can't start: port 7788 is taken"}, {"STOPPING": "1"}])

    def test_long_status(self) -> None:
        """A status has a bound."""
        self.supervisor().failed("x" * 10_000)
        self.assertEqual([len(said["STATUS"]) for said in self.heard.new()], [MOST_STATUS])

    def test_nobody(self) -> None:
        """Without a socket, or with one of another kind, nothing is told and nothing is wrong."""
        for environment in ({}, {SOCKET: ""}, {SOCKET: "vsock:2:1"}, {WATCHDOG_USEC: "20000000"}):
            told = Supervisor(self.clock, environment)
            told.ready(lambda: "")
            told.stopping()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_socket_without_a_file(self) -> None:
        """A socket whose name begins with @ has no file."""
        name = f"tfserver-test-{os.getpid()}-{id(self)}"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as hears:
            hears.bind(f"\0{name}")
            hears.settimeout(10)
            Supervisor(self.clock, {SOCKET: f"@{name}"}).stopping()
            self.assertEqual(hears.recv(100), b"STOPPING=1")

    def test_gone(self) -> None:
        """A socket nobody listens on any more costs one line of the log, however often it is told."""
        folder = tempfile.mkdtemp(prefix="tfn-")
        self.addCleanup(shutil.rmtree, folder)
        told = Supervisor(self.clock, {SOCKET: f"{folder}/gone", WATCHDOG_USEC: "20000000"})
        lines: list[LogEvent] = []
        globalLogPublisher.addObserver(lines.append)
        self.addCleanup(globalLogPublisher.removeObserver, lines.append)
        told.ready(lambda: "")
        self.clock.pump([10, 10])
        told.stopping()
        self.assertEqual([line["name"] for line in lines if line["log_namespace"] == NAMESPACE], [SOCKET])
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)

    def test_full(self) -> None:
        """A socket that is full does not make us wait."""
        told = self.supervisor()
        for _ in range(2000):
            told.failed("x" * 100)
        self.assertLess(len(self.heard.new()), 2000)
