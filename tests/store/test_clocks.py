"""What the registry says of a terminal's clock."""

from __future__ import annotations

from twisted.internet import reactor

from tests.store.arrivals import NOW, TerminalsCase
from tests.store.records import record
from tfserver.config import Punches as PunchSettings
from tfserver.model import SUSPECT_DRIFT_MS, Clock, ClockEntry
from tfserver.store.punches import Punches
from tfserver.store.terminals import Terminals

HOUR = 3600


class ClockTests(TerminalsCase):
    """Drift and state."""

    async def clock(self, terminals: Terminals) -> tuple[Clock, int | None]:
        """State and drift as people see them, in both views."""
        found = await terminals.get("ZXAB1")
        [listed] = await terminals.page("", 10)
        self.assertEqual(listed, found)
        return listed.clock, listed.clock_offset_ms

    async def registered(self, ahead_ms: int | None) -> Terminals:
        """A terminal that was set to UTC+1 and registers later, its clock that far from UTC."""
        terminals = await self.terminals()
        await self.approved(terminals, "c1")
        await terminals.set_clock("zxab1", (ClockEntry(NOW, HOUR),), None)
        await self.approved(terminals, "c2", ahead_ms=ahead_ms, now_ms=NOW + 60_000)
        return terminals

    async def repeats(self, count: int, time: str = "2026-04-02 08:15:04") -> None:
        """Send one punch under that many other logindexes."""
        punches = Punches(reactor, self.client, PunchSettings())
        for logindex in range(count + 1):
            await punches.append("zxab1", logindex, [record("ZXAB1", 1, time, logindex)], [])

    async def test_first_reg(self) -> None:
        """Of a clock that was never set nothing is known."""
        terminals = await self.terminals()
        await self.approved(terminals, "c1", ahead_ms=5)
        self.assertEqual(await self.clock(terminals), (Clock.UNKNOWN, None))

    async def test_clock_comes_back(self) -> None:
        """The timeline and the echoed offset are told at the next reg, as they were set."""
        terminals = await self.terminals()
        first = await self.approved(terminals, "c1")
        self.assertEqual((first.clock, first.echo), ((), None))
        timeline = (ClockEntry(NOW, HOUR, -12), ClockEntry(NOW + 1, 2 * HOUR))
        await terminals.set_clock("ZXAB1", timeline, -12_600)
        again = await self.approved(terminals, "c2")
        self.assertEqual((again.clock, again.echo), (timeline, -12_600))

    async def test_echo_of_nothing(self) -> None:
        """A terminal whose clock shows UTC has an echoed offset too: zero."""
        terminals = await self.terminals()
        await self.approved(terminals, "c1")
        await terminals.set_clock("ZXAB1", (ClockEntry(NOW, 0),), 0)
        self.assertEqual((await self.approved(terminals, "c2")).echo, 0)

    async def test_drift(self) -> None:
        """Drift is what the clock is ahead of the offset it was set to; beyond the bound it is suspect."""
        for drift, state in ((0, Clock.OK), (-1500, Clock.OK), (SUSPECT_DRIFT_MS, Clock.SUSPECT)):
            terminals = await self.registered(HOUR * 1000 + drift)
            self.assertEqual(await self.clock(terminals), (state, drift))

    async def test_set_at_this_reg(self) -> None:
        """An offset set after the reg was measured does not hide the drift measured at it."""
        terminals = await self.registered(HOUR * 1000 + 700)
        timeline = (ClockEntry(NOW, HOUR, 700), ClockEntry(NOW + 60_000, 2 * HOUR))
        await terminals.set_clock("ZXAB1", timeline, None)
        self.assertEqual(await self.clock(terminals), (Clock.OK, 700))

    async def test_clock_not_told(self) -> None:
        """A terminal that does not tell its time has an unknown clock."""
        self.assertEqual(await self.clock(await self.registered(None)), (Clock.UNKNOWN, None))

    async def test_echo_until_confirmed(self) -> None:
        """A clock with an echoed offset is unknown until somebody confirms a zone."""
        terminals = await self.registered(HOUR * 1000)
        await terminals.set_clock("ZXAB1", (ClockEntry(NOW, HOUR),), HOUR)
        self.assertIs((await self.clock(terminals))[0], Clock.UNKNOWN)
        await terminals.change("ZXAB1", {"timezone": "Europe/Lisbon"})
        self.assertIs((await self.clock(terminals))[0], Clock.OK)

    async def test_frozen(self) -> None:
        """Three repeats of one time value make the clock suspect, and the next reg clears that."""
        terminals = await self.registered(HOUR * 1000)
        await self.repeats(2)
        self.assertIs((await self.clock(terminals))[0], Clock.OK)
        await self.repeats(3)
        self.assertIs((await self.clock(terminals))[0], Clock.SUSPECT)
        await self.approved(terminals, "c3", ahead_ms=HOUR * 1000, now_ms=NOW + 90_000)
        self.assertIs((await self.clock(terminals))[0], Clock.OK)

    async def test_different_times(self) -> None:
        """Repeats of different times, one each, do not make a clock suspect."""
        terminals = await self.registered(HOUR * 1000)
        for second in range(5):
            await self.repeats(1, f"2026-04-02 08:15:0{second}")
        self.assertIs((await self.clock(terminals))[0], Clock.OK)

    async def test_frozen_and_never_measured(self) -> None:
        """A frozen clock is suspect also where its drift was never measured."""
        terminals = await self.terminals()
        await self.approved(terminals, "c1")
        await self.repeats(3)
        self.assertIs((await self.clock(terminals))[0], Clock.SUSPECT)
