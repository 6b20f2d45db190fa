"""A test on real processes: whatever it starts is ended, also when it fails."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar
from urllib.parse import quote

from twisted.trial.unittest import TestCase

from tests.real import shared
from tests.real.client import QUIET, RealClient
from tests.real.placed import PlacedServer
from tests.real.server import RealServer
from tests.real.simulator import Key, RealSimulator, faults
from tests.real.store import RealStore, wait_until

OPEN = ("--admission", "open")
LOAD = ("--terminals", "50", "--backlog", "10", "--rate", "120", "--wait-ack", "--timeout", "30")
DAY = "2026-04-02"
T = TypeVar("T")


class Scene(TestCase):
    """Stores, servers, terminals and simulators of one test."""

    def store(self, *extra: str) -> RealStore:
        """A running store."""
        store = RealStore(*extra)
        self.addCleanup(store.remove)
        return store.start()

    def unstarted(self, *options: str, store: RealStore | None = None) -> PlacedServer:
        """A server that was not started yet."""
        shared.let_go()
        server = PlacedServer(*options, store=store)
        self.addCleanup(server.remove)
        return server

    def server(self, *options: str, store: RealStore | None = None) -> PlacedServer:
        """A running server."""
        return self.unstarted(*options, store=store).start()

    def client(self, server: PlacedServer, sn: str = "", **devinfo: Any) -> RealClient:
        """A connection; with a serial number a registered one."""
        client = server.client()
        self.addCleanup(client.shut)
        if sn:
            self.assertTrue(client.register(sn, **devinfo)["result"])
        return client

    def quiet(self, server: PlacedServer, sn: str, **devinfo: Any) -> RealClient:
        """A registered connection that answers what servers ask by themselves: no people, no logs."""
        client = self.client(server)
        client.habits.update(QUIET)
        self.assertTrue(client.register(sn, **devinfo)["result"])
        return client

    def order(
        self, server: RealServer, sn: str, cmd: str, wait: float = 10, **fields: Any
    ) -> tuple[int, Any]:
        """Order a command, wait so many seconds for its end, and return status and body."""
        patience = f"?wait={wait:g}" if wait else ""
        return server.post(f"/terminals/{quote(sn, safe='')}/commands{patience}", {"cmd": cmd, **fields})

    def ended(self, server: RealServer, order_id: str) -> dict[str, Any]:
        """The command object of an order, once it has its end."""
        found: dict[str, Any] = {}

        def has_ended() -> bool:
            status, body = server.get(f"/commands/{order_id}")
            found.update(body if status == 200 else {})
            return found.get("state") not in (None, "queued", "sent")

        wait_until(has_ended, f"the order {order_id} ends")
        return found

    def meanwhile(self, function: Callable[..., T], *arguments: Any, **fields: Any) -> Future[T]:
        """Call a function that waits, such as `order`, while the test goes on and lets a terminal answer."""
        pool = ThreadPoolExecutor(1)
        self.addCleanup(pool.shutdown, wait=False)
        return pool.submit(function, *arguments, **fields)

    def simulator(self, server: PlacedServer, *options: str) -> RealSimulator:
        """A running simulator."""
        simulator = RealSimulator(server.url, *options)
        self.addCleanup(simulator.remove)
        return simulator.start()

    def obeying(self, server: PlacedServer, *options: str) -> RealSimulator:
        """A running simulator that writes down each command that it does."""
        simulator = RealSimulator(server.url, *options).write_obeyed()
        self.addCleanup(simulator.remove)
        return simulator.start()

    def file(self, name: str, text: str) -> str:
        """The path of a new private file."""
        folder = tempfile.mkdtemp(prefix="tff-")
        self.addCleanup(shutil.rmtree, folder, True)
        path = os.path.join(folder, name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(text)
        return path

    def assert_whole(self, acked: Counter[Key], server: PlacedServer) -> None:
        """Everything acknowledged is in the feed, and nothing twice."""
        self.assertTrue(acked)
        self.assertEqual(faults(acked, server.punches()), {})

    def assert_all_well(self, simulator: RealSimulator, server: PlacedServer) -> dict[str, Any]:
        """The run ended with everything acknowledged once, and without a complaint."""
        report = simulator.report()
        self.assertEqual(report["complaints"], {})
        self.assertEqual(report["waiting"], 0)
        self.assertEqual(report["acked"], report["punches"])
        self.assert_whole(simulator.acked(), server)
        return report
