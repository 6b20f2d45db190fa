"""What the store tells of itself, on a real one."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.store.arrivals import TerminalsCase
from tests.store.connected import until
from tfserver.config import Store as StoreSettings
from tfserver.errors import StoreUnavailable
from tfserver.store.headcount import Headcount, Own
from tfserver.store.vitals import Vitals, measured


class VitalsTests(TerminalsCase):
    """A store and the processes that live by it."""

    async def test_store(self) -> None:
        """An answer to what people ask first: where, which, how durable, how full."""
        client = await self.connect()
        found = await Vitals(client, StoreSettings()).store()
        self.assertEqual((found.problem, found.durability, found.wanted), ("", "always", "always"))
        self.assertEqual(found.generation, client.generation)
        assert found.measured is not None
        self.assertGreater(found.measured.memory, 0)
        self.assertEqual((found.measured.has_file, found.measured.file_problem), (True, ""))
        self.assertGreaterEqual(found.measured.clients, 3)

    async def test_password(self) -> None:
        """The address is without a password."""
        client = self.new_client("redis://ana:s3cret@127.0.0.1:1")
        found = await Vitals(client, StoreSettings()).store()
        self.assertEqual(found.address, "redis://ana@127.0.0.1:1")

    async def test_away(self) -> None:
        """Of a store that is gone there is what was known, and why."""
        client = await self.connect()
        self.store.kill()
        await until(lambda: not client.ready, "the client knows")
        found = await Vitals(client, StoreSettings()).store()
        self.assertIsNone(found.measured)
        self.assertTrue(found.problem)
        self.assertEqual(found.durability, "always")
        await self.fails(Vitals(client, StoreSettings()).beats(), StoreUnavailable)

    async def test_beats(self) -> None:
        """Processes by their heartbeats, with their terminals; one that is gone without a word too."""
        client = await self.connect()
        vitals = Vitals(client, StoreSettings())
        self.assertEqual(await vitals.beats(), [])
        terminals = await self.terminals("two/2")
        await terminals.beat({})
        await client.write("SADD", client.keys.owners, "one/1")
        await Headcount(client, "two/2").tell(Own(7, 0, 0))
        gone, here = await vitals.beats()
        self.assertEqual((gone.owner, gone.age_ms, gone.terminals), ("one/1", None, None))
        self.assertEqual((here.owner, here.terminals), ("two/2", 7))
        await client.write("PEXPIRE", client.keys.alive("two/2"), 9000)
        age = (await vitals.beats())[1].age_ms
        assert age is not None
        self.assertIn(age, range(6000, 15_000))


class MeasuredTests(SynchronousTestCase):
    """What an answer to INFO means."""

    def test_file(self) -> None:
        """A file that can't be written is told, whichever way it failed."""
        for name in ("aof_last_write_status", "aof_last_bgrewrite_status"):
            found = measured({"aof_enabled": "1", name: "err"})
            self.assertEqual((found.has_file, found.file_problem), (True, f"{name}: err"))

    def test_nothing(self) -> None:
        """A store that tells nothing tells no number of replicas either."""
        found = measured({})
        self.assertEqual((found.memory, found.has_file, found.replicas), (0, False, None))
