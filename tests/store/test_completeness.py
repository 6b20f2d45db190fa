"""The mark until when all records of a terminal are here: when it moves, its gaps, how it is shown."""

from __future__ import annotations

from typing import Any

from tests.store.arrivals import NOW, TerminalsCase, arrival
from tfserver.model import Admission, Completeness, rfc3339
from tfserver.store import completeness
from tfserver.store.completeness import Mark, Sum
from tfserver.store.terminals import Lease, Terminals
from tfserver.wire.times import Present

SN = "ZXAB1"
OURS = Lease(SN, "c1")
HOUR = 3_600_000
DAY, NEXT_DAY = "2026-04-01", "2026-04-02"
FIRST, SECOND = "2026-04-01 08:00:00", "2026-04-01 09:00:00"


def at(ms: int) -> str:
    """A moment as it is shown."""
    return rfc3339(Present(lambda: ms / 1000).read().at)


class MarkCase(TerminalsCase):
    """A terminal that this process has."""

    async def owned(self) -> Terminals:
        """The registry of the process that has it."""
        terminals = await self.terminals()
        await self.approved(terminals, "c1")
        await terminals.beat({})
        return terminals

    async def moved(self, terminals: Terminals, until: int | None, **more: Any) -> Completeness:
        """How it is shown after a reading that began a minute after ``until``."""
        mark = Mark(until=until, **{"since": DAY, **more})
        began = NOW if until is None else until + 60_000
        self.assertTrue(await terminals.prove(OURS, "", began, DAY, mark))
        return await self.shown(terminals)

    async def shown(self, terminals: Terminals) -> Completeness:
        """How it is shown."""
        found = await terminals.get(SN)
        assert found is not None
        return found.completeness


class MoveTests(MarkCase):
    """When it moves."""

    async def test_moved(self) -> None:
        """A whole reading moves it, and what the next one has to know is kept."""
        terminals = await self.owned()
        shown = await self.moved(terminals, NOW, newest=FIRST)
        self.assertEqual((shown.until, shown.since, shown.gaps), (at(NOW), DAY, ()))
        known = await terminals.proof(SN)
        self.assertEqual((known.whole_ms, known.anchor), (NOW + 60_000, FIRST))

    async def test_never_back(self) -> None:
        """An earlier moment changes nothing: neither the mark, nor what is looked for the next time."""
        terminals = await self.owned()
        await self.moved(terminals, NOW, newest=FIRST)
        for until in (NOW - 1, NOW):
            shown = await self.moved(terminals, until, newest=SECOND, watched=FIRST, found=False)
            self.assertEqual((shown.until, shown.gaps), (at(NOW), ()))
            self.assertEqual((await terminals.proof(SN)).anchor, FIRST)

    async def test_not_known(self) -> None:
        """Without a moment it stays where it is, and why is shown until it moves again."""
        terminals = await self.owned()
        await self.moved(terminals, NOW)
        shown = await self.moved(terminals, None, why="its clock is not known")
        self.assertEqual((shown.until, shown.why), (at(NOW), "its clock is not known"))
        self.assertEqual((await terminals.proof(SN)).proven_ms, NOW)
        self.assertNotIn("its clock", (await self.moved(terminals, NOW + HOUR)).why)

    async def test_nothing_said(self) -> None:
        """A reading that says nothing of completeness holds nothing against it."""
        terminals = await self.owned()
        before = await self.moved(terminals, NOW)
        self.assertEqual(await self.moved(terminals, None), before)
        await terminals.marks.hold(SN, "c1", "it does not answer getalllog")
        self.assertEqual((await self.moved(terminals, None)).why, "it does not answer getalllog")

    async def test_doubt_keeps_it(self) -> None:
        """What was whole stays whole when later records are in doubt; that is told."""
        terminals = await self.owned()
        await self.moved(terminals, NOW)
        await terminals.mark_dirty(SN, DAY)
        shown = await self.shown(terminals)
        self.assertEqual(shown.until, at(NOW))
        self.assertIn(f"records since {DAY} may be missing", shown.why)

    async def test_fenced(self) -> None:
        """Who lost the lease, or read by another doubt, moves nothing."""
        terminals = await self.owned()
        mark = Mark(until=NOW, since=DAY)
        await terminals.mark_dirty(SN, DAY)
        self.assertFalse(await terminals.prove(OURS, "", NOW, DAY, mark))
        await self.approved(terminals, "c2")
        self.assertFalse(await terminals.prove(OURS, DAY, NOW, DAY, mark))
        self.assertIsNone((await self.shown(terminals)).until)

    async def test_since(self) -> None:
        """The first day stays the earliest that was read; a reading of everything leaves none."""
        terminals = await self.owned()
        since = []
        for n, day in enumerate((NEXT_DAY, "2026-04-05", DAY, "", DAY)):
            since.append((await self.moved(terminals, NOW + n, since=day)).since)
        self.assertEqual(since, [NEXT_DAY, NEXT_DAY, DAY, None, None])

    async def test_since_without_a_step(self) -> None:
        """A reading that goes further back is known also if it does not bring the mark further."""
        terminals = await self.owned()
        await self.moved(terminals, NOW, since=DAY)
        shown = await self.moved(terminals, NOW - 5, since="")
        self.assertEqual((shown.until, shown.since), (at(NOW), None))


