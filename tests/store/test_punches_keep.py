"""Punches on a shelf: who is told what, frames of every shape, and lives that are not prolonged each time."""

from __future__ import annotations

from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import gatherResults

from tests.store.connected import until
from tests.store.records import record
from tests.store.test_punches import PunchesCase
from tfserver.config import Punches as PunchSettings
from tfserver.errors import ScriptFailed, StoreUnavailable
from tfserver.store import punches as punches_module
from tfserver.store import shelf as shelf_module
from tfserver.store.punches import Punches, QuarantineFull
from tfserver.store.shelf import Bad, Done, Kept, Record

DAY = 86_400
HOUR = 3600
KNOWN = "tf:known:T1:20260402"
SIGHTED = "tf:sighted:T1:20260402"
LIVES = {KNOWN: 10 * DAY + HOUR, SIGHTED: 3 * DAY + HOUR}


class Told(list[Kept | Exception]):
    """What a caller was told, again and again if need be."""

    async def once(self) -> Kept | Exception:
        """The only thing it was told, also some turns later."""
        await until(lambda: len(self) > 0, "the caller is told")
        rest: list[bool] = []
        reactor.callLater(0.05, rest.append, True)  # type: ignore[attr-defined]
        await until(lambda: bool(rest), "there was time for more")
        [kept] = self
        return kept


class Later:
    """A reactor whose clock a test can set ahead."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self.callLater: Any = reactor.callLater  # type: ignore[attr-defined]

    def seconds(self) -> float:
        """The time that it is there."""
        found: float = reactor.seconds()  # type: ignore[attr-defined]
        return found + self.ahead


class ToldTests(PunchesCase):
    """Every caller is told exactly once."""

    async def told(self, punches: Punches, records: list[Record], bad: list[Bad]) -> Kept | Exception:
        """What the caller of one batch of T1 is told."""
        told = Told()
        punches.keep(punches.shelf("T1"), 7, records, bad, told.append)
        return await told.once()

    async def test_kept(self) -> None:
        """Of a batch that was kept, and of one in several parts as a whole."""
        punches = await self.punches()
        self.assertEqual(await self.told(punches, [record("T1", 1)], []), Kept(1, 0, 0))
        self.assertEqual(await self.told(punches, [], []), Kept(0, 0, 0))
        many = [record("T1", n) for n in range(1200)]
        self.assertEqual(await self.told(punches, many, []), Kept(1199, 1, 0))

    async def test_refused_at_once(self) -> None:
        """Without a store, and with too much waiting, before the call returns."""
        punches = await self.punches()
        self.patch(punches_module, "MOST_WAITING", 2)
        waiting, refused, away = Told(), Told(), Told()
        punches.keep(punches.shelf("T1"), 7, [record("T1", 1)], [], waiting.append)
        punches.keep(punches.shelf("T1"), 7, [record("T1", 2)], [], refused.append)
        self.assertIsInstance(refused[0], StoreUnavailable)
        self.assertEqual(await waiting.once(), Kept(1, 0, 0))
        await self.client.stop()
        punches.keep(punches.shelf("T1"), 7, [record("T1", 3)], [], away.append)
        self.assertIsInstance(away[0], StoreUnavailable)
        self.assertIsInstance(await refused.once(), StoreUnavailable)
        self.assertIsInstance(await away.once(), StoreUnavailable)

    async def test_failures(self) -> None:
        """When the quarantine is full, when the script fails for all of it or for one part."""
        punches = await self.punches(quarantine=1)
        self.assertIsInstance(await self.told(punches, [], [Bad("why", b"raw")] * 2), QuarantineFull)
        await self.client.write("SET", KNOWN, "not a set")
        self.assertIsInstance(await self.told(punches, [record("T1", 1)], []), ScriptFailed)
        days = [record("T1", n, day="20260401" if n < 600 else "20260402") for n in range(700)]
        self.assertIsInstance(await self.told(punches, days, []), ScriptFailed)

    async def test_no_answer(self) -> None:
        """When the store stands still, those of the call under way and those behind it."""
        self.client = await self.connect(write_seconds=0.3)
        punches = Punches(reactor, self.client, PunchSettings())
        self.store.pause()
        all_told = [Told() for _ in range(5)]
        for n, told in enumerate(all_told):
            punches.keep(punches.shelf(f"T{n}"), 7, [record(f"T{n}", 1)], [], told.append)
            if n % 2:
                await until(lambda: not punches._scheduled, "the call is made")
        for told in all_told:
            self.assertIsInstance(await told.once(), StoreUnavailable)
        self.store.go_on()

    async def test_what_can_not_be_sent(self) -> None:
        """A record that can't be written to a connection fails its own batch and no other."""
        punches = await self.punches()
        odd, other = record("T1", 1), record("T2", 1)
        odd.time = "\ud800"
        told = Told(), Told()
        punches.keep(punches.shelf("T1"), 7, [odd], [], told[0].append)
        punches.keep(punches.shelf("T2"), 7, [other], [], told[1].append)
        self.assertIsInstance(await told[0].once(), UnicodeError)
        self.assertEqual(await told[1].once(), Kept(1, 0, 0))

    async def test_caller_that_raises(self) -> None:
        """One that fails when it is told keeps no other from being told, and the failure is logged."""
        punches = await self.punches()

        def fail(_: Kept | Exception) -> None:
            raise ZeroDivisionError

        told = Told()
        all_done: list[Done] = [fail, told.append, fail]
        for n, done in enumerate(all_done):
            punches.keep(punches.shelf(f"T{n}"), 7, [record(f"T{n}", 1)], [], done)
        self.assertEqual(await told.once(), Kept(1, 0, 0))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 2)
        await self.client.stop()
        punches.keep(punches.shelf("T1"), 7, [record("T1", 2)], [], fail)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)


