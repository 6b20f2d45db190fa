"""All terminals at once, kept a while."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.gateway.stand_ins import Face
from tfserver.errors import StoreUnavailable
from tfserver.metrics import Metrics
from tfserver.pressure import Pressure
from tfserver.store.briefs import Brief
from tfserver.web.dashboard import roll
from tfserver.web.dashboard.roll import Roll


class RollTests(SynchronousTestCase):
    """A registry that changes."""

    def setUp(self) -> None:
        """Three terminals."""
        self.clock = Clock()
        self.there = {sn: Brief(sn) for sn in ("A", "B", "C")}
        self.terminals: Any = Face(briefs=self.page, these_briefs=self.these)
        self.pressure = Pressure(Metrics())
        self.roll = Roll(self.clock, self.terminals, self.pressure)

    def page(self, after: str, limit: int) -> list[Brief]:
        """A page of the registry."""
        return [self.there[sn] for sn in sorted(self.there) if sn > after][:limit]

    def these(self, sns: list[str]) -> list[Brief]:
        """Those that there are."""
        return [self.there[sn] for sn in sns if sn in self.there]

    def names(self) -> list[str]:
        """The names of all, as the roll has them now."""
        found = self.successResultOf(Deferred.fromCoroutine(self.roll.all()))
        return [f"{each.terminal.sn}{each.terminal.name}" for each in found]

    def test_read_in_pages(self) -> None:
        """All are read, page by page, once for everybody who asks within moments."""
        self.patch(roll, "PAGE", 2)
        self.assertEqual(self.names(), ["A", "B", "C"])
        self.clock.advance(roll.FRESH_SECONDS - 1)
        self.assertEqual(self.names(), ["A", "B", "C"])
        self.assertEqual(len(self.terminals.asked("briefs")), 2)

    def test_kept_a_while(self) -> None:
        """What is a little old is shown, and read again meanwhile; what is too old is waited for."""
        self.names()
        slow: Deferred[Any] = Deferred()
        self.terminals.given["briefs"] = slow
        self.clock.advance(roll.FRESH_SECONDS)
        self.assertEqual(self.names(), ["A", "B", "C"])
        self.clock.advance(roll.STALE_SECONDS)
        one, other = (Deferred.fromCoroutine(self.roll.all()) for _ in range(2))
        self.assertNoResult(one)
        slow.callback([Brief("D")])
        self.assertEqual([len(self.successResultOf(each)) for each in (one, other)], [1, 1])
        self.assertEqual(len(self.terminals.asked("briefs")), 2)

    def test_changes(self) -> None:
        """What was decided is seen by whoever asks next; who was deleted is gone."""
        self.names()
        self.there["B"] = Brief("B", name="!")
        del self.there["C"]
        self.assertEqual(self.names(), ["A", "B", "C"])
        self.roll.note(["b", "C"])
        self.assertEqual(sorted(self.names()), ["A", "B!"])

    def test_change_while_reading(self) -> None:
        """A reading that passed a terminal by before it changed does not bring back what was."""
        self.names()
        slow: Deferred[Any] = Deferred()
        self.terminals.given["briefs"] = slow
        self.clock.advance(roll.FRESH_SECONDS)
        self.names()
        self.there["B"] = Brief("B", name="!")
        self.roll.note(["B"])
        self.assertIn("B!", self.names())
        slow.callback([Brief("A"), Brief("B")])
        self.assertIn("B!", self.names())

    def test_many_changes(self) -> None:
        """After many changes all are read again."""
        self.names()
        self.roll.note(f"X{n}" for n in range(roll.MOST_CHANGED + 1))
        self.names()
        self.assertEqual((len(self.terminals.asked("briefs")), self.terminals.asked("these_briefs")), (2, []))

    def test_store_away(self) -> None:
        """Who waits learns that the store is away, and who asks later waits for it again."""
        self.terminals.given["briefs"] = StoreUnavailable("away")
        for _ in range(2):
            self.failureResultOf(Deferred.fromCoroutine(self.roll.all()), StoreUnavailable)
        self.terminals.given["briefs"] = self.page
        self.assertEqual(self.names(), ["A", "B", "C"])

    def test_store_away_for_changes(self) -> None:
        """A change that could not be read is not forgotten."""
        self.names()
        self.there["B"] = Brief("B", name="!")
        self.roll.note(["B"])
        self.terminals.given["these_briefs"] = StoreUnavailable("away")
        self.failureResultOf(Deferred.fromCoroutine(self.roll.all()), StoreUnavailable)
        self.terminals.given["these_briefs"] = self.these
        self.assertIn("B!", self.names())

    def test_who_leaves(self) -> None:
        """One who goes away while it is read takes nothing from others."""
        self.terminals.given["briefs"] = slow = Deferred()
        one, other = (Deferred.fromCoroutine(self.roll.all()) for _ in range(2))
        one.addErrback(lambda _: None)
        one.cancel()
        slow.callback([])
        self.assertEqual(self.successResultOf(other), [])

    def test_pressed(self) -> None:
        """While punches need all there is, what is a little old does."""
        self.names()
        self.pressure.measure(10.0)
        self.pressure.measure(10.0)
        self.pressure.measure(10.0)
        self.assertTrue(self.pressure.is_high)
        self.clock.advance(roll.FRESH_SECONDS)
        self.names()
        self.assertEqual(len(self.terminals.asked("briefs")), 1)