class GapTests(MarkCase):
    """Records that may be lost for good."""

    async def test_found_again(self) -> None:
        """Where the newest record of the last time is still there nothing was lost, however full it is."""
        terminals = await self.owned()
        await self.moved(terminals, NOW, newest=FIRST)
        shown = await self.moved(
            terminals, NOW + HOUR, watched=FIRST, found=True, newest=SECOND, full=True, oldest=NOW + 5
        )
        self.assertEqual((shown.gaps, (await terminals.proof(SN)).anchor), ((), SECOND))

    async def test_overwritten(self) -> None:
        """Where it is gone there is a gap up to the oldest record, and the mark goes on behind it."""
        terminals = await self.owned()
        await self.moved(terminals, NOW, newest=FIRST)
        shown = await self.moved(
            terminals, NOW + HOUR, watched=FIRST, newest=SECOND, full=True, oldest=NOW + 1000
        )
        [gap] = shown.gaps
        self.assertEqual((shown.until, gap.begin, gap.end), (at(NOW + HOUR), at(NOW), at(NOW + 1000)))
        self.assertIn("memory was full", gap.why)

    async def test_deleted(self) -> None:
        """In a memory that is not full, and perhaps empty, records were deleted: some of any time."""
        terminals = await self.owned()
        await self.moved(terminals, NOW, newest=FIRST)
        shown = await self.moved(terminals, NOW + HOUR, watched=FIRST)
        [gap] = shown.gaps
        self.assertEqual((gap.begin, gap.end), (at(NOW), at(NOW + HOUR)))
        self.assertIn("deleted", gap.why)

    async def test_full_without_a_record_to_look_for(self) -> None:
        """Where nothing was there before, a full memory that begins later than the mark leaves a gap."""
        cases = ((NOW + 5, True, 1), (None, True, 1), (NOW - 5, True, 0), (NOW + 5, False, 0))
        for oldest, is_full, count in cases:
            terminals = await self.owned()
            await self.moved(terminals, NOW)
            shown = await self.moved(terminals, NOW + HOUR, full=is_full, oldest=oldest)
            self.assertEqual(len(shown.gaps), count, (oldest, is_full))
            await terminals.delete(SN)

    async def test_first_reading(self) -> None:
        """Before the first mark there is nothing to lose."""
        terminals = await self.owned()
        self.assertEqual((await self.moved(terminals, NOW, full=True, oldest=NOW)).gaps, ())

    async def test_another_reading_meanwhile(self) -> None:
        """What was looked for before another reading moved the mark says nothing."""
        terminals = await self.owned()
        await self.moved(terminals, NOW, newest=FIRST)
        await self.moved(terminals, NOW + 1, newest=SECOND, watched=FIRST, found=True)
        self.assertEqual((await self.moved(terminals, NOW + 2, watched=FIRST)).gaps, ())

    async def test_cleared(self) -> None:
        """Logs that are deleted after they were read are not missed, even if the mark could not be moved."""
        terminals = await self.owned()
        for n, until in enumerate((NOW + HOUR, None)):
            await self.moved(terminals, NOW + n, newest=FIRST)
            await self.moved(terminals, until, clears=True, watched=FIRST, found=True, newest=FIRST)
            self.assertEqual((await terminals.proof(SN)).anchor, "")
        self.assertEqual((await self.moved(terminals, NOW + 2 * HOUR)).gaps, ())

    async def test_bound(self) -> None:
        """Of more than twenty the oldest become one: none is left out."""
        terminals = await self.owned()
        await self.moved(terminals, NOW, newest=FIRST)
        for n in range(1, 26):
            shown = await self.moved(terminals, NOW + n * HOUR, watched=FIRST, newest=FIRST)
        self.assertEqual(len(shown.gaps), 20)
        self.assertEqual((shown.gaps[0].begin, shown.gaps[0].end), (at(NOW), at(NOW + 6 * HOUR)))
        self.assertEqual(shown.gaps[-1].end, at(NOW + 25 * HOUR))

    async def test_acknowledged(self) -> None:
        """Gaps that end by a moment are shown no more, at no other terminal, and the mark stays."""
        terminals = await self.owned()
        await self.moved(terminals, NOW, newest=FIRST)
        for n in (1, 2, 3):
            await self.moved(terminals, NOW + n * HOUR, watched=FIRST, newest=FIRST)
        self.assertEqual(await terminals.marks.forget_gaps("zxab1", NOW + 2 * HOUR), 2)
        shown = await self.shown(terminals)
        last = at(NOW + 3 * HOUR)
        self.assertEqual(([gap.end for gap in shown.gaps], shown.until), ([last], last))
        self.assertEqual(await terminals.marks.forget_gaps(SN, NOW + 9 * HOUR), 1)
        self.assertNotIn("gaps", await self.raw())
        self.assertIsNone(await terminals.marks.forget_gaps("nobody", NOW))
        self.assertEqual(await self.raw("NOBODY"), {})


