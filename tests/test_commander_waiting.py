"""Waiting for the end of an order, and taking orders back."""

from __future__ import annotations

import msgspec
from twisted.internet.defer import CancelledError, Deferred

from tests.commanding import CommanderCase, order
from tests.gateway.stand_ins import SN
from tfserver.commander import LOOK_SECONDS, NotNow, UnknownOrder
from tfserver.errors import StoreUnavailable
from tfserver.order import ENDS, Order, OrderState


class WaitingTests(CommanderCase):
    """Waiting for the end."""

    def waiting(self, seconds: float = 30.0, order_id: str = "id1") -> Deferred[Order]:
        """Somebody waits."""
        return self.begun(self.commander.ended(order_id, seconds))

    def ends(self, state: OrderState = OrderState.DONE) -> None:
        """The order has this state from now on."""
        self.outbox.given["get"] = order(state)

    def test_ended_already(self) -> None:
        """Who asks for an order that ended gets it at once, whichever end it was."""
        for state in sorted(ENDS):
            self.ends(state)
            self.assertIs(self.successResultOf(self.waiting()).state, state)

    def test_woken(self) -> None:
        """A message of its end wakes who waits, without a moment's delay."""
        waiting = self.waiting()
        self.assertNoResult(waiting)
        self.ends()
        self.assertNoResult(waiting)
        self.commander.woken("ended id1")
        self.assertIs(self.successResultOf(waiting).state, OrderState.DONE)

    def test_counted(self) -> None:
        """How many wait is told by the metrics, however their waits end."""
        both = [self.waiting(), self.waiting(order_id="id2")]
        self.assertEqual(self.metrics.waits, 2)
        both[0].cancel()
        self.failureResultOf(both[0], CancelledError)
        self.assertEqual(self.metrics.waits, 1)
        self.ends()
        self.commander.woken("ended id2")
        self.successResultOf(both[1])
        self.assertEqual(self.metrics.waits, 0)

    def test_woken_too_early(self) -> None:
        """A message of something that is no end lets it wait on, and be woken again."""
        waiting = self.waiting()
        for _ in range(3):
            self.commander.woken("ended id1")
        self.assertNoResult(waiting)
        self.ends()
        self.commander.woken("ended id1")
        self.successResultOf(waiting)

    def test_woken_by_its_own(self) -> None:
        """The end of another order wakes nobody here."""
        waiting = self.waiting()
        asked = len(self.outbox.calls)
        self.commander.woken("ended id2")
        self.assertEqual(len(self.outbox.calls), asked)
        self.assertNoResult(waiting)

    def test_message_lost(self) -> None:
        """An end whose message is lost is found by looking."""
        waiting = self.waiting()
        self.ends()
        self.clock.advance(LOOK_SECONDS / 2)
        self.assertNoResult(waiting)
        self.clock.advance(LOOK_SECONDS / 2)
        self.assertIs(self.successResultOf(waiting).state, OrderState.DONE)

    def test_message_before_the_look(self) -> None:
        """An end between the look and the wait is not missed."""
        looking: Deferred[Order] = Deferred()
        self.outbox.given["get"] = looking
        waiting = self.waiting()
        self.commander.woken("ended id1")
        self.ends()
        looking.callback(order(OrderState.SENT))
        self.assertIs(self.successResultOf(waiting).state, OrderState.DONE)

    def test_time_up(self) -> None:
        """When the seconds are over the order is given as it is then."""
        waiting = self.waiting(2.5)
        self.clock.pump([0.5] * 4)
        self.assertNoResult(waiting)
        self.outbox.given["get"] = order(OrderState.SENT)
        self.clock.advance(0.5)
        self.assertIs(self.successResultOf(waiting).state, OrderState.SENT)

    def test_no_time(self) -> None:
        """Who waits for no time gets it at once."""
        self.assertIs(self.successResultOf(self.waiting(0)).state, OrderState.QUEUED)

    def test_unknown(self) -> None:
        """An order that is not there, or is forgotten meanwhile, is told so."""
        waiting = self.waiting()
        self.outbox.given["get"] = None
        self.failureResultOf(self.waiting(order_id="nothing"), UnknownOrder)
        self.commander.woken("ended id1")
        self.failureResultOf(waiting, UnknownOrder)

    def test_many(self) -> None:
        """All who wait for one order are woken by one message."""
        waiting = [self.waiting() for _ in range(50)]
        self.ends()
        self.commander.woken("ended id1")
        self.assertEqual({self.successResultOf(each).state for each in waiting}, {OrderState.DONE})

    def test_one_gives_up(self) -> None:
        """One who gives up waiting, or whose look fails, takes nothing from the others."""
        first, second, third = self.waiting(), self.waiting(), self.waiting(0.5)
        first.cancel()
        self.failureResultOf(first, CancelledError)
        self.clock.advance(0.5)
        self.successResultOf(third)
        self.ends()
        self.commander.woken("ended id1")
        self.successResultOf(second)

    def test_store_away(self) -> None:
        """A store that is away while somebody waits is told to whom waits."""
        waiting = self.waiting()
        self.outbox.given["get"] = StoreUnavailable("away")
        self.clock.advance(1)
        self.failureResultOf(waiting, StoreUnavailable)

    def test_nothing_is_left(self) -> None:
        """When nobody waits any more nothing is kept of it, and no call is due."""
        self.successResultOf(self.waiting(0))
        given_up = self.waiting()
        given_up.cancel()
        self.failureResultOf(given_up, CancelledError)
        woken = self.waiting()
        self.ends()
        self.commander.woken("ended id1")
        self.successResultOf(woken)
        self.assertEqual(self.commander._waiting, {})
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_woken_for_nobody(self) -> None:
        """A message of an order that nobody waits for is nothing."""
        self.commander.woken("ended id9")
        self.assertEqual(self.outbox.calls, [])


