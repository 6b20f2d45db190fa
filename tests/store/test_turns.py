"""All punches of one turn in one call: shared, split, bounded, and no poison for the neighbours."""

from __future__ import annotations

from twisted.internet import reactor
from twisted.internet.defer import gatherResults

from tests.store.connected import until
from tests.store.records import record
from tests.store.test_punches import PunchesCase
from tfserver.errors import ScriptFailed, StoreUnavailable
from tfserver.store import punches as punches_module
from tfserver.store.punches import Punches
from tfserver.store.shelf import Kept

DAYS = ("20260401", "20260402", "20260403")


class SharedTests(PunchesCase):
    """How many calls it takes."""

    async def counted(self) -> Punches:
        """Punches whose script the server knows already, and counters at zero."""
        punches = await self.punches()
        await punches.append("T0", 7, [record("T0", 1)], [])
        await self.client.write("CONFIG", "RESETSTAT")
        return punches

    async def test_one_turn_one_call(self) -> None:
        """A hundred terminals in one turn share one call of the script."""
        punches = await self.counted()
        kept = [punches.append(f"T{n}", 7, [record(f"T{n}", 2)], []) for n in range(100)]
        self.assertEqual(await gatherResults(kept), [Kept(1, 0, 0)] * 100)
        self.assertEqual(await self.calls(self.client, "evalsha"), 1)

    async def test_while_calls_are_under_way(self) -> None:
        """What comes while two calls are under way shares the next one."""
        punches = await self.counted()
        self.store.pause()
        kept = []
        for n in range(6):
            kept.append(punches.append(f"T{n}", 7, [record(f"T{n}", 2)], []))
            await _next_turn()
        self.store.go_on()
        await gatherResults(kept)
        self.assertEqual(await self.calls(self.client, "evalsha"), 3)

    async def test_large_batch_is_split(self) -> None:
        """A batch of 1200 goes in calls of at most 199 and is acknowledged once, as a whole."""
        punches = await self.counted()
        batch = [record("T1", n) for n in range(1200)]
        self.assertEqual(await punches.append("T1", 7, batch, []), Kept(1200, 0, 0))
        self.assertEqual(await self.calls(self.client, "evalsha"), 7)
        self.assertEqual((await self.feed())[1:], [r.uid for r in batch])

    async def test_many_batches_are_split(self) -> None:
        """A turn with more than 200 records goes in several calls, none of them too large."""
        punches = await self.counted()
        kept = [punches.append(f"T{n}", 7, [record(f"T{n}", m) for m in range(2, 62)], []) for n in range(12)]
        self.assertEqual(await gatherResults(kept), [Kept(60, 0, 0)] * 12)
        self.assertEqual(await self.calls(self.client, "evalsha"), 4)

    async def test_full_calls_do_not_wait(self) -> None:
        """Calls that are full go at once, eight of them; the store confirms all together."""
        punches = await self.counted()
        self.store.pause()
        kept = [
            punches.append(f"T{n}", 7, [record(f"T{n}", m) for m in range(2, 152)], []) for n in range(12)
        ]
        await _next_turn()
        self.assertEqual((punches._calls, len(punches._waiting)), (8, 4))
        self.store.go_on()
        self.assertEqual(await gatherResults(kept), [Kept(150, 0, 0)] * 12)

    async def test_no_part_no_acknowledgement(self) -> None:
        """When one part of a split batch fails, the batch fails; sent again it is whole and not doubled."""
        punches = await self.counted()
        batch = [record("T1", n, day=DAYS[n // 450]) for n in range(1200)]
        await self.client.write("SET", f"tf:known:T1:{DAYS[2]}", "not a set")
        await self.fails(punches.append("T1", 7, batch, []), ScriptFailed)
        await self.client.write("DEL", f"tf:known:T1:{DAYS[2]}")
        again = await punches.append("T1", 7, batch, [])
        self.assertEqual(again.new + again.known, 1200)
        self.assertEqual(sorted((await self.feed())[1:]), sorted(r.uid for r in batch))


class PoisonTests(PunchesCase):
    """A batch that the script can't take."""

    async def test_fails_alone(self) -> None:
        """One poisoned batch fails; the others of its turn are kept once and acknowledged."""
        punches = await self.punches()
        await self.client.write("SET", "tf:known:T2:20260402", "not a set")
        kept = [punches.append(f"T{n}", 7, [record(f"T{n}", m) for m in range(3)], []) for n in range(5)]
        poisoned = kept.pop(2)
        self.assertIn("WRONGTYPE", await self.fails(poisoned, ScriptFailed))
        for batch in await gatherResults(kept):
            self.assertEqual(batch.new + batch.known, 3)
        expected = [record(f"T{n}", m).uid for n in (0, 1, 3, 4) for m in range(3)]
        self.assertEqual(sorted(await self.feed()), sorted(expected))

    async def test_later_turns_go_on(self) -> None:
        """A poisoned batch does not stop what comes after it, nor its own terminal's other days."""
        punches = await self.punches()
        await self.client.write("SET", "tf:known:T2:20260402", "not a set")
        await self.fails(punches.append("T2", 7, [record("T2", 1)], []), ScriptFailed)
        self.assertEqual(
            await punches.append("T2", 7, [record("T2", 1, "2026-04-03 08:00:00")], []), Kept(1, 0, 0)
        )

    async def test_poison_behind_the_stream(self) -> None:
        """A batch that fails after its punches entered the stream is not acknowledged and not doubled."""
        punches = await self.punches()
        await self.client.write("SET", "tf:sighted:T2:20260402", "not a set")
        for _ in range(3):
            await self.fails(punches.append("T2", 7, [record("T2", 1, logindex=7)], []), ScriptFailed)
        await self.client.write("DEL", "tf:sighted:T2:20260402")
        self.assertEqual(await punches.append("T2", 7, [record("T2", 1, logindex=7)], []), Kept(0, 1, 0))
        self.assertEqual(await self.feed(), [record("T2", 1).uid])


class BoundTests(PunchesCase):
    """Nothing queues without a bound."""

    async def test_too_many_waiting(self) -> None:
        """Beyond the bound a batch is refused in the same turn, and later ones are taken again."""
        self.patch(punches_module, "MOST_WAITING", 50)
        punches = await self.punches()
        taken = [punches.append(f"T{n}", 7, [record(f"T{n}", m) for m in range(9)], []) for n in range(5)]
        refused = punches.append("T9", 7, [record("T9", 1)], [])
        self.assertIn("waiting", str(self.failureResultOf(refused, StoreUnavailable).value))
        self.assertEqual(await gatherResults(taken), [Kept(9, 0, 0)] * 5)
        self.assertEqual(await punches.append("T9", 7, [record("T9", 1)], []), Kept(1, 0, 0))

    async def test_stalled_store(self) -> None:
        """When the store stands still, all that waits fails with it, and nothing is left to be sent."""
        self.client = await self.connect(write_seconds=0.3)
        punches = Punches(self.client._reactor, self.client, punches_module.PunchSettings())
        await punches.append("T0", 7, [record("T0", 1)], [])
        self.store.pause()
        calls = []
        for n in range(1, 9):
            calls.append(punches.append(f"T{n}", 7, [record(f"T{n}", 1)], []))
            await _next_turn()
        for call in calls:
            await self.fails(call, StoreUnavailable)
        self.store.go_on()
        await self.back(self.client)
        under_way = [record(f"T{n}", 1).uid for n in range(punches_module.FEW_CALLS + 1)]
        self.assertEqual(await self.feed(), under_way, "only what was under way came late")

    async def test_caller_gives_up(self) -> None:
        """A caller that cancels its batch disturbs no other batch."""
        punches = await self.punches()
        gone, other = (punches.append(f"T{n}", 7, [record(f"T{n}", 1)], []) for n in range(2))
        gone.addErrback(lambda _: None)
        gone.cancel()
        self.assertEqual(await other, Kept(1, 0, 0))
        self.assertEqual(await punches.append("T3", 7, [record("T3", 1)], []), Kept(1, 0, 0))

    async def test_empty_batch(self) -> None:
        """A batch without records is acknowledged."""
        self.assertEqual(await (await self.punches()).append("T1", 7, [], []), Kept(0, 0, 0))


async def _next_turn() -> None:
    passed: list[bool] = []
    reactor.callLater(0, passed.append, True)  # type: ignore[attr-defined]
    await until(lambda: bool(passed), "a turn has passed")
