"""The client while the store is away: nothing queues, nothing is doubled, it comes back by itself."""

from __future__ import annotations

import gc

from twisted.internet import reactor
from twisted.internet.defer import Deferred

from tests.store.connected import StoreCase, free_port, until
from tests.store.records import record
from tfserver.config import Punches as PunchSettings
from tfserver.errors import StoreUnavailable
from tfserver.store import client as client_module
from tfserver.store.client import Client
from tfserver.store.connection import Connection
from tfserver.store.punches import Punches
from tfserver.store.shelf import Kept


class DownTests(StoreCase):
    """The server is gone."""

    def setUp(self) -> None:
        self.port = free_port()
        super().setUp()

    async def down(self) -> Client:
        """A client whose server was killed."""
        client = await self.connect()
        self.store.kill()
        await until(lambda: not client.ready, "the client knows")
        return client

    async def test_calls_fail_at_once(self) -> None:
        """Without a server reads and writes fail in the same turn, saying why."""
        client = await self.down()
        for call in (client.write("SET", "tf:a", "b"), client.read("GET", "tf:a")):
            self.assertIn("connect", str(self.failureResultOf(call, StoreUnavailable).value))
        self.failureResultOf(Deferred.fromCoroutine(client.run("leases", [], [])), StoreUnavailable)

    async def test_nothing_queues(self) -> None:
        """What was refused while the server was away is not sent when it is back."""
        client = await self.down()
        for n in range(100):
            self.failureResultOf(client.write("SET", f"tf:{n}", "b"), StoreUnavailable)
        self.store.start()
        await self.back(client)
        self.assertEqual(await client.read("KEYS", "*"), ["tf:meta"])

    async def test_in_flight(self) -> None:
        """Calls under way when the server dies end with StoreUnavailable, every one."""
        client = await self.connect()
        self.store.pause()
        calls = [client.write("SET", f"tf:{n}", "b") for n in range(100)]
        self.store.kill()
        for call in calls:
            await self.fails(call, StoreUnavailable)

    async def test_comes_back_by_itself(self) -> None:
        """After a kill -9 and a new start the client is ready again, and so are its scripts."""
        for url in (self.store.url, f"redis://127.0.0.1:{self.port}"):
            client = await self.connect(url)
            await client.write("HSET", "tf:t", "conn", "c")
            await client.run("leases", ["tf:t"], ["c"])
            self.store.kill()
            await until(lambda client=client: not client.ready, "the client knows")
            self.store.start()
            await self.back(client)
            self.assertEqual(await client.run("leases", ["tf:t"], ["c"]), [0])

    async def test_ready_after_the_start(self) -> None:
        """The first read after a start is taken."""
        for _ in range(20):
            client = await self.connect()
            self.assertIsNone(await client.read("GET", "tf:missing"))
            await client.stop()

    async def test_dead_connections_are_forgotten(self) -> None:
        """Losing connections again and again does not pile them up in memory."""
        client = await self.connect()
        for _ in range(5):
            self.tell("CLIENT KILL TYPE normal")
            await until(lambda: not client.ready, "the connection was lost")
            await self.back(client)
        gc.collect()
        known = [found for found in gc.get_objects() if isinstance(found, Connection)]
        self.assertLessEqual(len([found for found in known if found.factory is client._writes]), 2)