class CancelTests(CommanderCase):
    """Taking orders back."""

    def cancelling(self) -> Deferred[Order]:
        """Somebody takes it back."""
        return self.begun(self.commander.cancel("id1", "token 2"))

    def test_queued(self) -> None:
        """A queued one is taken back, and given as it is then."""
        self.outbox.given["get"] = order(OrderState.CANCELLED)
        self.assertIs(self.successResultOf(self.cancelling()).state, OrderState.CANCELLED)
        self.assertEqual(self.outbox.asked("cancel"), [("id1", "token 2")])

    def test_too_late(self) -> None:
        """What was sent or has ended is not taken back, and why is told."""
        for state in (OrderState.SENT, *sorted(ENDS)):
            self.outbox.given["cancel"] = state
            self.assertIn(state.value, str(self.failureResultOf(self.cancelling(), NotNow).value))

    def test_unknown(self) -> None:
        """An order that is not there can't be taken back."""
        self.outbox.given.update(cancel=None, get=None)
        self.failureResultOf(self.cancelling(), UnknownOrder)

    def test_forget(self) -> None:
        """All that waits for a terminal is taken back, page by page, before it is forgotten, and what was put
        meanwhile afterwards."""
        pages = {"": ([order(), order(OrderState.SENT)], "2"), "2": ([order(), order(OrderState.DONE)], None)}
        later = {"": ([msgspec.structs.replace(order(), id="id9")], None)}
        self.outbox.given["listing"] = lambda sn, limit, cursor: pages[cursor]

        def delete(sn: str) -> bool:
            """It is forgotten."""
            self.assertEqual(self.outbox.asked("cancel"), [("id1", "token 2")] * 2)
            self.outbox.given["listing"] = lambda sn, limit, cursor: later[cursor]
            return True

        self.terminals.given["delete"] = delete
        self.assertTrue(self.successResultOf(self.begun(self.commander.forget(SN, "token 2"))))
        self.assertEqual(self.outbox.asked("cancel")[2:], [("id9", "token 2")])
        self.assertEqual(self.terminals.asked("delete"), [(SN,)])
