"""Waiting for an order that was put a moment ago: its end is told, and nobody looks."""

from __future__ import annotations

from typing import Any

import msgspec
from twisted.internet.defer import Deferred

from tests.commanding import CommanderCase, order
from tfserver.commander import LOOK_SECONDS, MOST_EXPECTED
from tfserver.order import Order, OrderState
from tfserver.store.outbox import Put

MS = 1_775_000_000_000
TOLD = f'{{"state":"done","finished":{MS + 20},"sent":{MS},"attempts":1,"reply":{{"n":1}},"error":null}}'
WOKEN = f"ended id1 {TOLD}"


class ExpectingTests(CommanderCase):
    """The end of an order that this process put to wait for."""

    def setUp(self) -> None:
        super().setUp()
        self.outbox.given["put"] = Put("put", "id1", order())
        self.outbox.given["get"] = order(OrderState.CANCELLED)

    def waiting(self, **more: Any) -> Deferred[Order]:
        """Somebody puts it, and waits."""
        self.successResultOf(self.ordering(**{"waits": True, **more}))
        return self.begun(self.commander.ended("id1", 30.0))

    def looks(self) -> int:
        """How often the store was asked for it."""
        return len(self.outbox.asked("get"))

    def test_told(self) -> None:
        """The end is as the message tells it, and the store was not asked."""
        waiting = self.waiting()
        self.assertNoResult(waiting)
        self.commander.woken(WOKEN)
        found = self.successResultOf(waiting)
        self.assertEqual((found.state, found.reply, found.error), (OrderState.DONE, {"n": 1}, None))
        self.assertEqual((found.sent, found.attempts), ("2026-03-31T23:33:20.000Z", 1))
        self.assertEqual((found.finished, found.cmd), ("2026-03-31T23:33:20.020Z", "ring"))
        self.assertEqual(self.looks(), 0)

    def test_told_without_the_end(self) -> None:
        """A message that only says that it ended, or can't be read, lets one look."""
        for message in ("ended id1", "ended id1 {", 'ended id1 {"state":"odd"}', f"{WOKEN}}}"):
            waiting = self.waiting()
            self.commander.woken(message)
            self.assertIs(self.successResultOf(waiting).state, OrderState.CANCELLED)
        self.assertEqual(self.looks(), 4)

    def test_told_before_the_answer(self) -> None:
        """An end that is heard of before the answer to the put is not missed, and not remembered after."""
        putting: Deferred[Put] = Deferred()
        self.outbox.given["put"] = putting
        ordering = self.ordering(waits=True)
        self.commander.woken(WOKEN)
        putting.callback(Put("put", "id1", order()))
        self.successResultOf(ordering)
        self.assertIs(
            self.successResultOf(self.begun(self.commander.ended("id1", 30))).state, OrderState.CANCELLED
        )
        self.assertEqual(self.commander._early, {})

    def test_told_before_the_wait(self) -> None:
        """An end that is heard of between the put and the wait is not missed."""
        self.successResultOf(self.ordering(waits=True))
        self.commander.woken(WOKEN)
        waiting = self.begun(self.commander.ended("id1", 30))
        self.assertIs(self.successResultOf(waiting).state, OrderState.CANCELLED)

    def test_message_lost(self) -> None:
        """An end whose message is lost is found by looking, no later than for any other order."""
        waiting = self.waiting()
        self.clock.advance(LOOK_SECONDS)
        self.assertIs(self.successResultOf(waiting).state, OrderState.CANCELLED)

    def test_put_by_somebody_else(self) -> None:
        """A repeat of an order, and one that was not put to wait for, is looked at: its end may be past."""
        self.outbox.given["put"] = Put("again", "id1")
        self.successResultOf(self.waiting())
        self.outbox.given["put"] = Put("put", "id1", order())
        self.successResultOf(self.waiting(waits=False))
        # the answer to a repeat is a look too
        self.assertEqual(self.looks(), 3)

    def test_second_wait(self) -> None:
        """Who waits for it again looks, as nobody knows what was heard meanwhile."""
        waiting = self.waiting()
        self.commander.woken(WOKEN)
        self.successResultOf(waiting)
        self.successResultOf(self.begun(self.commander.ended("id1", 30)))
        self.assertEqual(self.looks(), 1)

    def test_bounded(self) -> None:
        """Orders that nobody waits for, and ends that nobody asked for, are forgotten, the oldest first."""
        for number in range(MOST_EXPECTED + 10):
            made = msgspec.structs.replace(order(), id=f"n{number}")
            self.outbox.given["put"] = Put("put", made.id, made)
            self.successResultOf(self.ordering(waits=True))
            self.commander.woken(f"ended e{number}")
        self.assertEqual(len(self.commander._expected), MOST_EXPECTED)
        self.assertEqual(len(self.commander._early), MOST_EXPECTED)
        self.assertNotIn("n9", self.commander._expected)
        self.assertIn(f"n{MOST_EXPECTED + 9}", self.commander._expected)
