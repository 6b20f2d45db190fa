"""Errands: one process at a time, followed when it dies, nothing forgotten."""

from __future__ import annotations

from unittest import mock

from twisted.internet import defer

from tests.store.arrivals import arrival
from tests.store.connected import StoreCase, until
from tfserver.config import Admission
from tfserver.store import errands as errands_module
from tfserver.store.errands import Errands
from tfserver.store.terminals import Terminals


class ErrandTests(StoreCase):
    """Two processes on one store."""

    async def begin(self) -> None:
        """Two faces of the same errands."""
        self.client = await self.connect()
        self.one = Errands(self.client, "walk")
        self.other = Errands(await self.connect(), "walk")

    async def test_one_at_a_time(self) -> None:
        """What one has taken is not given to another; each kind has its own."""
        await self.begin()
        await self.one.add("a", "b", "c")
        self.assertEqual((await self.one.claim("one", 2))[0], ["a", "b"])
        self.assertEqual((await self.other.claim("other", 2))[0], ["c"])
        self.assertEqual((await self.other.claim("other", 2))[0], [])
        self.assertEqual((await Errands(self.client, "run").claim("other", 2))[0], [])

    async def test_due(self) -> None:
        """What is not due yet is not given; how long that takes is told."""
        await self.begin()
        self.assertEqual(await self.one.claim("one", 2), ([], None))
        await self.one.add("a", seconds=60)
        found, due = await self.one.claim("one", 2)
        self.assertEqual(found, [])
        self.assertTrue(due is not None and 50 < due <= 60, due)
        await self.one.add("a", seconds=500)
        found, due = await self.one.claim("one", 2)
        self.assertTrue(due is not None and due <= 60, "the earlier time stays")
        await self.one.add("a")
        self.assertEqual((await self.one.claim("one", 2))[0], ["a"])

    async def test_over(self) -> None:
        """What is over is forgotten; what is to come again does."""
        await self.begin()
        await self.one.add("a", "b")
        await self.one.claim("one", 2)
        self.assertTrue(await self.one.end("one", "a", None))
        self.assertTrue(await self.one.end("one", "b", 0))
        self.assertEqual((await self.other.claim("other", 9))[0], ["b"])
        self.assertTrue(await self.other.end("other", "b", None))
        self.assertEqual(await self.other.claim("other", 9), ([], None))
        self.assertEqual(await self.client.read("EXISTS", *self.one._names), 0, "nothing is left behind")

    async def test_wanted_again(self) -> None:
        """What is wanted while it is being done is done once more afterwards."""
        await self.begin()
        await self.one.add("a")
        await self.one.claim("one", 1)
        await self.other.add("a")
        self.assertEqual((await self.other.claim("other", 1))[0], [], "not before it is over")
        self.assertTrue(await self.one.end("one", "a", None))
        self.assertEqual((await self.other.claim("other", 1))[0], ["a"])

    async def test_taken_over(self) -> None:
        """Whose lease is over is followed by another, and ends nothing any more."""
        await self.begin()
        await self.one.add("a", "b")
        with mock.patch.object(errands_module, "LEASE_MS", 1):
            await self.one.claim("one", 2)
        taken: list[str] = []

        async def taken_over() -> bool:
            taken.extend((await self.other.claim("other", 2))[0])
            return len(taken) == 2

        await until(taken_over, "the lease ends")
        self.assertEqual(sorted(await self.one.renew("one", ["a", "b"])), ["a", "b"])
        self.assertFalse(await self.one.end("one", "a", None))
        self.assertEqual(await self.other.renew("other", ["a", "b"]), [])
        self.assertTrue(await self.other.end("other", "a", None))

    async def test_wanted_of_the_dead(self) -> None:
        """What is wanted of one that died over it is due at once when its lease is over."""
        await self.begin()
        await self.one.add("a")
        with mock.patch.object(errands_module, "LEASE_MS", 1):
            await self.one.claim("one", 1)
        await self.other.add("a")

        async def is_found() -> bool:
            return (await self.other.claim("other", 1))[0] == ["a"]

        await until(is_found, "another does it")
        self.assertTrue(await self.other.end("other", "a", None))

    async def test_removed(self) -> None:
        """What nobody wants is gone, also for whoever does it."""
        await self.begin()
        await self.one.add("a")
        await self.one.claim("one", 1)
        self.assertTrue(await self.other.remove("a"))
        self.assertEqual(await self.one.renew("one", ["a"]), ["a"])
        self.assertFalse(await self.one.end("one", "a", 0))
        self.assertEqual(await self.other.claim("other", 1), ([], None))

    async def test_awaited(self) -> None:
        """What waits for a terminal is due as soon as it registers, of every kind; once."""
        await self.begin()
        terminals = Terminals(self.client, Admission(), "p/1")
        self.assertFalse(await self.one.await_terminal("T1", "a"), "nobody knows it")
        await terminals.register(arrival("T1", approve=True), "c1")
        await terminals.beat({})
        self.assertFalse(await self.one.await_terminal("T1", "a"), "it is online")
        await terminals.release("T1", "c1")
        run = Errands(self.client, "run")
        for _ in range(2):
            self.assertTrue(await self.one.await_terminal("T1", "a"))
            self.assertTrue(await run.await_terminal("T1", "b c"))
        await self.one.add("a", seconds=500)
        await run.add("b c", seconds=500)
        self.assertEqual((await self.one.claim("one", 9))[0], [])
        await terminals.register(arrival("T1", approve=True), "c1")
        self.assertEqual((await self.one.claim("one", 9))[0], ["a"])
        self.assertEqual((await run.claim("one", 9))[0], ["b c"])
        self.assertIsNone(await self.client.read("HGET", self.client.keys.terminal("T1"), "awaited"))

    async def test_awaited_while_done(self) -> None:
        """What is being done when the terminal comes is done once more, and only then."""
        await self.begin()
        terminals = Terminals(self.client, Admission(), "p/1")
        await terminals.register(arrival("T1", approve=True), "c1")
        await terminals.release("T1", "c1")
        await self.one.add("a")
        await self.one.claim("one", 1)
        await self.one.await_terminal("T1", "a")
        await terminals.register(arrival("T1", approve=True), "c1")
        self.assertEqual((await self.other.claim("other", 1))[0], [])
        await self.one.end("one", "a", 500)
        self.assertEqual((await self.other.claim("other", 1))[0], ["a"])

    async def test_told(self) -> None:
        """Every process hears of what is due at once."""
        await self.begin()
        heard: defer.Deferred[str] = defer.Deferred()
        self.client.listen([self.client.keys.everybody], lambda _, text: heard.callback(text))

        async def is_listened() -> bool:
            found = await self.client.read("PUBSUB", "NUMSUB", self.client.keys.everybody)
            return int(found[1]) == 1

        await until(is_listened, "somebody listens")
        await self.one.add("a")
        self.assertEqual(await heard, "errand walk")
