"""The store's side of the archive: turns, places, and what may leave the stream."""

from __future__ import annotations

from tests.store.archiving import ArchivingCase
from tfserver.store.archived import Memory, Turn

HOUR_MS = 3_600_000


class TurnTests(ArchivingCase):
    """Whose turn it is."""

    async def test_one_at_a_time(self) -> None:
        """While one has the turn another does not get it, and the one may prolong it."""
        await self.begin()
        other = self.new_archived("other")
        self.assertIs((await self.archived.lease("db")).turn, Turn.YOURS)
        self.assertIs((await other.lease("db")).turn, Turn.TAKEN)
        self.assertIs((await self.archived.lease("db")).turn, Turn.YOURS)

    async def test_released(self) -> None:
        """Who lets go is followed at once; who never had the turn can't let go of it."""
        await self.begin()
        other = self.new_archived("other")
        await self.archived.lease("db")
        await other.release()
        self.assertIs((await other.lease("db")).turn, Turn.TAKEN)
        await self.archived.release()
        self.assertIs((await other.lease("db")).turn, Turn.YOURS)
        self.assertFalse(await self.archived.advance("5-0", 1))

    async def test_dead(self) -> None:
        """The turn of a dead process ends by the store's clock, and it can't advance any more."""
        await self.begin()
        other = self.new_archived("other")
        await self.archived.lease("db")
        now = (await self.archived.look()).now_ms
        await self.client.write("HSET", "tf:archived", "until", now - 1)
        self.assertIs((await other.lease("db")).turn, Turn.YOURS)
        self.assertFalse(await self.archived.advance("5-0", 1))
        self.assertIsNone(await self.archived.trim())
        self.assertTrue(await other.advance("5-0", 1))

    async def test_clock_set_back(self) -> None:
        """A turn that ends later than any turn can was given before the store's clock went back."""
        await self.begin()
        other = self.new_archived("other")
        await self.archived.lease("db")
        now = (await self.archived.look()).now_ms
        await self.client.write("HSET", "tf:archived", "until", now + HOUR_MS)
        self.assertIs((await other.lease("db")).turn, Turn.YOURS)
        self.assertFalse(await self.archived.advance("5-0", 1))

    async def test_another_archive(self) -> None:
        """The database that came first takes the punches of a store; another is told, also afterwards."""
        await self.begin()
        await self.archived.lease("db")
        await self.archived.release()
        self.assertIs((await self.new_archived("other").lease("db2")).turn, Turn.OTHER)
        self.assertEqual((await self.archived.look()).archive, "db")


class TrimTests(ArchivingCase):
    """What leaves the stream."""

    async def test_nothing_is_archived(self) -> None:
        """What is not archived stays, however old, however many, however full."""
        await self.begin(stream_hours=1, stream_most=1)
        await self.add(1, 2, 3)
        await self.archived.lease(self.archive.id)
        self.assertEqual([await self.archived.trim(), await self.archived.trim_all()], [0, 0])
        await self.archived.advance("0-1", 0)
        self.assertEqual([await self.archived.trim(), await self.archived.trim_all()], [0, 0])
        self.assertEqual(len(await self.stream()), 3)

    async def test_most(self) -> None:
        """So many stay as the setting says, and the mark says from where on the stream is whole."""
        await self.begin(stream_most=4)
        places = await self.add(*range(1, 11))
        await self.archive_all()
        self.assertEqual(await self.archived.trim(), 6)
        self.assertEqual(await self.stream(), places[6:])
        mark = (await self.archived.look()).trimmed
        self.assertLess(places[5], mark)
        self.assertLessEqual(mark, places[6])

    async def test_never_beyond(self) -> None:
        """However few may stay: what came after the archive's place does."""
        await self.begin(stream_most=1)
        await self.add(*range(1, 6))
        await self.archive_all()
        later = await self.add(*range(6, 11))
        await self.archived.trim()
        self.assertEqual((await self.stream())[-5:], later)
        await self.archived.trim_all()
        self.assertEqual(await self.stream(), later)

    async def test_hours(self) -> None:
        """What is older than the setting goes by the store's clock, and what is not stays."""
        await self.begin(stream_hours=2)
        now = (await self.archived.look()).now_ms
        for at in (now - 3 * HOUR_MS, now - 2 * HOUR_MS - 5, now - HOUR_MS):
            await self.client.write(
                "XADD", "tf:punches", f"{at}-0", "v", "1", "p", f'{{"uid":"{at}","sn":"T"}}'
            )
        await self.archive_all()
        await self.archived.trim()
        self.assertEqual(await self.stream(), [f"{now - HOUR_MS}-0"])

    async def test_forgotten_there_too(self) -> None:
        """What the archive forgets after a day does not stay in the stream for three."""
        await self.begin(keep_days={"door": 1, "punch": 9}, stream_hours=72)
        now = (await self.archived.look()).now_ms
        for at in (now - 25 * HOUR_MS, now - 23 * HOUR_MS):
            await self.client.write(
                "XADD", "tf:punches", f"{at}-0", "v", "1", "p", f'{{"uid":"{at}","sn":"T"}}'
            )
        await self.archive_all()
        await self.archived.trim()
        self.assertEqual(await self.stream(), [f"{now - 23 * HOUR_MS}-0"])

    async def test_everything(self) -> None:
        """When the store needs room all that is archived goes, and the next place stays behind the last."""
        await self.begin()
        await self.add(1, 2, 3)
        place = await self.archive_all()
        self.assertEqual(await self.archived.trim_all(), 3)
        self.assertEqual((await self.archived.look()).entries, 0)
        self.assertGreater((await self.add(4))[0], place)


