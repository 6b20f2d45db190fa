"""The life of an order as a table (design §2.4)."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tfserver.order import ENDS, LIVES, ORDER_TRANSITIONS, Danger, OrderEvent, OrderState


class TableTests(SynchronousTestCase):
    """What holds of the whole table."""

    def test_ends(self) -> None:
        """From an end nothing leads on; from everything else something does."""
        self.assertEqual({state for state, _ in ORDER_TRANSITIONS}, set(OrderState) - ENDS)

    def test_reached(self) -> None:
        """Each state is reached from the first one, and each event happens."""
        reached = {OrderState.QUEUED}
        for _ in OrderState:
            reached |= {following for (state, _), following in ORDER_TRANSITIONS.items() if state in reached}
        self.assertEqual(reached, set(OrderState))
        self.assertEqual({event for _, event in ORDER_TRANSITIONS}, set(OrderEvent))

    def test_true_ends(self) -> None:
        """What was never sent is not told as obeyed, refused or unknown, unless it was sent before."""
        unsent = {
            following
            for (state, event), following in ORDER_TRANSITIONS.items()
            if state is OrderState.QUEUED and event is not OrderEvent.NOT_LEARNED
        }
        self.assertEqual(unsent, {OrderState.SENT, OrderState.EXPIRED, OrderState.CANCELLED})

    def test_lives(self) -> None:
        """Each class has a life, and its usual one is among those allowed."""
        self.assertEqual(set(LIVES), set(Danger))
        for life in LIVES.values():
            self.assertTrue(1 <= life.least <= life.default <= life.most)
