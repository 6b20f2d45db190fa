"""What is proven of a terminal's records: doubt that stays, and proofs that only the owner can give."""

from __future__ import annotations

from typing import Any

from tests.store.arrivals import NOW, TerminalsCase, arrival
from tfserver.model import Admission, Clock, ClockEntry
from tfserver.store.completeness import Mark
from tfserver.store.proven import Proof
from tfserver.store.terminals import Lease, Terminals

SN = "ZXAB1"
OURS = Lease(SN, "c1")
MARK = Mark(until=None)
"""A reading by which nothing is known to be whole."""


class ProofCase(TerminalsCase):
    """A terminal with a lease."""

    async def owned(self, **more: Any) -> Terminals:
        """The registry of the process that has it."""
        terminals = await self.terminals()
        await self.approved(terminals, "c1", **more)
        return terminals


class DoubtTests(ProofCase):
    """The day since when records may be missing."""

    async def test_earliest_stays(self) -> None:
        """Of all days that were in doubt the earliest stands, whatever came first."""
        terminals = await self.owned()
        stood = [await terminals.mark_dirty("zxab1", f"2026-04-{day}") for day in ("05", "07", "02", "03")]
        self.assertEqual(stood, ["2026-04-05", "2026-04-05", "2026-04-02", "2026-04-02"])
        self.assertEqual((await terminals.proof(SN)).dirty, "2026-04-02")

    async def test_told_at_reg(self) -> None:
        """It is told with the next registration."""
        terminals = await self.owned()
        await terminals.mark_dirty(SN, "2026-04-02")
        self.assertEqual((await self.approved(terminals, "c2")).dirty, "2026-04-02")

    async def test_no_such_terminal(self) -> None:
        """Of a terminal that was deleted nothing is kept: no half a terminal comes of it."""
        terminals = await self.terminals()
        self.assertEqual(await terminals.mark_dirty(SN, "2026-04-02"), "")
        self.assertFalse(await terminals.prove(OURS, "", NOW, "2026-04-02", MARK))
        self.assertEqual(await self.raw(), {})


class ProveTests(ProofCase):
    """The step that clears it."""

    async def test_cleared(self) -> None:
        """With the lease, and the same day in doubt, it is cleared and the proof kept."""
        terminals = await self.owned()
        await terminals.mark_dirty(SN, "2026-04-02")
        self.assertTrue(await terminals.prove(OURS, "2026-04-02", NOW, "2026-04-03", MARK))
        found = await terminals.proof(SN)
        self.assertEqual((found.dirty, found.proven_ms), ("", NOW))
        self.assertEqual((await self.raw())["proven_day"], "2026-04-03")

    async def test_nothing_in_doubt(self) -> None:
        """Where nothing was in doubt the proof is a newer one."""
        terminals = await self.owned()
        self.assertTrue(await terminals.prove(OURS, "", NOW, "2026-04-03", MARK))
        self.assertTrue(await terminals.prove(OURS, "", NOW + 1, "2026-04-03", MARK))
        self.assertEqual((await terminals.proof(SN)).proven_ms, NOW + 1)

    async def test_another_has_the_lease(self) -> None:
        """Who lost the lease while he read proves nothing."""
        terminals = await self.owned()
        await terminals.mark_dirty(SN, "2026-04-02")
        await self.approved(terminals, "c2")
        self.assertFalse(await terminals.prove(OURS, "2026-04-02", NOW, "2026-04-03", MARK))
        await terminals.release(SN, "c2")
        self.assertFalse(await terminals.prove(OURS, "2026-04-02", NOW, "2026-04-03", MARK))
        found = await terminals.proof(SN)
        self.assertEqual((found.dirty, found.proven_ms), ("2026-04-02", None))

    async def test_another_doubt(self) -> None:
        """A doubt that arose meanwhile, or reaches further back, is not cleared by what was read."""
        terminals = await self.owned()
        for dirty, read in (("2026-04-02", ""), ("2026-04-01", "2026-04-02")):
            await terminals.mark_dirty(SN, dirty)
            self.assertFalse(await terminals.prove(OURS, read, NOW, "2026-04-03", MARK))
            self.assertEqual((await terminals.proof(SN)).dirty, dirty)


class KnownTests(ProofCase):
    """What is told of it."""

    async def test_nothing_yet(self) -> None:
        """Of a new terminal nothing is proven and nothing in doubt."""
        terminals = await self.owned()
        self.assertEqual(await terminals.proof(SN), Proof())

    async def test_suspect_clock(self) -> None:
        """Whether its clock can be trusted is told."""
        terminals = await self.owned(clock=(ClockEntry(0, 0),), ahead_ms=600_000)
        self.assertIs((await terminals.proof(SN)).clock, Clock.SUSPECT)
        await self.approved(terminals, "c2", ahead_ms=1000)
        self.assertIs((await terminals.proof(SN)).clock, Clock.OK)

    async def test_last_punch(self) -> None:
        """When its last new punch came is told."""
        terminals = await self.owned()
        await self.client.write("ZADD", "tf:punched", NOW + 7, SN)
        self.assertEqual((await terminals.proof("zxab1")).pushed_ms, NOW + 7)

    async def test_disabled(self) -> None:
        """Whether it is disabled is told, here and by the process that marked it."""
        terminals = await self.owned()
        await terminals.mark_disabled("zxab1")
        self.assertTrue((await terminals.proof(SN)).is_disabled)
        self.assertEqual(terminals.disabled, {SN})
        self.assertTrue((await terminals.register(arrival(), "c2")).disabled)
        await terminals.clear_disabled(SN)
        self.assertFalse((await terminals.proof(SN)).is_disabled)
        self.assertEqual(terminals.disabled, set())
        self.assertIs((await terminals.register(arrival(), "c3")).admission, Admission.APPROVED)
