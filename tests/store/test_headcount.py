"""How many terminals there are in the fleet, on a real store."""

from __future__ import annotations

from tests.store.arrivals import NOW, TerminalsCase, arrival
from tfserver.metrics import FleetCounts
from tfserver.store.headcount import GONE_MS, Headcount, Own


class HeadcountTests(TerminalsCase):
    """Two processes on one store."""

    async def two(self) -> tuple[Headcount, Headcount]:
        """Processes that live."""
        client = await self.connect()
        found = []
        for owner in ("one", "two"):
            await client.write("SADD", client.keys.owners, owner)
            found.append(Headcount(client, owner))
        return found[0], found[1]

    async def test_sum(self) -> None:
        """Each tells of its own, and both see the sum."""
        first, second = await self.two()
        self.assertEqual(await first.sum(NOW), FleetCounts(processes=2))
        await first.tell(Own(5, 1, 2))
        await second.tell(Own(7, 0, 1))
        whole = FleetCounts(processes=2, online=12, silent=1, suspect_clocks=3)
        self.assertEqual(await first.sum(NOW), whole)
        self.assertEqual(await second.sum(NOW), whole)
        await first.tell(Own(6, 1, 2))
        self.assertEqual((await second.sum(NOW)).online, 13)

    async def test_gone(self) -> None:
        """What a process told counts no more when it has left, or is gone without a word."""
        first, second = await self.two()
        await first.tell(Own(5, 1, 2))
        await second.tell(Own(7, 0, 1))
        await second.leave()
        self.assertEqual((await first.sum(NOW)).online, 5)
        self.tell("SREM tf:owners one")
        self.assertEqual(await second.sum(NOW), FleetCounts(processes=1))
        self.assertEqual(self.tell("HLEN tf:headcount"), ":0\r\n")

    async def test_registry(self) -> None:
        """Who is known, waits, claims another's number, and has not been heard for an hour."""
        first, _ = await self.two()
        terminals = await self.terminals()
        await self.approved(terminals, "c1")
        await terminals.register(arrival(sn="WAITS", approve=False), "c2")
        await terminals.register(arrival(cpusn="another"), "c3")
        await terminals.beat({"ZXAB1": NOW})
        found = await first.sum(NOW)
        self.assertEqual((found.known, found.pending, found.quarantined, found.gone), (2, 1, 1, 0))
        self.assertEqual((await first.sum(NOW + GONE_MS - 1)).gone, 0)
        self.assertEqual((await first.sum(NOW + GONE_MS)).gone, 1)

    async def test_silent(self) -> None:
        """Silent is who has sent no punch since then, or never; many are asked for in several calls."""
        first, _ = await self.two()
        self.tell(f"ZADD tf:punched {NOW} A {NOW - 1} B")
        self.assertEqual(await first.silent(["A", "B", "C"], NOW), 2)
        self.assertEqual(await first.silent([f"T{number}" for number in range(2500)], NOW), 2500)