class ShapeTests(PunchesCase):
    """Frames of one record and of many, of one day and of several."""

    async def test_twice_in_one_frame(self) -> None:
        """A punch that stands twice in a frame among others is kept once, where it stood first."""
        punches = await self.punches()
        a, b, c = (record("T1", n, logindex=7) for n in range(3))
        self.assertEqual(await punches.append("T1", 7, [a, b, a, c, b], []), Kept(3, 2, 0))
        self.assertEqual(await self.feed(), [a.uid, b.uid, c.uid])
        self.assertEqual(await self.client.read("SCARD", SIGHTED), 3)

    async def test_days_in_one_frame(self) -> None:
        """Each punch is known under its own day, and the order of the frame is that of the stream."""
        punches = await self.punches()
        days = ("20260402", "20260403", "20260403", "20260402", "20260401")
        batch = [record("T1", n, logindex=7, day=day) for n, day in enumerate(days)]
        self.assertEqual(await punches.append("T1", 7, batch, []), Kept(5, 0, 0))
        self.assertEqual(await self.feed(), [r.uid for r in batch])
        for day in set(days):
            for kind, value in (("known", "member"), ("sighted", "sighting")):
                found = await self.client.read("SMEMBERS", f"tf:{kind}:T1:{day}")
                expected = {str(getattr(r, value)) for r in batch if r.day == day}
                self.assertEqual(set(found), expected)
        self.assertEqual(await punches.append("T1", 7, batch, []), Kept(0, 5, 0))

    async def test_some_known(self) -> None:
        """Known ones among new ones are dropped, and are repeats under another logindex."""
        punches = await self.punches()
        await punches.append("T1", 7, [record("T1", n, logindex=7) for n in (1, 3)], [])
        again = [record("T1", n, logindex=8) for n in range(5)]
        self.assertEqual(await punches.append("T1", 8, again, []), Kept(3, 2, 2))
        self.assertEqual(await self.feed(), [record("T1", n).uid for n in (1, 3, 0, 2, 4)])
        self.assertEqual([found["logindex"] for found in await punches.quarantine("0", 9)], ["8", "8"])
        self.assertEqual(await punches.append("T1", 8, again, []), Kept(0, 5, 0))

    async def test_with_and_without_sighting(self) -> None:
        """Records that tell no logindex among others that do are kept as well, in their order."""
        punches = await self.punches()
        batch = [record("T1", n, logindex=7 if n % 2 else None) for n in range(4)]
        self.assertEqual(await punches.append("T1", 7, batch, []), Kept(4, 0, 0))
        self.assertEqual(await self.feed(), [r.uid for r in batch])
        self.assertEqual(await self.client.read("SCARD", SIGHTED), 2)

    async def test_poison_behind_the_stream(self) -> None:
        """A frame of many that fails after its punches entered the stream does not enter it again."""
        punches = await self.punches()
        await self.client.write("SET", SIGHTED, "not a set")
        batch = [record("T1", n, logindex=7) for n in range(4)]
        await self.fails(punches.append("T1", 7, batch[:2], []), ScriptFailed)
        for _ in range(2):
            await self.fails(punches.append("T1", 7, batch, []), ScriptFailed)
        self.assertEqual(await self.feed(), [r.uid for r in batch])

    async def test_lone_records(self) -> None:
        """A terminal's later single records: new, known, a repeat, and its clock that stands still."""
        punches = await self.punches()
        shelf = punches.shelf("t1")
        await self.client.write("HSET", "tf:terminal:T1", "admission", "approved")
        await self.keep(punches, shelf, [record("T1", 1, logindex=7)], [])
        await self.client.write("ZADD", "tf:punched", 5, "T1")
        for expected in (Kept(1, 0, 0), Kept(0, 1, 0)):
            again = record("T1", 2, logindex=8)
            self.assertEqual(await self.keep(punches, shelf, [again], [], 8), expected)
            self.assertGreater(float(await self.client.read("ZSCORE", "tf:punched", "T1")), 5)
        await self.client.write("ZADD", "tf:punched", 5, "T1")
        for logindex in (9, 10, 11):
            again = record("T1", 2, logindex=logindex)
            for expected in (Kept(0, 1, 1), Kept(0, 1, 0)):
                self.assertEqual(await self.keep(punches, shelf, [again], [], logindex), expected)
        found = await punches.quarantine("0", 9)
        self.assertEqual([(f["sn"], f["logindex"]) for f in found], [("T1", n) for n in ("9", "10", "11")])
        self.assertEqual(await self.client.read("HGET", "tf:terminal:T1", "clock_state"), "suspect")
        self.assertEqual(await self.client.read("ZSCORE", "tf:punched", "T1"), "5")
        self.assertEqual(await self.feed(), [record("T1", n).uid for n in (1, 2)])

    async def test_shapes_in_one_turn(self) -> None:
        """Each frame of a turn gets its own answer, whatever stands before it."""
        punches = await self.punches(quarantine=2)
        shelves = [punches.shelf(f"T{n}") for n in range(6)]
        for n in (1, 4):
            await self.keep(punches, shelves[n], [record(f"T{n}", 1)], [])
        calls = [
            self.keep(punches, shelves[n], [record(f"T{n}", m, picture=picture) for m in people], bad)
            for n, people, bad, picture in (
                (0, [1, 2, 3], [], ""),
                (1, [1], [], ""),
                (2, [1, 1], [Bad("why", b"raw")] * 3, "aGk="),
                (3, [], [Bad("why", b"raw")], ""),
                (4, [2], [], ""),
                (5, [1, 1], [Bad("why", b"raw")], "aGk="),
            )
        ]
        await self.fails(calls.pop(2), QuarantineFull)
        expected = [Kept(3, 0, 0), Kept(0, 1, 0), Kept(0, 0, 0), Kept(1, 0, 0), Kept(1, 1, 0)]
        self.assertEqual(await gatherResults(calls), expected)


