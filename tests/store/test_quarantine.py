"""What could not be read, what came again under another logindex, and what is kept for a while only."""

from __future__ import annotations

from twisted.internet import reactor
from twisted.internet.defer import gatherResults

from tests.store.records import record
from tests.store.test_punches import PunchesCase
from tfserver.config import Punches as PunchSettings
from tfserver.store.punches import Punches, QuarantineFull
from tfserver.store.shelf import Bad, Kept

DAY = 86_400
HOUR = 3600


def bad(count: int) -> list[Bad]:
    """Records that could not be read."""
    return [Bad("time: missing", f'{{"enrollid":{n}}}'.encode()) for n in range(count)]


class BadTests(PunchesCase):
    """Records that can't be read."""

    async def test_kept_aside(self) -> None:
        """A bad record is kept with its reason, and the good ones beside it are punches."""
        punches = await self.punches()
        raw = '{"名":"0012"}'
        kept = await punches.append("t1", 7, [record("t1", 1)], [Bad("Zoë: missing", raw.encode())])
        self.assertEqual(kept, Kept(1, 0, 0))
        [found] = await punches.quarantine("0", 10)
        found.pop("id")
        expected = {"v": "1", "kind": "record", "sn": "T1", "logindex": "7"}
        self.assertEqual(found, {**expected, "why": "Zoë: missing", "raw": raw})
        self.assertEqual(await self.sizes(), (1, 1))

    async def test_cut_in_a_letter(self) -> None:
        """A raw record that was cut in the middle of a letter can be listed as text."""
        punches = await self.punches()
        await punches.append("T1", 7, [], [Bad("too long", "é".encode()[:1])])
        [found] = await punches.quarantine("0", 10)
        self.assertIsInstance(found["raw"], str)

    async def test_pages(self) -> None:
        """The quarantine is read in pages, oldest first."""
        punches = await self.punches()
        await punches.append("T1", None, [], bad(5))
        first = await punches.quarantine("0", 3)
        rest = await punches.quarantine(first[-1]["id"], 3)
        self.assertEqual([found["raw"] for found in first + rest], [b.raw.decode() for b in bad(5)])
        self.assertEqual(first[0]["logindex"], "")

    async def test_share(self) -> None:
        """One terminal fills a quarter of the quarantine at most; the others go on, and so does it when what
        it filled was looked at."""
        punches = await self.punches(quarantine=800)
        for _ in range(2):
            await punches.append("T1", 7, [], bad(100))
        await self.fails(punches.append("T1", 8, [record("T1", 1)], bad(1)), QuarantineFull)
        self.assertEqual(await punches.append("T1", 8, [record("T1", 1)], []), Kept(1, 0, 0))
        self.assertEqual(await punches.append("T2", 8, [record("T2", 1)], bad(200)), Kept(1, 0, 0))
        found = await punches.quarantine("0", 1000)
        self.assertEqual(await punches.clear_quarantine(found[99]["id"]), 100)
        await punches.append("T1", 9, [], bad(100))
        await self.fails(punches.append("T1", 9, [], bad(1)), QuarantineFull)
        await self.fails(punches.append("T2", 9, [], bad(1)), QuarantineFull)
        self.assertEqual(await punches.clear_quarantine("9999999999999-0"), 400)
        self.assertEqual(await self.client.read("EXISTS", "tf:quarantine-shares"), 0)
        await punches.append("T1", 9, [], bad(200))

    async def test_full(self) -> None:
        """A frame whose bad records find no room is not acknowledged and nothing of it is kept."""
        punches = await self.punches(quarantine=3)
        await punches.append("T1", 7, [], bad(2))
        await self.fails(punches.append("T1", 8, [record("T1", 1)], bad(2)), QuarantineFull)
        self.assertEqual(await self.sizes(), (0, 2))
        self.assertEqual(await punches.append("T1", 8, [record("T1", 1)], bad(1)), Kept(1, 0, 0))
        self.assertEqual(await punches.append("T1", 9, [record("T1", 2)], []), Kept(1, 0, 0))

    async def test_full_for_one_of_a_turn(self) -> None:
        """In one turn a frame that finds the quarantine full disturbs neither those before nor behind it."""
        punches = await self.punches(quarantine=3)
        pictured = [record("T1", 1, picture="aGk=")]
        calls = [
            punches.append("T0", 7, [record("T0", 1)], bad(2)),
            punches.append("T1", 7, pictured, bad(2)),
            punches.append("T2", 7, [record("T2", 1)], bad(1)),
            punches.append("T3", 7, [record("T3", 1)], []),
        ]
        await self.fails(calls.pop(1), QuarantineFull)
        self.assertEqual(await gatherResults(calls), [Kept(1, 0, 0)] * 3)
        self.assertEqual(await self.feed(), [record(f"T{n}", 1).uid for n in (0, 2, 3)])
        self.assertEqual(await self.sizes(), (3, 3))

    async def test_large_frame(self) -> None:
        """A frame with more bad records than one call takes is acknowledged once all of them are kept."""
        punches = await self.punches()
        self.assertEqual(await punches.append("T1", 7, [record("T1", 1)], bad(600)), Kept(1, 0, 0))
        self.assertEqual(await self.sizes(), (1, 600))


