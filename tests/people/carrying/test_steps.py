"""Steps as commands, and what the ends of their orders mean."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tfserver.order import Order, OrderError, OrderState
from tfserver.people.carrying.steps import ACCEPTED, ALONE, End, is_of, key, outcome, removal, steps
from tfserver.plan import Item, ItemState, ItemView, Op

ACTOR = "plan p"


def a_view(n: int, op: Op = Op.CREDENTIAL, order: int = 0, **more: Any) -> ItemView:
    """A step of person ``n``."""
    slot = 11 if op in (Op.CREDENTIAL, Op.CHECK, Op.REMOVE_CREDENTIAL) else None
    return ItemView(Item(n, op, n, order or n, slot, "v1"), **more)


def an_order(state: OrderState, cmd: str = "setuserinfo", **more: Any) -> Order:
    """An order that ended so."""
    error = OrderError(**more["error"]) if "error" in more else None
    return Order(
        id="o1", sn="T1", cmd=cmd, args=more.get("args", {}), state=state, reply=None, error=error,
        actor=ACTOR, created="", sent=None, finished=None, expires="", attempts=1,
    )  # fmt: skip


class StepsTests(SynchronousTestCase):
    """What goes out in one command."""

    def test_together(self) -> None:
        """Neighbours of one packet go together, credentials each alone."""
        views = [a_view(1), a_view(2), *(a_view(n, Op.NAME, 9) for n in (3, 4, 5)), a_view(6, Op.LOCK, 10)]
        found = [[view.item.n for view in step.views] for step in steps(views)]
        self.assertEqual(found, [[1], [2], [3, 4, 5], [6]])

    def test_apart(self) -> None:
        """What was refused together is tried alone; what was put by different orders is followed apart."""
        packet = [a_view(n, Op.LOCK, 9) for n in (1, 2)]
        alone = [a_view(n, Op.LOCK, 9, told=ALONE) for n in (3, 4)]
        ordered = [a_view(n, Op.LOCK, 9, state=ItemState.ORDERED, order_id=f"o{n}") for n in (5, 6)]
        found = [[view.item.n for view in step.views] for step in steps([*packet, *alone, *ordered])]
        self.assertEqual(found, [[1, 2], [3], [4], [5], [6]])

    def test_over(self) -> None:
        """What has ended, or was accepted and is only to be proven, is not done again."""
        views = [a_view(1, state=ItemState.DONE), a_view(2, state=ItemState.ORDERED, told=ACCEPTED)]
        self.assertEqual(steps(views), [])

    def test_removal(self) -> None:
        """A person is removed in another way with each attempt; a slot always in the same."""
        told = [removal(a_view(1, Op.REMOVE), attempt)["backupnum"] for attempt in (1, 2, 3, 4)]
        self.assertEqual(told, [13, 12, 50, 13])
        self.assertEqual(removal(a_view(1, Op.REMOVE_CREDENTIAL), 2)["backupnum"], 11)

    def test_key(self) -> None:
        """The same step is the same order, until its last one has ended, or it tells something else; no
        record stands in it."""
        fields = {"enrollid": 1, "name": "Ana", "record": "secret"}
        same = key("p", "T1", a_view(1), "setuserinfo", fields)
        self.assertEqual(same, key("p", "T1", a_view(1), "setuserinfo", {**fields, "record": "other"}))
        self.assertNotIn("secret", same)
        others = {
            key("p", "T1", a_view(1, order_id="o1"), "setuserinfo", fields),
            key("p", "T1", a_view(1), "setuserinfo", {**fields, "name": "Bo"}),
            key("p", "T2", a_view(1), "setuserinfo", fields),
            key("q", "T1", a_view(1), "setuserinfo", fields),
        }
        self.assertEqual(len(others - {same}), 4)

    def test_names_count(self) -> None:
        """The people of a packet are part of what its order is."""
        one, two = ({"record": [{"enrollid": n, "name": ""}]} for n in (1, 2))
        view = a_view(1, Op.NAME)
        self.assertNotEqual(key("p", "T", view, "setusername", one), key("p", "T", view, "setusername", two))


class OutcomeTests(SynchronousTestCase):
    """Ends of orders."""

    def test_ends(self) -> None:
        """Each end of an order means one thing to its step."""
        ends = {
            OrderState.DONE: End.ACCEPTED,
            OrderState.REFUSED: End.REFUSED,
            OrderState.FAILED: End.FAILED,
            OrderState.UNKNOWN: End.AGAIN,
            OrderState.EXPIRED: End.UNSENT,
            OrderState.CANCELLED: End.STOPPED,
        }
        self.assertEqual({state: outcome(an_order(state), ACTOR).end for state in ends}, ends)
        self.assertTrue(outcome(an_order(OrderState.UNKNOWN), ACTOR).is_silent)

    def test_busy(self) -> None:
        """A terminal that is busy has refused nothing for good."""
        busy = an_order(OrderState.REFUSED, error={"message": "no", "reason": 1, "msg": "Device busy"})
        self.assertEqual((outcome(busy, ACTOR).end, outcome(busy, ACTOR).is_silent), (End.AGAIN, False))

    def test_words(self) -> None:
        """A refusal is told with the terminal's own reason and words."""
        no = an_order(OrderState.REFUSED, error={"message": "it said no", "reason": 5, "msg": "no face"})
        self.assertEqual(outcome(no, ACTOR).words, "it said no (reason 5, no face)")

    def test_taken_back_by_us(self) -> None:
        """What we took back ourselves may be put again; what somebody else did may not."""
        ours, theirs = (
            an_order(OrderState.CANCELLED, error={"message": f"taken back by {who}"})
            for who in (ACTOR, "token o")
        )
        self.assertEqual([outcome(one, ACTOR).end for one in (ours, theirs)], [End.UNSENT, End.STOPPED])


class StrayTests(SynchronousTestCase):
    """Orders that nobody noted find their steps."""

    def test_its(self) -> None:
        """By command, person and slot; a person is removed by any slot."""
        put = an_order(OrderState.QUEUED, args={"enrollid": 1, "backupnum": 11})
        self.assertTrue(is_of(put, a_view(1)))
        self.assertTrue(is_of(put, a_view(1, Op.CHECK)))
        self.assertFalse(is_of(put, a_view(2)))
        self.assertFalse(is_of(put, a_view(1, Op.REMOVE)))
        removed = an_order(OrderState.QUEUED, "deleteuser", args={"enrollid": 1, "backupnum": 12})
        self.assertTrue(is_of(removed, a_view(1, Op.REMOVE)))
        self.assertFalse(is_of(removed, a_view(1, Op.REMOVE_CREDENTIAL)))

    def test_packets(self) -> None:
        """A packet belongs to all whom it names."""
        names = an_order(
            OrderState.QUEUED, "setusername", args={"record": [{"enrollid": 1}, {"enrollid": 2}]}
        )
        self.assertEqual([is_of(names, a_view(n, Op.NAME)) for n in (1, 2, 3)], [True, True, False])
