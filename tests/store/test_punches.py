"""Punches: kept in order, once, and for good before they are acknowledged."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.threads import blockingCallFromThread, deferToThread

from tests.store.connected import StoreCase, pairs
from tests.store.records import record
from tfserver.config import Punches as PunchSettings
from tfserver.errors import StoreUnavailable
from tfserver.store.client import Client
from tfserver.store.punches import Punches
from tfserver.store.shelf import Bad, Kept, Record, Shelf

BATCHES = st.lists(
    st.tuples(
        st.sampled_from(["T1", "t2"]), st.lists(st.integers(1, 12), min_size=1, max_size=8), st.booleans()
    ),
    min_size=1,
    max_size=8,
)


class PunchesCase(StoreCase):
    """Punches of one process, and more on demand."""

    async def sizes(self) -> tuple[int, int]:
        """How many punches the stream holds, and how many records the quarantine."""
        return await self.client.read("XLEN", "tf:punches"), await self.client.read("XLEN", "tf:quarantine")

    async def punches(self, **more: int) -> Punches:
        """The punches of a new process."""
        self.client = await self.connect()
        return Punches(reactor, self.client, PunchSettings(**more))

    def keep(
        self, punches: Punches, shelf: Shelf, records: list[Record], bad: list[Bad], logindex: int | None = 7
    ) -> Deferred[Kept]:
        """Keep records on a shelf; whoever is told twice fails."""
        kept: Deferred[Kept] = Deferred()

        def done(told: Kept | Exception) -> None:
            if isinstance(told, Exception):
                kept.errback(told)
            else:
                kept.callback(told)

        punches.keep(shelf, logindex, records, bad, done)
        return kept

    async def feed(self, client: Client | None = None) -> list[str]:
        """All uids in the stream, in its order."""
        found = await (client or self.client).read("XRANGE", "tf:punches", "-", "+")
        return [msgspec.json.decode(pairs(entry)["p"])["uid"] for _, entry in found]


class OrderTests(PunchesCase):
    """What stands in the stream."""

    async def test_entries(self) -> None:
        """Each punch is one entry with the version and its JSON, in the order it came."""
        punches = await self.punches()
        batch = [record("T1", n) for n in range(5)]
        self.assertEqual(await punches.append("T1", 7, batch, []), Kept(5, 0, 0))
        found = await self.client.read("XRANGE", "tf:punches", "-", "+")
        self.assertEqual(
            [pairs(entry) for _, entry in found], [{"v": "1", "p": r.body.decode()} for r in batch]
        )

    async def test_order_of_calls(self) -> None:
        """Batches of one turn and of many stand in the order of their calls."""
        punches = await self.punches()
        sent = [[record(f"T{n}", m) for m in range(3)] for n in range(6)]
        for turn in (sent[:4], sent[4:]):
            await gatherResults([punches.append(f"T{sent.index(b)}", None, b, []) for b in turn])
        self.assertEqual(await self.feed(), [r.uid for batch in sent for r in batch])

    async def test_last_punch(self) -> None:
        """The time of the last new punch is kept for each terminal, not that of repeats."""
        punches = await self.punches()
        await punches.append("t1", 1, [record("t1", 1)], [])
        first = await self.client.read("ZSCORE", "tf:punched", "T1")
        self.assertLess(abs(float(first) / 1000 - reactor.seconds()), 60)  # type: ignore[attr-defined]
        await self.client.write("ZADD", "tf:punched", 5, "T1")
        await punches.append("t1", 1, [record("t1", 1)], [])
        self.assertEqual(await self.client.read("ZSCORE", "tf:punched", "T1"), "5")

    async def test_text_in_any_script(self) -> None:
        """The JSON of a punch comes back byte for byte."""
        punches = await self.punches()
        body = '{"uid":"x","extra":{"name":"Zoë 张伟 😀\\u0000","n":"0012"}}'
        punch = record("T1", 1)
        punch.body = body.encode()
        await punches.append("T1", 1, [punch], [])
        [(_, fields)] = await self.client.read("XRANGE", "tf:punches", "-", "+")
        self.assertEqual(fields, ["v", "1", "p", body])


class OnceTests(PunchesCase):
    """The same punch again."""

    async def test_in_one_batch(self) -> None:
        """A punch twice in one batch is kept once."""
        punches = await self.punches()
        self.assertEqual(await punches.append("T1", 7, [record("T1", 1)] * 3, []), Kept(1, 2, 0))

    async def test_in_one_turn(self) -> None:
        """A punch in two batches of one turn is kept once, and both are acknowledged."""
        punches = await self.punches()
        both = [punches.append("T1", 7, [record("T1", 1)], []) for _ in range(2)]
        self.assertEqual(await gatherResults(both), [Kept(1, 0, 0), Kept(0, 1, 0)])
        self.assertEqual(len(await self.feed()), 1)

    async def test_in_another_call(self) -> None:
        """A batch sent again is known, whatever the case of the serial number."""
        punches = await self.punches()
        batch = [record("zxab1", n) for n in range(4)]
        await punches.append("zxab1", 7, batch, [])
        self.assertEqual(await punches.append(" ZXAB1 ", 7, batch, []), Kept(0, 4, 0))

    async def test_from_another_process(self) -> None:
        """Two processes that get the same batch at once keep it once between them."""
        one, other = await self.punches(), await self.punches()
        batch = [record("T1", n) for n in range(50)]
        kept = await gatherResults([p.append("T1", 7, batch, []) for p in (one, other, one, other)])
        self.assertEqual(sum(k.new for k in kept), 50)
        self.assertEqual(sum(k.known for k in kept), 150)
        self.assertEqual(sorted(await self.feed()), sorted(r.uid for r in batch))

    async def test_other_terminal(self) -> None:
        """The same person at the same time at another terminal is another punch."""
        punches = await self.punches()
        await punches.append("T1", 7, [record("T1", 1)], [])
        self.assertEqual(await punches.append("T2", 7, [record("T2", 1)], []), Kept(1, 0, 0))

    async def test_close_identities(self) -> None:
        """Identities that differ in the last of their 64 bits are different punches."""
        punches = await self.punches()
        largest = [record("T1", n) for n in range(3)]
        for punch, member in zip(largest, (2**63 - 1, 2**63 - 2, -(2**63)), strict=True):
            punch.member = member
        self.assertEqual(await punches.append("T1", 7, largest, []), Kept(3, 0, 0))
        self.assertEqual(await punches.append("T1", 7, largest, []), Kept(0, 3, 0))
        self.assertEqual(await self.client.read("OBJECT", "ENCODING", "tf:known:T1:20260402"), "intset")


class DurableTests(PunchesCase):
    """What was acknowledged survives."""

    async def test_kill(self) -> None:
        """A kill -9 right after the acknowledgement loses nothing, and repeats stay known."""
        punches = await self.punches()
        sent: list[Record] = []
        for n in range(20):
            batch = [record("T1", n * 100 + m) for m in range(10)]
            await punches.append("T1", n, batch, [])
            sent += batch
        self.store.kill()
        self.store.start()
        after = await self.punches()
        self.assertEqual(await self.feed(), [r.uid for r in sent])
        self.assertEqual(await after.append("T1", 3, sent[-10:], []), Kept(0, 10, 0))

    async def test_kill_during_the_calls(self) -> None:
        """Whatever a kill -9 interrupts: the acknowledged is there, and a second try makes no double."""
        punches = await self.punches()
        sent = [[record("T1", n * 100 + m) for m in range(100)] for n in range(60)]
        acknowledged: list[str] = []
        calls = []
        for batch in sent:
            call = punches.append("T1", None, batch, [])
            call.addCallback(lambda _, batch=batch: acknowledged.extend(r.uid for r in batch))
            calls.append(call.addErrback(lambda failure: failure.trap(StoreUnavailable)))
        calls[9].addCallback(lambda _: self.store.kill())
        for call in calls:
            await call
        self.store.start()
        again = await self.punches()
        before = await self.feed()
        self.assertTrue(1000 <= len(acknowledged) < 6000, len(acknowledged))
        self.assertEqual(set(acknowledged) - set(before), set())
        for batch in sent:
            await again.append("T1", None, batch, [])
        self.assertEqual(await self.feed(), [r.uid for batch in sent for r in batch])

    async def test_not_ready(self) -> None:
        """Without a store a batch is refused in the same turn."""
        punches = await self.punches()
        await self.client.stop()
        self.failureResultOf(punches.append("T1", 7, [record("T1", 1)], []), StoreUnavailable)


class AnyOrderTests(PunchesCase):
    """Whatever comes in whatever order."""

    async def test_any_interleaving(self) -> None:
        """Batches with repeats from two processes, together or one after another, give each punch once."""
        both = await self.punches(), await self.punches()

        async def play(batches: list[tuple[str, list[int], bool]]) -> None:
            await self.client.write("FLUSHALL")
            shelves = {sn: [p.shelf(sn) for p in both] for sn in ("T1", "t2")}
            kept: list[Kept] = []
            calls, expected = [], set()
            for n, (sn, people, wait) in enumerate(batches):
                batch = [record(sn, one, f"2026-04-0{1 + one % 3} 08:00:00", n % 3) for one in people]
                expected |= {r.uid for r in batch}
                call = self.keep(both[n % 2], shelves[sn][n % 2], batch, [], n % 3)
                calls.append(call.addCallback(kept.append))
                if wait:
                    await calls[-1]
            await gatherResults(calls)
            self.assertEqual(sorted(await self.feed()), sorted(expected))
            self.assertEqual(sum(k.new for k in kept), len(expected))
            self.assertEqual(sum(k.new + k.known for k in kept), sum(len(p) for _, p, _ in batches))

        @settings(derandomize=True, max_examples=60, deadline=None, database=None)
        @given(BATCHES)
        def property_holds(batches: list[tuple[str, list[int], bool]]) -> None:
            blockingCallFromThread(reactor, play, batches)

        await deferToThread(property_holds)
