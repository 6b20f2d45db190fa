"""Leases that a process lost: noted by the store, told until they are dealt with, and when to compare all."""

from __future__ import annotations

from tests.store.arrivals import TerminalsCase
from tests.store.connected import until
from tfserver.model import Admission
from tfserver.store import terminals as terminals_module
from tfserver.store.terminals import LOST_LIFE, Lease, Terminals

DENIED, APPROVED = Admission.DENIED, Admission.APPROVED


class LossesCase(TerminalsCase):
    """Two processes, one terminal."""

    async def told(self, terminals: Terminals) -> list[tuple[str, str]]:
        """Serial number and connection of what is told as lost."""
        return sorted((await terminals.losses()).leases)

    async def two(self) -> tuple[Terminals, Terminals]:
        """Two processes; the first has compared all its leases."""
        one, other = await self.terminals("one/1"), await self.terminals("two/1")
        await one.compared((await one.losses()).mark)
        return one, other


class NotedTests(LossesCase):
    """What is told."""

    async def test_taken_over(self) -> None:
        """A lease that another connection took is told to the process that had it, and to no other."""
        one, other = await self.two()
        await self.approved(one, "c1", sn="zxab1")
        self.assertEqual(await self.told(one), [])
        await self.approved(other, "c2")
        self.assertEqual(await self.told(one), [("ZXAB1", "c1")])
        self.assertEqual(await self.told(other), [])

    async def test_taken_over_within(self) -> None:
        """A connection of the same process counts like any other; the same one again does not."""
        one, _ = await self.two()
        for connection in ("c1", "c1", "c2", "c2"):
            await self.approved(one, connection)
        self.assertEqual(await self.told(one), [("ZXAB1", "c1")])

    async def test_disapproved(self) -> None:
        """A denied terminal's lease is told as lost; without a lease nothing is."""
        one, other = await self.two()
        await self.approved(one, "c1")
        await self.approved(one, "c2", sn="T2")
        await one.release("T2", "c2")
        for sn in ("ZXAB1", "T2"):
            await other.decide(sn, DENIED)
        self.assertEqual(await self.told(one), [("ZXAB1", "c1")])

    async def test_told_until_dealt_with(self) -> None:
        """A loss is told again and again, and only what was dealt with is told no more."""
        one, other = await self.two()
        for sn in ("T1", "T2"):
            await self.approved(one, f"old-{sn}", sn=sn)
            await self.approved(other, f"new-{sn}", sn=sn)
        for _ in range(3):
            self.assertEqual(await self.told(one), [("T1", "old-T1"), ("T2", "old-T2")])
        await one.dealt_with([Lease("T1", "old-T1")])
        self.assertEqual(await self.told(one), [("T2", "old-T2")])
        await one.dealt_with([Lease("T2", "old-T2")])
        self.assertTrue((await one.losses()).whole, "the mark went with them")

    async def test_lost_twice(self) -> None:
        """Dealing with one loss leaves another of the same terminal told."""
        one, other = await self.two()
        await self.approved(one, "c1")
        await self.approved(other, "c2")
        [first] = (await one.losses()).leases
        await self.approved(one, "c3")
        await self.approved(other, "c4")
        await one.dealt_with([first])
        self.assertEqual(await self.told(one), [("ZXAB1", "c3")])

    async def test_held_after_all(self) -> None:
        """A lease that its connection took back, or whose terminal is approved again, is told no more."""
        one, other = await self.two()
        await self.approved(one, "c1")
        await self.approved(other, "c2")
        await self.approved(one, "c1")
        self.assertEqual(await self.told(one), [])
        self.assertEqual(await self.client.read("SCARD", "tf:lost:one/1"), 1, "the mark alone")
        await one.decide("ZXAB1", DENIED)
        await one.decide("ZXAB1", APPROVED)
        self.assertEqual(await self.told(one), [])
        await self.approved(other, "c5")
        self.assertEqual(await self.told(one), [("ZXAB1", "c1")])

    async def test_many(self) -> None:
        """Many losses are told in parts, each as large as the bound, until none is left."""
        self.patch(terminals_module, "LEASES_A_CALL", 4)
        one, other = await self.two()
        for n in range(9):
            await self.approved(one, "c1", sn=f"T{n}")
            await self.approved(other, "c2", sn=f"T{n}")
        found: set[str] = set()
        more = True
        while more:
            losses = await one.losses()
            self.assertLessEqual(len(losses.leases), 4)
            found.update(lease.sn for lease in losses.leases)
            await one.dealt_with(losses.leases)
            more = losses.more
        self.assertEqual(found, {f"T{n}" for n in range(9)})
        self.assertEqual(await self.told(one), [])

    async def test_dead_process(self) -> None:
        """What nobody asks for expires."""
        one, other = await self.two()
        await self.approved(one, "c1")
        await self.approved(other, "c2")
        self.assertTrue(0 < await self.client.read("TTL", "tf:lost:one/1") <= LOST_LIFE)
        await self.approved(other, "c3")
        self.assertTrue(0 < await self.client.read("TTL", "tf:lost:two/1") <= LOST_LIFE)
        await other.decide("ZXAB1", DENIED)
        self.assertTrue(0 < await self.client.read("TTL", "tf:lost:two/1") <= LOST_LIFE)


class WholeTests(LossesCase):
    """When all leases have to be compared."""

    async def test_first_look(self) -> None:
        """Until all were compared once nothing is sure; a look alone makes nothing sure."""
        one = await self.terminals("one/1")
        for _ in range(2):
            self.assertFalse((await one.losses()).whole)
        await one.compared((await one.losses()).mark)
        for _ in range(2):
            self.assertTrue((await one.losses()).whole)

    async def test_store_was_away(self) -> None:
        """After the store was away, all have to be compared again, once."""
        one = await self.terminals("one/1")
        await one.compared((await one.losses()).mark)
        self.store.kill()
        await until(lambda: not self.client.ready, "the client knows")
        self.store.start()
        await self.back(self.client)
        losses = await one.losses()
        self.assertFalse(losses.whole)
        await one.compared(losses.mark)
        self.assertTrue((await one.losses()).whole)

    async def test_away_during_the_comparison(self) -> None:
        """A comparison that began before the store was away does not count."""
        one = await self.terminals("one/1")
        mark = (await one.losses()).mark
        self.tell("CLIENT KILL TYPE normal SKIPME yes")
        made = self.client.made
        await until(lambda: self.client.made > made and self.client.ready, "it is connected again")
        await one.compared(mark)
        self.assertFalse((await one.losses()).whole)

    async def test_memory_lost(self) -> None:
        """When the store lost or let expire what it noted, all have to be compared."""
        one, other = await self.two()
        await self.approved(one, "c1")
        await self.client.write("PEXPIRE", "tf:lost:one/1", 0)
        await self.approved(other, "c2")
        self.assertFalse((await one.losses()).whole)
        self.assertEqual(await self.told(one), [("ZXAB1", "c1")])

    async def test_looking_keeps_it(self) -> None:
        """A process that looks keeps its notes alive."""
        one, _ = await self.two()
        await self.client.write("EXPIRE", "tf:lost:one/1", 5)
        await one.losses()
        self.assertGreater(await self.client.read("TTL", "tf:lost:one/1"), 5)