class LookTests(ArchivingCase):
    """What is told of it all."""

    async def test_lag(self) -> None:
        """How many wait and how long the first has, exactly once the archive had been at the end."""
        await self.begin(stream_most=2)
        self.assertEqual((await self.archived.look()).lag, 0)
        await self.add(*range(1, 6))
        self.assertEqual((await self.archived.look()).lag, 5)
        await self.archive_all()
        await self.archived.trim()
        look = await self.archived.look()
        self.assertEqual((look.lag, look.lag_ms, look.entries), (0, 0, 2))
        [first, second, _] = await self.add(6, 7, 8)
        self.assertEqual((await self.archived.look()).lag, 3)
        await self.archived.advance(first, 1)
        look = await self.archived.look()
        self.assertEqual((look.lag, look.waiting), (2, second))
        self.assertEqual(look.lag_ms, look.now_ms - int(second.partition("-")[0]))

    async def test_memory(self) -> None:
        """How full the store is, of what it may hold; without a bound it is never full."""
        await self.begin()
        self.assertEqual(Memory(5, 0).share, 0)
        self.tell("CONFIG SET maxmemory 100mb")
        memory = await self.archived.memory()
        self.assertEqual(memory.most, 100 * 1024 * 1024)
        self.assertTrue(0 < memory.share < 0.5)

    async def test_follow(self) -> None:
        """In a store that lost its stream new punches come behind what the archive has."""
        await self.begin()
        await self.archived.lease("db")
        ahead = (await self.archived.look()).now_ms + HOUR_MS
        await self.archived.follow(f"{ahead}-3")
        self.assertEqual(await self.add(1), [f"{ahead}-4"])
        await self.archived.follow(f"{ahead + 5}-0")
        self.assertEqual(await self.add(2), [f"{ahead + 5}-1"])
        await self.archived.follow("7-0")
        self.assertEqual(await self.add(3), [f"{ahead + 5}-2"])

    async def test_join(self) -> None:
        """Who follows has to join; from then on what is before is read in the archive, also later on."""
        await self.begin()
        await self.archived.lease("db")
        await self.archived.follow("7-0")
        self.assertTrue((await self.archived.look()).is_joining)
        await self.new_archived("other").join("7-0")
        self.assertTrue((await self.archived.look()).is_joining)
        for place, trimmed in (("7-0", "7-1"), ("8-3", "8-4"), ("5-0", "8-4")):
            await self.archived.join(place)
            look = await self.archived.look()
            self.assertEqual((look.trimmed, look.is_joining), (trimmed, False))

    async def test_quarantine(self) -> None:
        """What can't be archived is found in the quarantine, with its place and why."""
        await self.begin()
        await self.archived.put_aside(("5-1", '{"sn":"T1","uid":7}'), "no uid")
        await self.archived.put_aside(("5-2", "{"), "not JSON")
        found = await self.client.read("XRANGE", "tf:quarantine", "-", "+")
        told = [dict(zip(fields[::2], fields[1::2], strict=True)) for _, fields in found]
        self.assertEqual([(t["kind"], t["sn"], t["why"], t["raw"]) for t in told], [
            ("archive", "T1", "5-1: no uid", '{"sn":"T1","uid":7}'), ("archive", "", "5-2: not JSON", "{"),
        ])  # fmt: skip
