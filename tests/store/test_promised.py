"""``store.acknowledge: replica``: nothing is promised that a replica does not have."""

from __future__ import annotations

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults

from tests.real.store import RealStore
from tests.store.connected import StoreCase, free_port, until
from tests.store.ordered import MASTER, new_order
from tests.store.records import record
from tfserver.config import Acknowledge
from tfserver.config import Archive as ArchiveSettings
from tfserver.config import Orders as OrderSettings
from tfserver.config import Punches as PunchSettings
from tfserver.errors import StartError, StoreUnavailable
from tfserver.store import client as client_module
from tfserver.store.archived import Archived
from tfserver.store.client import Client
from tfserver.store.outbox import Outbox
from tfserver.store.promised import CONNECTIONS
from tfserver.store.punches import Punches
from tfserver.store.shelf import Kept
from tfserver.store.vault import Vault

FOLLOWS = ("--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1")


class PromisedCase(StoreCase):
    """A primary with one replica."""

    extra = FOLLOWS

    def setUp(self) -> None:
        self.port = free_port()
        super().setUp()
        self.replica: RealStore = self.new_store(*FOLLOWS, "--replicaof", f"127.0.0.1 {self.port}")

    async def begin(self, **more: object) -> Client:
        """A client whose replica follows."""
        # one that has just come loads for a moment
        self.tell("SET tf:first 1")
        await until(
            lambda: self.replica.ask("EXISTS tf:first") == ":1\r\n", "the replica has what is written"
        )
        settings = {"acknowledge": Acknowledge.REPLICA, "write_seconds": 1.0, **more}
        self.client: Client = await self.connect(**settings)
        self.punches = Punches(reactor, self.client, PunchSettings())
        return self.client

    def stand_still(self) -> None:
        """Let the replica confirm nothing."""
        self.replica.pause()
        self.addCleanup(self.replica.go_on)


