"""All couriers of a process: who is woken, who is looked for, and what ends overdue."""

from __future__ import annotations

from typing import Any

from tests.gateway.carrying import CarryingCase, begun
from tests.gateway.stand_ins import SN
from tfserver.errors import StoreUnavailable
from tfserver.gateway.courier import Courier
from tfserver.gateway.post import DUE_SECONDS, SWEEP_SECONDS
from tfserver.order import OrderEvent

AWAY = StoreUnavailable("away")


class WakeTests(CarryingCase):
    """Wake-ups from the store."""

    def test_ours(self) -> None:
        """The courier of a terminal that is here looks at once."""
        self.put()
        self.post.wake(SN)
        self.assertEqual(self.words(), ["ring"])

    def test_not_ours(self) -> None:
        """A terminal that is not here wakes nobody."""
        self.post.wake("T9")
        self.assertEqual(self.box.calls, [])

    def test_one_courier(self) -> None:
        """A link has one courier, made with its first order."""
        other = self.dialled("c2", "T2")
        self.assertIsNone(other.link.courier)
        self.post.wake("T2")
        self.assertIsInstance(other.link.courier, Courier)
        self.assertIs(self.post.courier_of(other.link), other.link.courier)

    def test_side_by_side(self) -> None:
        """A terminal that does not answer keeps no other from its orders."""
        other = self.dialled("c2", "T2")
        self.carry()
        self.put()
        self.post.wake("T2")
        self.assertEqual([message["cmd"] for message in other.wire.messages()], ["ring"])
        other.says(ret="ring", result=True)
        self.assertEqual(self.events(), [OrderEvent.SAID_TRUE])
        self.assertEqual(self.post.busy, {self.link})


class LookTests(CarryingCase):
    """Looking for orders that are due, should a wake-up not reach us."""

    def look(self) -> None:
        """It is looked once."""
        self.successResultOf(begun(self.post.look()))

    def test_due(self) -> None:
        """A terminal with orders is woken."""
        self.put()
        self.box.terminals_due = [SN]
        self.look()
        self.assertEqual((self.words(), self.box.forgotten), (["ring"], []))

    def test_gone(self) -> None:
        """Terminals that are not here any more are forgotten, all in one call."""
        self.box.terminals_due = ["T8", SN, "T9"]
        self.look()
        self.assertEqual(self.box.forgotten, ["T8", "T9"])
        self.assertEqual(self.box.calls, ["due", "take", "not ours"])

    def test_at_work(self) -> None:
        """One that is at work is left alone: it looks by itself."""
        self.carry()
        self.box.terminals_due = [SN]
        self.look()
        self.answers()
        self.assertEqual(self.box.calls, ["take", "due", "finish and take"])

    def test_none(self) -> None:
        """Nothing due, nothing done."""
        self.look()
        self.assertEqual(self.box.calls, ["due"])


class LoopTests(CarryingCase):
    """What goes on by itself."""

    def setUp(self) -> None:
        super().setUp()
        self.post.start()
        self.addCleanup(self.post.stop)

    def test_goes_on(self) -> None:
        """Orders are looked for, those overdue are swept, and replies that do not come are given up."""
        self.put()
        self.box.terminals_due = [SN]
        self.clock.pump([0.1] * 130)
        self.assertEqual(self.events(), [OrderEvent.NOT_LEARNED])
        self.assertGreaterEqual(self.box.calls.count("sweep"), 13 / SWEEP_SECONDS - 1)
        self.assertGreaterEqual(self.box.calls.count("due"), 13 / DUE_SECONDS - 1)

    def test_store_away(self) -> None:
        """A store that is away ends no loop, and is no mistake."""
        self.box.failures += [AWAY] * 6
        self.clock.pump([0.1] * 30)
        self.put()
        self.box.terminals_due = [SN]
        self.clock.pump([0.1] * 12)
        self.assertEqual(self.words(), ["ring"])

    def test_mistake(self) -> None:
        """A mistake of our own in one round is logged; the next round comes."""
        self.box.failures += [ValueError("ours")]
        self.clock.pump([0.1] * 30)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
        self.assertGreater(self.box.calls.count("sweep"), 2)

    def test_stopped(self) -> None:
        """After the end nothing goes on, and ending twice is no mistake."""
        self.post.stop()
        self.post.stop()
        self.clock.pump([0.1] * 30)
        self.assertEqual((self.box.calls, self.clock.getDelayedCalls()), ([], []))


class Failing:
    """A link whose every look is our own mistake."""

    def tick_command(self) -> None:
        """Time passed."""
        raise ZeroDivisionError


class TickTests(CarryingCase):
    """Replies that take too long."""

    def test_given_up(self) -> None:
        """A reply that takes too long is given up, and only links at work are looked at."""
        other = self.dialled("c2", "T2")
        self.patch(type(other.link), "tick_command", self._noted(type(other.link).tick_command))
        self.seen: set[Any] = set()
        self.carry()
        self.pass_time(10.1)
        self.assertEqual(self.events(), [OrderEvent.NOT_LEARNED])
        self.assertEqual(self.seen, {self.link})

    def _noted(self, looked: Any) -> Any:
        def tick_command(link: Any) -> None:
            """Note who is looked at."""
            self.seen.add(link)
            looked(link)

        return tick_command

    def test_mistake(self) -> None:
        """A mistake with one link keeps no other from its end."""
        odd: list[Any] = [Failing() for _ in range(5)]
        self.post.busy.update(odd)
        self.carry()
        self.pass_time(10.1)
        self.assertGreater(len(self.flushLoggedErrors(ZeroDivisionError)), 0)
        self.assertEqual(self.events(), [OrderEvent.NOT_LEARNED])


class HoldTests(CarryingCase):
    """The process is about to end."""

    def test_all_couriers(self) -> None:
        """No courier takes anything more, also one that is made later."""
        other = self.dialled("c2", "T2")
        self.carry()
        self.post.hold()
        self.put()
        self.box.terminals_due = [SN, "T2"]
        self.successResultOf(begun(self.post.look()))
        self.post.wake("T2")
        self.post.courier_of(other.link).wake()
        self.answers()
        self.assertEqual(self.box.calls, ["take", "finish"])
        self.assertEqual((self.events(), self.post.busy), ([OrderEvent.SAID_TRUE], set()))

    def test_taken_but_not_said(self) -> None:
        """What was taken when it came goes back at once."""
        self.box.meanwhile = self.post.hold
        self.carry()
        self.assertEqual((self.said(), self.events()), ([], [OrderEvent.PUT_BACK]))

    def test_door_taken_but_not_said(self) -> None:
        """A door as well."""
        self.box.meanwhile = self.post.hold
        self.carry("ringgate", 5.0)
        self.assertEqual((self.said(), self.events()), ([], [OrderEvent.PUT_BACK]))
