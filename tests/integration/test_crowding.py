"""Many connections at once: open files, and the queue of those that wait to be taken."""

from __future__ import annotations

import resource
import signal
import socket

from tests.real.nursery import Child
from tests.real.placed import PlacedServer
from tests.real.scene import OPEN, Scene
from tfserver.openfiles import OTHERS

FEW = 128


class BoundServer(PlacedServer):
    """A server that was started with these limits of open files."""

    def __init__(self, soft: int, hard: int) -> None:
        super().__init__(*OPEN)
        self._limits = (soft, hard)

    def spawn(self) -> Child:
        """Start it without waiting; the interpreter has not got far when it is bound."""
        process = super().spawn()
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, self._limits)
        return process


class Crowding(Scene):
    """More connections than a careless start has room for."""

    def bound(self, soft: int, hard: int) -> BoundServer:
        """A running server with these limits."""
        server = BoundServer(soft, hard)
        self.addCleanup(server.remove)
        server.start()
        return server

    def line(self, server: PlacedServer) -> str:
        """What it said about its room."""
        return next(line for line in server.said().splitlines() if "room for" in line)

    def test_soft_limit(self) -> None:
        """A low soft limit is raised: more connections are taken than it would have allowed."""
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        server = self.bound(FEW, hard)
        clients = [self.client(server) for _ in range(FEW + 50)]
        self.assertTrue(clients[-1].register("LAST")["result"])
        self.assertGreater(resource.prlimit(server.pid, resource.RLIMIT_NOFILE)[0], FEW)
        self.assertEqual(resource.prlimit(server.pid, resource.RLIMIT_NOFILE)[1], hard)
        self.assertIn("connections of terminals", self.line(server))

    def test_hard_limit(self) -> None:
        """Where the hard limit is too low the server starts, and one line says so and what to do."""
        server = self.bound(FEW, OTHERS + 20)
        self.client(server, "ONE")
        line = self.line(server)
        for part in ("only 20 connections", f"{OTHERS + 20} open files", "LimitNOFILE=", "ulimit -n"):
            self.assertIn(part, line)
        self.assertEqual(resource.prlimit(server.pid, resource.RLIMIT_NOFILE)[0], OTHERS + 20)

    def test_queue(self) -> None:
        """A fleet that comes while the server can't look waits in the queue: nobody has to try again."""
        server = self.server(*OPEN)
        server.signal(signal.SIGSTOP)
        self.addCleanup(server.signal, signal.SIGCONT)
        for _ in range(200):
            # beyond Twisted's own 50 the kernel would not answer, and the next try comes after a second
            waiting = socket.create_connection(("127.0.0.1", server.port), 0.9)
            self.addCleanup(waiting.close)
        server.signal(signal.SIGCONT)
        self.assertTrue(self.client(server).register("BEHIND")["result"])