class WhyTests(MarkCase):
    """Why it is not further, in words."""

    async def test_never_read(self) -> None:
        """Of a terminal that has just come nothing was read yet."""
        terminals = await self.owned()
        shown = await self.shown(terminals)
        self.assertEqual((shown.until, shown.since, shown.gaps), (None, None, ()))
        self.assertIn("were never read yet", shown.why)

    async def test_not_connected(self) -> None:
        """Since when it is gone, and what was in the way before."""
        terminals = await self.owned()
        await terminals.beat({SN: NOW})
        await terminals.marks.hold(SN, "c1", "it does not answer getalllog")
        self.assertEqual((await self.shown(terminals)).why, "it does not answer getalllog")
        await terminals.release(SN, "c1")
        why = (await self.shown(terminals)).why
        self.assertIn(f"it is not connected since {at(NOW)}; ", why)
        self.assertIn(": it does not answer getalllog", why)

    async def test_read(self) -> None:
        """When all is well the next reading brings it further."""
        terminals = await self.owned()
        self.assertIn(f"were read at {at(NOW + 60_000)}", (await self.moved(terminals, NOW)).why)

    async def test_not_admitted(self) -> None:
        """Who waits or is denied is told so, whatever it had before."""
        terminals = await self.owned()
        await self.moved(terminals, NOW)
        await terminals.decide(SN, Admission.DENIED)
        self.assertIn("it is denied", (await self.shown(terminals)).why)
        await terminals.register(arrival("T2"), "c9")
        found = await terminals.get("T2")
        assert found is not None
        self.assertIn("waits for approval", found.completeness.why)

    async def test_held_is_fenced(self) -> None:
        """Only who has the lease says what is in the way."""
        terminals = await self.owned()
        self.assertTrue(await terminals.marks.hold(SN, "c1", "this"))
        self.assertFalse(await terminals.marks.hold(SN, "c0", "that"))
        self.assertFalse(await terminals.marks.hold("nobody", "c1", "that"))
        self.assertEqual((await self.raw())["held"], "this")


class SumTests(MarkCase):
    """All terminals of a process."""

    async def test_sum(self) -> None:
        """The earliest mark, how many have none, and all gaps, however many calls it takes."""
        self.patch(completeness, "TERMINALS_A_CALL", 2)
        terminals = await self.owned()
        self.assertEqual(await terminals.marks.sum([]), Sum(None, 0, 0))
        await self.moved(terminals, NOW + HOUR, newest=FIRST)
        await self.moved(terminals, NOW + 2 * HOUR, watched=FIRST)
        for n, until in ((2, NOW), (3, NOW + 5), (4, None)):
            await terminals.register(arrival(f"T{n}", approve=True), f"c{n}")
            mark = Mark(until=until, since=DAY)
            self.assertTrue(await terminals.prove(Lease(f"T{n}", f"c{n}"), "", NOW, DAY, mark))
        self.assertEqual(await terminals.marks.sum([SN, "T2", "t3", "T4", "T5"]), Sum(NOW, 2, 1))
