"""How long a plan takes is told by how long the terminal took before."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.people.planning_house import PlanningCase
from tfserver.credentials import PHOTO
from tfserver.order import Order, OrderState
from tfserver.people.pacing import FASTEST, LEAST_ORDERS, SLOWEST, pace_of
from tfserver.plan import Options, Scope


def order(cmd: str = "setuserinfo", seconds: float = 0.8, **said: Any) -> Order:
    """An order that a terminal obeyed, so many seconds after it was told."""
    minutes, rest = divmod(seconds, 60)
    given: dict[str, Any] = {
        "id": "o", "sn": "T1", "cmd": cmd, "args": {"backupnum": 11}, "state": OrderState.DONE, "reply": {},
        "error": None, "actor": "token o", "created": "", "sent": "2026-04-02T06:00:00.000Z",
        "finished": f"2026-04-02T06:{int(minutes):02}:{rest:06.3f}Z", "expires": "", "attempts": 1,
    }  # fmt: skip
    return Order(**given | said)


class PacingTests(SynchronousTestCase):
    """What is learned from orders."""

    def test_learned(self) -> None:
        """One that takes three times as long is three times as slow, whatever it did; photos take longer
        everywhere."""
        slow = [order(seconds=2.4), order("deleteuser", 1.5), order("setuserlock", 3.0)]
        slow += [order(seconds=9.0, args={"backupnum": PHOTO}), order("deleteuserlock", 0.9)]
        self.assertAlmostEqual(pace_of(slow), 3.0)

    def test_too_little(self) -> None:
        """A few orders, those of other commands, and those without a plain answer tell nothing."""
        few = [order(seconds=8.0)] * (LEAST_ORDERS - 1)
        others = [
            order("getuserlist", 30.0),
            order(seconds=8.0, attempts=2),
            order(seconds=8.0, state=OrderState.UNKNOWN),
            order(seconds=8.0, sent=None),
        ]
        self.assertEqual(pace_of([]), 1.0)
        self.assertEqual(pace_of(few + others), 1.0)
        self.assertAlmostEqual(pace_of([*few, order(seconds=8.0)]), 10.0)

    def test_bounds(self) -> None:
        """No plan takes no time, and none takes for ever."""
        self.assertEqual(pace_of([order(seconds=0.0)] * 9), FASTEST)
        self.assertEqual(pace_of([order(seconds=900.0)] * 9), SLOWEST)


class PlannedPaceTests(PlanningCase):
    """Over a real store."""

    async def test_minutes(self) -> None:
        """A slow terminal is told to take longer for the same plan."""
        planner = await self.begin()
        await self.terminal("T1")
        for enrollid in range(1, 16):
            await self.person(enrollid, "staff")
        minutes = []
        for self.orders in ([], [order(seconds=8.0)] * LEAST_ORDERS):
            plan = await planner.plan(Scope(terminals=("T1",)), Options(), "token o")
            (head,) = await self.means.plans.terminals(plan.id, plan.sns)
            minutes.append(head.minutes)
        self.assertEqual(minutes, [0.2, 2.0])
