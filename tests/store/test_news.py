"""What webhooks tell of terminals: up and down, pending, full, clocks, twins; each once."""

from __future__ import annotations

from typing import Any

import msgspec

from tests.store.arrivals import NOW, TerminalsCase, arrival
from tests.store.records import record
from tfserver.config import Punches as PunchSettings
from tfserver.model import ClockEntry
from tfserver.store import terminals as registry
from tfserver.store.punches import FROZEN_AFTER, Punches
from tfserver.store.terminals import Terminals

CLOCK = (ClockEntry(0, 3600),)


class NewsCase(TerminalsCase):
    """A registry, and what it told."""

    async def news(self) -> list[dict[str, Any]]:
        """All that was told, oldest first."""
        found = await self.client.read("XRANGE", "tf:news", "-", "+")
        return [msgspec.json.decode(fields[1]) for _, fields in found]

    async def events(self) -> list[str]:
        """What happened, in a word each."""
        return [told["event"] for told in await self.news()]

    async def known(self, site: str = "Ölwerk") -> Terminals:
        """A registry with one terminal at a site, online, of which nothing was told since."""
        terminals = await self.terminals()
        await self.approved(terminals, "c1", clock=CLOCK)
        await terminals.change("ZXAB1", {"site": site})
        await self.client.write("DEL", "tf:news")
        return terminals


class UpAndDownTests(NewsCase):
    """Whether it is there."""

    async def test_up_and_down(self) -> None:
        """Coming and going are told with the site."""
        terminals = await self.known()
        await terminals.release("zxab1", "c1")
        await self.approved(terminals, "c2")
        self.assertEqual(
            await self.news(),
            [{"event": event, "sn": "ZXAB1", "site": "Ölwerk"} for event in ("down", "up")],
        )

    async def test_again(self) -> None:
        """Saying reg once more, or over a new connection before the old one is gone, is not up again."""
        terminals = await self.known()
        await self.approved(terminals, "c1")
        await self.approved(terminals, "c2")
        self.assertEqual(await self.events(), [])

    async def test_foreign_release(self) -> None:
        """A connection that was taken over is not down."""
        terminals = await self.known()
        await terminals.release("ZXAB1", "c0")
        self.assertEqual(await self.events(), [])

    async def test_pending(self) -> None:
        """Somebody waits for approval: told once."""
        terminals = await self.terminals()
        for _ in range(2):
            await terminals.register(arrival(), "c1")
        self.assertEqual(await self.events(), ["pending"])


class BuryTests(NewsCase):
    """Processes that are gone without a word."""

    async def gone(self, heartbeat: bool) -> Terminals:
        """Another process's registry, and one with two terminals online that has no heartbeat any more."""
        terminals = await self.known()
        await terminals.beat({})
        await self.approved(terminals, "c7", sn="B")
        if not heartbeat:
            await self.client.write("DEL", "tf:alive:one/1")
        await self.client.write("DEL", "tf:news")
        other = Terminals(self.client, terminals._settings, "two/1")
        await other.beat({})
        await self.approved(other, "c9", sn="C")
        return other

    async def test_gone(self) -> None:
        """What a process held that is gone counts as offline, and that is told once; others keep theirs."""
        other = await self.gone(heartbeat=False)
        self.assertEqual([await other.bury(), await other.bury()], [1, 0])
        told = [(one["event"], one["sn"], one["site"]) for one in await self.news()]
        self.assertEqual(told, [("up", "C", ""), ("down", "B", ""), ("down", "ZXAB1", "Ölwerk")])
        self.assertNotIn("conn", await self.raw())
        self.assertEqual((await self.raw("C"))["conn"], "c9")

    async def test_lives(self) -> None:
        """One with a heartbeat keeps all."""
        other = await self.gone(heartbeat=True)
        self.assertEqual(await other.bury(), 0)
        self.assertEqual((await self.raw())["conn"], "c1")

    async def test_comes_back(self) -> None:
        """One that wakes up while it is buried keeps what it has then."""
        other = await self.gone(heartbeat=False)
        ask = other._turn.ask

        async def wakes_up(*question: Any) -> Any:
            """Its heartbeat comes just before the burial."""
            await self.client.write("SET", "tf:alive:one/1", "1")
            return await ask(*question)

        self.patch(other._turn, "ask", wakes_up)
        await other.bury()
        self.assertEqual((await self.raw())["conn"], "c1")

    async def test_wakes_up(self) -> None:
        """One that was only paused learns which leases it lost."""
        other = await self.gone(heartbeat=False)
        await other.bury()
        paused = Terminals(self.client, other._settings, "one/1")
        self.assertEqual({lease.connection for lease in (await paused.losses()).leases}, {"c1", "c7"})

    async def test_many(self) -> None:
        """All are found, whatever a call takes."""
        self.patch(registry, "BURIED_A_CALL", 2)
        terminals = await self.terminals()
        await terminals.beat({})
        for number in range(5):
            await self.approved(terminals, f"c{number}", sn=f"T{number}")
        await self.client.write("DEL", "tf:alive:one/1")
        await Terminals(self.client, terminals._settings, "two/1").bury()
        self.assertEqual((await self.events()).count("down"), 5)

    async def test_retired(self) -> None:
        """A process that ended as it should is not looked for."""
        terminals = await self.known()
        await terminals.beat({})
        await terminals.retire()
        self.assertEqual(await self.client.read("SMEMBERS", "tf:owners"), [])


class AlarmTests(NewsCase):
    """What somebody should look at."""

    async def test_full(self) -> None:
        """A memory of logs that is nearly full is told once, and once when there is room again."""
        terminals = await self.known()
        for full in (79, 80, 95, 10, 20):
            await self.approved(terminals, "c1", full=full)
        told = [(one["event"], one["percent"], one["over"]) for one in await self.news()]
        self.assertEqual(told, [("full", 80, False), ("full", 10, True)])

    async def test_unknown_fullness(self) -> None:
        """One that does not say how full it is ends no alarm."""
        terminals = await self.known()
        await self.approved(terminals, "c1", full=90)
        await self.approved(terminals, "c1")
        self.assertEqual(await self.events(), ["full"])

    async def test_clock(self) -> None:
        """A clock two minutes off is told once, by how much, and once when it is right again."""
        terminals = await self.known()
        for off in (119_999, 120_000, -500_000, 0):
            await self.approved(terminals, "c1", ahead_ms=3_600_000 + off, now_ms=NOW + 1000)
        told = [(one["event"], one["offset_ms"], one["over"]) for one in await self.news()]
        self.assertEqual(told, [("clock", 120_000, False), ("clock", 0, True)])

    async def test_frozen(self) -> None:
        """A clock that stands still is told once; the next reg with a right clock ends it."""
        terminals = await self.known()
        punches = Punches(self.client.reactor, self.client, PunchSettings())
        for logindex in range(FROZEN_AFTER + 3):
            await punches.append("ZXAB1", logindex, [record("ZXAB1", 7, logindex=logindex)], [])
        await self.approved(terminals, "c1", ahead_ms=3_600_000, now_ms=NOW + 1000)
        told = await self.news()
        self.assertEqual([(one["event"], one["over"]) for one in told], [("clock", False), ("clock", True)])
        self.assertEqual((told[0]["frozen"], told[0]["site"]), (True, "Ölwerk"))