class StallTests(StoreCase):
    """The server stands still (SIGSTOP)."""

    async def stall(self) -> Client:
        """A client that has just met its first deadline."""
        client = await self.connect(write_seconds=0.3)
        self.store.pause()
        said = await self.fails(client.write("SET", "tf:late", "b"), StoreUnavailable)
        self.assertIn("deadline", said)
        return client

    async def test_later_calls_fail_at_once(self) -> None:
        """After one missed deadline nobody waits for another."""
        client = await self.stall()
        self.assertFalse(client.ready)
        self.failureResultOf(client.write("SET", "tf:a", "b"), StoreUnavailable)
        self.failureResultOf(client.read("GET", "tf:a"), StoreUnavailable)

    async def test_goes_on(self) -> None:
        """When the server goes on, the client is ready again, and late replies go to nobody else."""
        client = await self.stall()
        self.store.go_on()
        await self.back(client)
        for n in range(20):
            self.assertEqual(await client.write("ECHO", n), str(n))
            self.assertEqual(await client.read("ECHO", n), str(n))
        self.assertEqual(await client.read("KEYS", "*a*e*"), ["tf:late"], "it was applied late")

    async def test_one_missed_check(self) -> None:
        """A check that is missed once is no stall, as long as nothing else misses its deadline; three are."""
        client = await self.connect()
        client._probe.stop()
        self.patch(client_module, "CHECK_SECONDS", 0.05)
        self.patch(client_module, "CHECK_EVERY", 1)
        self.store.pause()
        found = []
        for _ in range(client_module.MISSED_PROBES):
            await client._probe_once()
            found.append(client.ready)
        self.assertEqual(found, [True, True, False])
        self.store.go_on()
        client._probe.start(client_module.PROBE_SECONDS)
        await self.back(client)

    async def test_long_stall(self) -> None:
        """After a stall that outlasts the probes the client connects anew."""
        self.patch(client_module, "CHECK_SECONDS", 0.05)
        self.patch(client_module, "PROBE_SECONDS", 0.05)
        client = await self.stall()
        await until(lambda: not client._writes.pool, "the connections were given up")
        self.store.go_on()
        await self.back(client)
        await client.write("SET", "tf:a", "b")

    async def test_applied_late_is_there_once(self) -> None:
        """Punches that were kept after the deadline are known when the terminal sends them again."""
        client = await self.connect(write_seconds=0.3)
        punches = Punches(reactor, client, PunchSettings())
        batch = [record("T1", n) for n in range(5)]
        await punches.append("T2", 1, [record("T2", 1)], [])  # the server knows the script
        self.store.pause()
        await self.fails(punches.append("T1", 7, batch, []), StoreUnavailable)
        self.store.go_on()
        await self.back(client)
        self.assertEqual(await client.read("XLEN", "tf:punches"), 6, "it was applied late")
        self.assertEqual(await punches.append("T1", 7, batch, []), Kept(0, 5, 0))
        self.assertEqual(await client.read("XLEN", "tf:punches"), 6)


class FullTests(StoreCase):
    """The server has no memory left."""

    async def test_out_of_memory(self) -> None:
        """A full server refuses writes as unavailable, and takes them again when it has room."""
        client = await self.connect()
        punches = Punches(reactor, client, PunchSettings())
        await client.write("CONFIG", "SET", "maxmemory", 1)
        self.assertIn("OOM", await self.fails(client.write("SET", "tf:a", "b"), StoreUnavailable))
        await self.fails(punches.append("T1", 7, [record("T1", 1)], []), StoreUnavailable)
        self.tell("CONFIG SET maxmemory 0")
        await self.back(client)
        self.assertEqual(await punches.append("T1", 7, [record("T1", 1)], []), Kept(1, 0, 0))

    async def test_full_for_longer(self) -> None:
        """A server that stays full ends readiness at the next check, and room brings it back."""
        self.patch(client_module, "CHECK_EVERY", 1)
        client = await self.connect()
        await client.write("CONFIG", "SET", "maxmemory", 1)
        await until(lambda: not client.ready, "the check has seen it")
        self.assertIn("full", client.problem)
        self.tell("CONFIG SET maxmemory 0")
        await self.back(client)

    async def test_read_only(self) -> None:
        """A server that was made a replica refuses writes as unavailable and is ready when promoted again."""
        self.patch(client_module, "CHECK_EVERY", 1)
        client = await self.connect()
        self.tell(f"REPLICAOF 127.0.0.1 {free_port()}")
        await self.fails(client.write("SET", "tf:a", "b"), StoreUnavailable)
        await until(lambda: not client.ready, "the check has seen it")
        self.assertIn("replica", client.problem)
        self.tell("REPLICAOF NO ONE")
        await self.back(client)
