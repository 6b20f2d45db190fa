"""A terminal that was deleted: nothing that still goes on makes half a terminal of it again."""

from __future__ import annotations

from twisted.internet import reactor

from tests.store.arrivals import NOW, TerminalsCase
from tests.store.records import record
from tfserver.config import Punches as PunchSettings
from tfserver.errors import StoreError
from tfserver.model import ClockEntry
from tfserver.store.completeness import Mark
from tfserver.store.punches import Punches
from tfserver.store.terminals import Lease, Terminals

SN = "ZXAB1"


class DeletedTests(TerminalsCase):
    """What its process still has to say of it."""

    async def deleted(self) -> Terminals:
        """The registry of the process that has its connection."""
        terminals = await self.terminals()
        await self.approved(terminals, "c1")
        self.assertTrue(await terminals.delete("zxab1"))
        return terminals

    async def test_nothing_left(self) -> None:
        """Its entry is gone; deleting it again says so."""
        terminals = await self.deleted()
        self.assertEqual(await self.raw(), {})
        self.assertFalse(await terminals.delete(SN))

    async def test_clock(self) -> None:
        """The offset of its clock is not kept, whether or not it brought one along."""
        terminals = await self.deleted()
        for echo in (None, 3600):
            await terminals.set_clock(SN, (ClockEntry(NOW, 3600),), echo)
        self.assertEqual(await self.raw(), {})

    async def test_disabled(self) -> None:
        """That people are kept away can't be kept: who was about to say so learns it."""
        terminals = await self.deleted()
        self.assertIn("was deleted", await self.fails(terminals.mark_disabled("zxab1"), StoreError))
        self.assertEqual((await self.raw(), terminals.disabled), ({}, set()))
        await terminals.clear_disabled(SN)
        self.assertEqual(await self.raw(), {})

    async def test_proof(self) -> None:
        """Neither doubt nor proof is kept."""
        terminals = await self.deleted()
        self.assertEqual(await terminals.mark_dirty(SN, "2026-04-02"), "")
        mark = Mark(until=NOW)
        self.assertFalse(await terminals.prove(Lease(SN, "c1"), "", NOW, "2026-04-02", mark))
        self.assertEqual(await self.raw(), {})

    async def test_frozen(self) -> None:
        """That its clock seems to stand still is not kept either; its punches are."""
        await self.deleted()
        punches = Punches(reactor, self.client, PunchSettings())
        for logindex in range(5):
            batch = [record(SN, 1, "2026-04-02 08:15:04", logindex)]
            await punches.append("zxab1", logindex, batch, [])
        self.assertEqual(await self.raw(), {})
        self.assertEqual(await self.client.read("XLEN", "tf:punches"), 1)

    async def test_lease(self) -> None:
        """The lease is lost, and can't be given back."""
        terminals = await self.deleted()
        self.assertEqual([lease.connection for lease in (await terminals.losses()).leases], ["c1"])
        self.assertFalse(await terminals.release(SN, "c1"))
        self.assertEqual(await self.raw(), {})

    async def test_decisions(self) -> None:
        """Nobody decides anything about it."""
        terminals = await self.deleted()
        self.assertFalse(await terminals.change(SN, {"site": "Lisbon"}))
        self.assertEqual(await self.raw(), {})

    async def test_half_a_terminal(self) -> None:
        """What an older version left of one is no terminal: not shown, not changed, and goes when deleted."""
        terminals = await self.deleted()
        await self.client.write("HSET", f"tf:terminal:{SN}", "disabled", NOW)
        self.assertIsNone(await terminals.get(SN))
        self.assertFalse(await terminals.change(SN, {"site": "Lisbon"}))
        self.assertEqual(await self.raw(), {"disabled": str(NOW)})
        self.assertTrue(await terminals.delete(SN))
        self.assertEqual(await self.raw(), {})

    async def test_comes_again(self) -> None:
        """When it comes again it is a new one."""
        terminals = await self.terminals()
        await self.approved(terminals, "c1")
        await terminals.mark_disabled(SN)
        await terminals.mark_disabled(SN)
        await terminals.set_clock(SN, (ClockEntry(NOW, 3600),), None)
        await terminals.delete(SN)
        found = await self.approved(terminals, "c2")
        self.assertEqual((found.clock, found.disabled), ((), False))

    async def test_disabled_since(self) -> None:
        """Of one that is there, the moment stays that was kept first."""
        terminals = await self.terminals()
        await self.approved(terminals, "c1")
        await terminals.mark_disabled(SN)
        first = (await self.raw())["disabled"]
        await self.client.write("HSET", f"tf:terminal:{SN}", "disabled", 5)
        await terminals.mark_disabled(SN)
        self.assertNotEqual(first, "5")
        self.assertEqual((await self.raw())["disabled"], "5")
