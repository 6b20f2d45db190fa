"""What a service manager hears of a real process: ready, alive, stopping; silence of one that stands."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from tests.real.notified import Notified
from tests.real.process import is_stopped
from tests.real.scene import OPEN, Scene
from tests.real.server import ROOT
from tests.real.store import wait_until
from tfserver.notify import SOCKET, WATCHDOG_USEC

SILENCE = 1.0
"""Ten signs of life would fit into it."""
USEC = str(200_000)
BLOCKING = """
import sys, threading
from twisted.internet import reactor
from tfserver.notify import Supervisor

def block():
    print("blocked", flush=True)
    sys.stdin.readline()

def obey():
    sys.stdin.readline()
    reactor.callFromThread(block)

supervisor = Supervisor(reactor)
reactor.callWhenRunning(supervisor.ready, str)
threading.Thread(target=obey, daemon=True).start()
reactor.run()
"""


class NotifiedTests(Scene):
    """A socket that hears, with a watchdog that wants a sign of life each 0.2 s."""

    def setUp(self) -> None:
        self.heard = Notified()
        self.addCleanup(self.heard.remove)
        self.environment = {SOCKET: self.heard.address, WATCHDOG_USEC: USEC}
        for name, value in self.environment.items():
            os.environ[name] = value
            self.addCleanup(os.environ.pop, name, None)

    def assert_silent(self) -> None:
        """What was said before is forgotten; then nothing comes."""
        self.heard.new()
        with self.assertRaises(TimeoutError):
            self.heard.until("WATCHDOG", SILENCE)

    def test_life(self) -> None:
        """It says that it is ready, that it lives, and that it stops."""
        server = self.server(*OPEN)
        self.assertIn("0 connections of terminals", self.heard.until("READY")["STATUS"])
        self.client(server, "ONE")
        wait_until(lambda: "1 conn" in self.heard.until("WATCHDOG")["STATUS"], "the status says who is there")
        server.stop_later()
        self.assertEqual(self.heard.until("STOPPING"), {"STOPPING": "1", "STATUS": "draining"})

    def test_refused_start(self) -> None:
        """A start that is refused says why, and never that it is ready."""
        # signs of life would fill the socket that nobody reads meanwhile
        del os.environ[WATCHDOG_USEC]
        taken = self.server()
        self.heard.new()
        second = self.unstarted("--terminals", f"tcp:{taken.port}:interface=127.0.0.1")
        second.spawn()
        self.assertEqual(second.wait(), 1)
        told, stopping = [word for word in self.heard.new() if self.is_of_the_end(word)]
        self.assertIn("can't start", told["STATUS"])
        self.assertIn(str(taken.port), told["STATUS"])
        self.assertEqual(stopping, {"STOPPING": "1"})

    def is_of_the_end(self, told: dict[str, str]) -> bool:
        """Whether it is said by who is refused, and not by the one that runs."""
        return "STOPPING" in told or "can't start" in told.get("STATUS", "")

    def test_paused(self) -> None:
        """A process that stands still is silent, and heard again when it goes on."""
        server = self.server()
        self.heard.until("WATCHDOG")
        server.signal(signal.SIGSTOP)
        self.addCleanup(server.signal, signal.SIGCONT)
        wait_until(lambda: is_stopped(server.pid), "it stands still")
        self.assert_silent()
        server.signal(signal.SIGCONT)
        self.heard.until("WATCHDOG")

    def test_blocked(self) -> None:
        """A process whose reactor is blocked is silent, although it runs."""
        process = subprocess.Popen(
            [sys.executable, "-c", BLOCKING],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        assert process.stdin is not None and process.stdout is not None
        self.heard.until("WATCHDOG")
        print("block", file=process.stdin, flush=True)
        self.assertEqual(process.stdout.readline(), "blocked\n")
        self.assert_silent()
        print("go on", file=process.stdin, flush=True)
        self.heard.until("WATCHDOG")