class TouchTests(PunchesCase):
    """When the lives of a day's sets begin anew."""

    async def setting(self) -> None:
        """A terminal's shelf in a process with a clock of its own."""
        self.client = await self.connect()
        self.later = Later()
        self.among = Punches(self.later, self.client, PunchSettings(dedupe_days=10))
        self.shelf = self.among.shelf("T1")
        self.people = 0

    async def punch(self, count: int = 1, logindex: int | None = 7) -> None:
        """New punches."""
        batch = [record("T1", self.people + n, logindex=logindex) for n in range(count)]
        self.people += count
        kept = await self.keep(self.among, self.shelf, batch, [], logindex)
        self.assertEqual(kept, Kept(count, 0, 0))

    async def shorten(self) -> None:
        """Let all lives end in a minute."""
        for key in LIVES:
            await self.client.write("EXPIRE", key, 60)

    async def touched(self, key: str = KNOWN) -> bool:
        """Whether a life began anew since it was shortened."""
        seconds = await self.client.read("TTL", key)
        if seconds > 60:
            self.assertTrue(LIVES[key] - 60 < seconds <= LIVES[key], (key, seconds))
        else:
            self.assertGreater(seconds, 0, "it has no end")
        return bool(seconds > 60)

    async def test_once_an_hour(self) -> None:
        """With the first punch and after an hour, not in between; lives are an hour longer for that."""
        await self.setting()
        for ahead, expected in (
            (0, True),
            (10, False),
            (HOUR - 10, False),
            (HOUR + 1, True),
            (HOUR + 9, False),
        ):
            self.later.ahead = ahead
            for count in (1, 3):
                await self.punch(count)
                for key in LIVES:
                    self.assertIs(await self.touched(key), expected, (ahead, count, key))
                await self.shorten()
                expected = False

    async def test_clock_set_back(self) -> None:
        """A clock that was set back does not keep a life from beginning anew."""
        await self.setting()
        await self.punch()
        await self.shorten()
        self.later.ahead = -10 * DAY
        await self.punch()
        self.assertTrue(await self.touched())

    async def test_sightings_later(self) -> None:
        """Sightings that begin after the known punches of their day have an end as well."""
        await self.setting()
        await self.punch(logindex=None)
        await self.punch()
        self.assertTrue(await self.touched(SIGHTED))

    async def test_known_first(self) -> None:
        """A frame with nothing new, or with something known, does not count as a touch."""
        await self.setting()
        await self.among.append("T1", 7, [record("T1", 0, logindex=7)], [])
        await self.shorten()
        await self.keep(self.among, self.shelf, [record("T1", 0, logindex=7)], [])
        self.assertFalse(await self.touched())
        self.people = 1
        await self.punch()
        self.assertTrue(await self.touched())

    async def test_failed_call(self) -> None:
        """A call that failed does not count as a touch."""
        await self.setting()
        await self.client.write("SET", "tf:punches", "not a stream")
        await self.fails(self.keep(self.among, self.shelf, [record("T1", 1)], []), ScriptFailed)
        await self.client.write("DEL", "tf:punches")
        await self.punch()
        self.assertTrue(await self.touched())

    async def test_no_entry(self) -> None:
        """A record that could not enter the stream is not taken for a known one when it comes again."""
        await self.setting()
        await self.punch()
        await self.client.write("RENAME", "tf:punches", "kept")
        await self.client.write("SET", "tf:punches", "not a stream")
        new = [record("T1", 9, logindex=7)]
        await self.fails(self.keep(self.among, self.shelf, new, [], 7), ScriptFailed)
        await self.client.write("RENAME", "kept", "tf:punches")
        self.assertEqual(await self.keep(self.among, self.shelf, new, [], 7), Kept(1, 0, 0))
        self.assertEqual(await self.client.read("XLEN", "tf:punches"), 2)

    async def test_store_that_lost_them(self) -> None:
        """After a new connection the lives begin anew: what is behind it may have lost the sets."""
        await self.setting()
        await self.punch()
        await self.client.write("FLUSHALL")
        made = self.client.made
        self.store.kill()
        self.store.start()
        await until(lambda: self.client.made > made, "it is connected anew")
        await self.back(self.client)
        await self.punch()
        self.assertTrue(await self.touched())

    async def test_few_days(self) -> None:
        """A shelf remembers few days, however many a terminal sends."""
        await self.setting()
        days = [record("T1", n, day=f"202604{n:02}") for n in range(1, 29)]
        await self.keep(self.among, self.shelf, days, [])
        self.assertLessEqual(len(self.shelf._sets), shelf_module.MOST_DAYS)
        for day in days:
            self.assertGreater(await self.client.read("TTL", f"tf:known:T1:{day.day}"), DAY)