class KeepTests(PromisedCase):
    """Writes."""

    async def test_confirmed(self) -> None:
        """What is promised is at the replica."""
        await self.begin()
        self.assertEqual(await self.punches.append("T1", 1, [record("T1", 1)], []), Kept(1, 0, 0))
        self.assertEqual(self.replica.ask("XLEN tf:punches"), ":1\r\n")
        # some servers wait only for what the connection itself has written
        self.assertEqual(self.store.ask("EXISTS tf:confirmed"), ":1\r\n")

    async def test_many(self) -> None:
        """More calls at once than there are connections are all answered."""
        client = await self.begin()
        calls = [Deferred.fromCoroutine(_kept(client, n)) for n in range(5 * CONNECTIONS)]
        self.assertEqual(len(await gatherResults(calls)), 5 * CONNECTIONS)

    async def test_not_confirmed(self) -> None:
        """Without the replica nothing is promised, neither now nor when it comes again and is known;
        reads go on meanwhile."""
        client = await self.begin()
        self.patch(client_module, "CHECK_EVERY", 10**9)
        self.stand_still()
        said = await self.fails(self.punches.append("T1", 1, [record("T1", 1)], []), StoreUnavailable)
        self.assertIn("0 of 1 replicas", said)
        self.assertFalse(client.ready)
        self.assertEqual(await client.read("XLEN", "tf:punches"), 1, "the primary has it")
        client._refuses = ""
        await self.fails(self.punches.append("T1", 1, [record("T1", 1)], []), StoreUnavailable)
        self.replica.go_on()
        await self.back(client)
        self.assertEqual(await self.punches.append("T1", 1, [record("T1", 1)], []), Kept(0, 1, 0))

    async def test_not_ready_while_asked(self) -> None:
        """As long as the replicas do not answer the store is not ready, also while they are asked again: else
        each punch of that time would wait for them too."""
        client = await self.begin()
        assert client._promised is not None
        self.stand_still()
        await self.fails(self.punches.append("T1", 1, [record("T1", 1)], []), StoreUnavailable)
        asked = []
        probe = client._promised.probe

        async def watched() -> None:
            """Ask, and look who is told what meanwhile."""
            asked.append(client.ready)
            await probe()

        self.patch(client._promised, "probe", watched)
        await until(lambda: len(asked) >= 2, "the replicas are asked")
        self.assertEqual(set(asked), {False})
        self.replica.go_on()
        await self.back(client)

    async def test_known_by_another(self) -> None:
        """A record that another process has kept, unconfirmed, is not promised by this one."""
        client = await self.begin()
        other = Punches(reactor, await self.connect(), PunchSettings())
        self.stand_still()
        await other.append("T1", 1, [record("T1", 1)], [])
        self.assertEqual(await client.read("XLEN", "tf:punches"), 1)
        await self.fails(self.punches.append("T1", 1, [record("T1", 1)], []), StoreUnavailable)

    async def test_orders(self) -> None:
        """What is told of an order is at the replica, else it is refused: one that was accepted has its end
        after a failover too."""
        client = await self.begin()
        outbox = Outbox(client, Vault(MASTER), OrderSettings(), "one/1")
        await client.write("HSET", "tf:terminal:ZXAB1", "admission", "approved")
        put = await outbox.put(new_order())
        self.assertEqual(put.outcome, "put")
        self.assertEqual(self.replica.ask(f"EXISTS tf:order:{put.detail}"), ":1\r\n")
        self.stand_still()
        self.patch(client_module, "CHECK_EVERY", 10**9)
        said = await self.fails(Deferred.fromCoroutine(outbox.put(new_order())), StoreUnavailable)
        self.assertIn("0 of 1 replicas", said)
        self.tell("CONFIG RESETSTAT")
        await self.fails(Deferred.fromCoroutine(outbox.put(new_order())), StoreUnavailable)
        self.assertEqual(await self.calls(client, "evalsha"), 0, "what is known to be refused is not put")

    async def test_archiving(self) -> None:
        """Nothing is archived that a failover could lose: it would come again as new."""
        client = await self.begin()
        archived = Archived(client, ArchiveSettings(), "holder")
        await self.punches.append("T1", 1, [record("T1", 1)], [])
        self.assertEqual(len(await archived.batch("0-0", 10)), 1)
        self.stand_still()
        await self.fails(Deferred.fromCoroutine(archived.batch("0-0", 10)), StoreUnavailable)

    async def test_scripts_forgotten(self) -> None:
        """A store that has forgotten the scripts gets them again."""
        await self.begin()
        self.tell("SCRIPT FLUSH")
        self.assertEqual(await self.punches.append("T1", 1, [record("T1", 1)], []), Kept(1, 0, 0))

    async def test_hanging(self) -> None:
        """A primary that stands still ends the call at its deadline."""
        await self.begin()
        self.store.pause()
        self.addCleanup(self.store.go_on)
        await self.fails(self.punches.append("T1", 1, [record("T1", 1)], []), StoreUnavailable)

    async def test_local(self) -> None:
        """Without the setting nobody waits for a replica, and no connections are made for it."""
        await self.begin()
        client = await self.connect()
        self.assertIsNone(client._promised)
        self.tell("CONFIG RESETSTAT")
        await Punches(reactor, client, PunchSettings()).append("T1", 1, [record("T1", 1)], [])
        self.assertEqual(await self.calls(client, "wait"), 0)


async def _kept(client: Client, number: int) -> object:
    return await client.keep("leases", ["tf:t"], [str(number)])


class StartTests(PromisedCase):
    """Stores that can't do it."""

    async def refused(self, **settings: object) -> str:
        """Why the start was refused."""
        self.patch(client_module, "START_SECONDS", 1.0)
        settings = {"acknowledge": Acknowledge.REPLICA, **settings}
        return await self.fails(self.new_client(**settings).start(), StartError)

    async def test_too_few(self) -> None:
        """More replicas than there are refuse the start, with both numbers."""
        await until(lambda: "state=online" in self.store.ask("INFO replication"), "the replica follows")
        self.assertIn("asks for 2 replicas that keep up, and the store has 1", await self.refused(replicas=2))

    async def test_without_the_command(self) -> None:
        """A store that refuses WAIT is refused, and the command named."""
        self.tell("ACL SETUSER default -wait")
        self.assertIn("WAIT", await self.refused())

    async def test_lost_and_found(self) -> None:
        """Readiness ends with the replica, and comes back with it."""
        self.patch(client_module, "CHECK_EVERY", 1)
        client = await self.begin()
        self.replica.kill()
        await until(lambda: not client.ready, "it was noticed")
        self.assertIn("the store has 0", client.problem)
        self.replica.start()
        await self.back(client)