class RepeatTests(PunchesCase):
    """The same punch under another logindex (design §2.3)."""

    async def test_same_frame_again(self) -> None:
        """A frame that is sent again as it was is no repeat, however often."""
        punches = await self.punches()
        batch = [record("T1", n, logindex=7) for n in range(3)]
        await punches.append("T1", 7, batch, [])
        for _ in range(3):
            self.assertEqual(await punches.append("T1", 7, batch, []), Kept(0, 3, 0))
        self.assertEqual(await self.sizes(), (3, 0))

    async def test_other_logindex(self) -> None:
        """Under another logindex a known punch is kept aside as a repeat, once for each logindex."""
        punches = await self.punches()
        await punches.append("T1", 7, [record("T1", 1, logindex=7)], [])
        for expected in (Kept(0, 1, 1), Kept(0, 1, 0)):
            self.assertEqual(await punches.append("T1", 8, [record("T1", 1, logindex=8)], []), expected)
        [found] = await punches.quarantine("0", 10)
        self.assertEqual((found["kind"], found["sn"], found["logindex"]), ("repeat", "T1", "8"))
        self.assertEqual(found["raw"], record("T1", 1).body.decode())
        self.assertEqual(len(await self.feed()), 1)

    async def test_without_logindex(self) -> None:
        """Terminals that send no logindex make no repeats."""
        punches = await self.punches()
        for expected in (Kept(1, 0, 0), Kept(0, 1, 0)):
            self.assertEqual(await punches.append("T1", None, [record("T1", 1)], []), expected)

    async def test_full(self) -> None:
        """A repeat that finds the quarantine full is acknowledged all the same: its punch is kept."""
        punches = await self.punches(quarantine=1)
        await punches.append("T1", 7, [record("T1", 1, logindex=7)], bad(1))
        self.assertEqual(await punches.append("T1", 8, [record("T1", 1, logindex=8)], []), Kept(0, 1, 1))
        self.assertEqual(await self.sizes(), (1, 1))

    async def test_forgotten_sightings(self) -> None:
        """When the sightings of a day have expired, nothing is called a repeat by mistake."""
        punches = await self.punches()
        await punches.append("T1", 7, [record("T1", 1, logindex=7)], [])
        await self.client.write("DEL", "tf:sighted:T1:20260402")
        self.assertEqual(await punches.append("T1", 8, [record("T1", 1, logindex=8)], []), Kept(0, 1, 0))


class LifeTests(PunchesCase):
    """What expires, and when."""

    async def test_known_punches(self) -> None:
        """A day's sets live from its last insertion: known dedupe_days, sightings three; an hour more."""
        punches = await self.punches(dedupe_days=10)
        await punches.append("T1", 7, [record("T1", 1, logindex=7)], [])
        lives = {"tf:known:T1:20260402": 10 * DAY, "tf:sighted:T1:20260402": 3 * DAY}
        for key in lives:
            await self.client.write("EXPIRE", key, 60)
        await punches.append("T1", 7, [record("T1", 1, logindex=7)], [])
        for key in lives:
            self.assertLessEqual(await self.client.read("TTL", key), 60, "a repeat prolongs nothing")
        await punches.append("T1", 8, [record("T1", 2, logindex=8)], [])
        for key, life in lives.items():
            self.assertTrue(life + HOUR - 60 < await self.client.read("TTL", key) <= life + HOUR, key)

    async def test_pictures(self) -> None:
        """A picture stands sealed under its own key for image_hours, and not in the stream."""
        self.client = await self.connect()
        told = PunchSettings(image_hours=5)
        punches = Punches(reactor, self.client, told, seal=lambda uid, picture: f"{uid}:{picture[::-1]}")
        batch = [record("T1", 1, picture="cGljdHVyZQ=="), record("T1", 2), record("T1", 3, picture="aGk=")]
        self.assertEqual(await punches.append("T1", 7, batch, []), Kept(3, 0, 0))
        for kept in (batch[0], batch[2]):
            key = f"tf:image:{kept.uid}"
            self.assertEqual(await self.client.read("GET", key), f"{kept.uid}:{kept.picture[::-1]}")
            self.assertTrue(5 * 3600 - 60 < await self.client.read("TTL", key) <= 5 * 3600)
        self.assertEqual(await self.client.read("EXISTS", f"tf:image:{batch[1].uid}"), 0)
        self.assertNotIn("cGljdHVyZQ", str(await self.client.read("XRANGE", "tf:punches", "-", "+")))
