"""One terminal's orders: when the next is taken, what if the store is away, and jobs of our own."""

from __future__ import annotations

from typing import Any

from tests.gateway.carrying import CarryingCase, Ring
from tests.gateway.stand_ins import SN
from tfserver.errors import StoreUnavailable
from tfserver.gateway.courier import MOST_OWN, MOST_TELLS, TELL_AGAIN_SECONDS, Courier
from tfserver.order import OrderEvent
from tfserver.wire.exchange import End

AWAY = StoreUnavailable("away")


class NextTests(CarryingCase):
    """When the next order is taken."""

    def test_one_after_another(self) -> None:
        """The next one comes with the end of the one before, without another look."""
        for _ in range(3):
            self.put()
        self.courier.wake()
        for number in (1, 2, 3):
            self.assertEqual(len(self.words()), number)
            self.answers()
        self.assertEqual(self.box.calls, ["take", *["finish and take"] * 3])
        self.assertFalse(self.courier.is_working)
        self.assertEqual(self.post.busy, set())

    def test_busy(self) -> None:
        """While something is carried out the link is among the busy ones."""
        self.carry()
        self.assertTrue(self.courier.is_working)
        self.assertEqual(self.post.busy, {self.link})

    def test_woken_while_working(self) -> None:
        """A wake-up while the last one is told is not lost: it is looked again."""
        self.carry()
        self.courier.wake()
        self.answers()
        self.assertEqual(self.box.calls, ["take", "finish and take", "take"])

    def test_nothing_there(self) -> None:
        """A wake-up for nothing is one look."""
        self.courier.wake()
        self.assertEqual((self.box.calls, self.courier.is_working), (["take"], False))

    def test_after_what_goes_back(self) -> None:
        """After an order that went back none is taken: it would be the same."""
        self.stand.terminals.given["mark_disabled"] = AWAY
        self.put("hush")
        self.carry()
        self.assertEqual((self.box.calls, self.events()), (["take", "finish"], [OrderEvent.PUT_BACK]))

    def test_closing(self) -> None:
        """On a link that ends nothing is taken; what was taken already goes back."""
        self.box.meanwhile = lambda: self.link.close(1001, "going")
        self.put()
        self.carry()
        self.assertEqual((self.box.calls, self.events()), (["take", "finish"], [OrderEvent.PUT_BACK]))
        self.courier.wake()
        self.assertEqual(self.box.calls, ["take", "finish"])

    def test_held(self) -> None:
        """When the process is to end what is in flight ends, is told, and nothing more is taken."""
        self.put()
        self.carry()
        self.post.hold()
        self.answers()
        self.assertEqual((self.box.calls, self.events()), (["take", "finish"], [OrderEvent.SAID_TRUE]))
        self.courier.wake()
        self.post.wake(SN)
        self.assertEqual(self.box.calls, ["take", "finish"])


class StoreAwayTests(CarryingCase):
    """The store is away."""

    def test_when_taking(self) -> None:
        """Nothing happens, and the next wake-up looks again."""
        self.box.failures.append(AWAY)
        self.carry()
        self.assertEqual((self.said(), self.courier.is_working, self.post.busy), ([], False, set()))
        self.courier.wake()
        self.assertEqual(self.words(), ["ring"])

    def test_when_telling(self) -> None:
        """An end that could not be told is told again after a moment, and the next order is taken then."""
        self.carry()
        self.box.failures += [AWAY] * 2
        self.put()
        self.answers(times=2)
        self.assertEqual(self.box.ended, [])
        self.pass_time(TELL_AGAIN_SECONDS + 0.1)
        self.assertEqual(self.box.ended, [])
        self.pass_time(TELL_AGAIN_SECONDS)
        self.assertEqual(self.outcome(), (OrderEvent.SAID_TRUE, {"times": 2}, None))
        self.assertEqual(self.words(), ["ring", "ring"])

    def test_when_telling_for_long(self) -> None:
        """Some day it is given up: the sweep of every process ends the order. The next ones go on."""
        self.carry()
        self.box.failures += [AWAY] * (MOST_TELLS + 1)
        self.answers()
        self.pass_time((MOST_TELLS + 1) * TELL_AGAIN_SECONDS)
        self.assertEqual((self.box.ended, self.courier.is_working), ([], False))
        self.assertEqual(self.box.calls.count("finish and take"), MOST_TELLS + 1)
        self.carry()
        self.assertEqual(self.words(), ["ring", "ring"])

    def test_told_after_the_loss(self) -> None:
        """Also the end of an order whose connection is gone meanwhile is told again."""
        self.carry()
        self.box.failures.append(AWAY)
        self.link.lost()
        self.pass_time(TELL_AGAIN_SECONDS + 0.1)
        self.assertEqual(self.events(), [OrderEvent.NOT_LEARNED])

    def test_time_left_after_telling_again(self) -> None:
        """The seconds of an order that came with an end told late run from the call that brought it."""
        self.carry()
        self.box.failures.append(AWAY)
        self.put(left=TELL_AGAIN_SECONDS / 2)
        self.answers()
        self.pass_time(TELL_AGAIN_SECONDS + 0.1)
        self.assertEqual(self.words(), ["ring", "ring"])


class HandTests(CarryingCase):
    """What the store is told with each call, should its answer to an earlier one have been lost."""

    def test_in_hand(self) -> None:
        """Each call has a number, and says which order is in hand until its end is told."""
        first = self.put()
        second = self.put()
        self.courier.wake()
        self.answers()
        self.answers()
        self.courier.wake()
        self.assertEqual(self.box.hands, [(1, set()), (2, {first}), (3, {second}), (4, set())])

    def test_end_not_heard(self) -> None:
        """While nobody heard that its end was told an order stays in hand, also when that is given up."""
        order_id = self.carry()
        self.box.failures += [AWAY] * (MOST_TELLS + 1)
        self.answers()
        self.pass_time((MOST_TELLS + 1) * TELL_AGAIN_SECONDS)
        self.courier.wake()
        self.assertEqual([ids for _, ids in self.box.hands[1:]], [{order_id}] * (MOST_TELLS + 2))
        self.assertEqual([call for call, _ in self.box.hands], list(range(1, MOST_TELLS + 4)))

    def test_handing_over_not_heard(self) -> None:
        """What nobody heard of is not in hand."""
        self.box.failures.append(AWAY)
        self.carry()
        self.courier.wake()
        self.assertEqual(self.box.hands, [(1, set()), (2, set())])

    def test_doors_between_pages(self) -> None:
        """A list that is being read stays in hand while doors are opened."""
        reading = self.carry("getrings")
        opened = self.put("ringgate", 5.0)
        self.courier.wake(is_door=True)
        self.answers("getrings", record=[{"n": 1}])
        self.answers("ringgate")
        self.assertEqual([ids for _, ids in self.box.hands], [set(), {reading}, {reading, opened}, {reading}])


class OwnTests(CarryingCase):
    """What the process wants to know for itself."""

    def setUp(self) -> None:
        super().setUp()
        self.done: list[str] = []

    def job(self, name: str) -> Any:
        """Something that says what it is when its command is answered."""

        async def run(courier: Courier) -> None:
            """Ask, and note it."""
            await courier.ask(Ring())
            self.done.append(name)

        return run

    def test_when_nothing_waits(self) -> None:
        """It is done at once when no order waits."""
        self.courier.own(self.job("a"))
        self.assertEqual(self.words(), ["ring"])
        self.answers()
        self.assertEqual((self.done, self.courier.is_working), (["a"], False))

    def test_orders_first(self) -> None:
        """Orders that wait go before it, also those that come while another job is done."""
        self.courier.own(self.job("a"))
        self.courier.own(self.job("b"))
        self.carry(args={"times": 7})
        self.answers()
        self.assertEqual((self.done, self.said()[-1]), (["a"], {"cmd": "ring", "times": 7}))
        self.answers()
        self.answers()
        self.assertEqual(self.done, ["a", "b"])

    def test_bounded(self) -> None:
        """Too many are not kept."""
        for number in range(MOST_OWN + 5):
            self.courier.own(self.job(str(number)))
        for _ in range(MOST_OWN + 6):
            self.answers()
        self.assertEqual(len(self.done), MOST_OWN + 1, "one under way, and as many as are kept")

    def test_begets_another(self) -> None:
        """A job that at once asks for another, or wakes, does not set a second one to work beside it."""

        async def run(courier: Courier) -> None:
            """More to do."""
            courier.own(self.job("b"))
            courier.wake()
            self.assertEqual(self.words(), [])
            await courier.ask(Ring())
            self.done.append("a")

        self.courier.own(run)
        self.assertEqual(self.words(), ["ring"])
        self.answers()
        self.answers()
        self.assertEqual((self.done, self.courier.is_working), (["a", "b"], False))

    def test_mistake(self) -> None:
        """A mistake in one is logged and harms neither the next order nor another terminal's."""
        other = self.dialled("c2", "T2")

        async def run(courier: Courier) -> None:
            """Our own mistake."""
            raise ValueError("ours")

        self.courier.own(run)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
        self.assertEqual((self.courier.is_working, self.post.busy), (False, set()))
        self.carry()
        self.answers()
        self.assertEqual(self.events(), [OrderEvent.SAID_TRUE])
        self.put()
        self.post.wake("T2")
        self.assertEqual([message["cmd"] for message in other.wire.messages()], ["ring"])

    def test_store_away(self) -> None:
        """A store that is away ends one; what it failed on is no mistake."""

        async def run(courier: Courier) -> None:
            """The store is asked."""
            raise AWAY

        self.courier.own(run)
        self.assertFalse(self.courier.is_working)

    def test_link_that_ends(self) -> None:
        """On a link that ends none is done, and one that asks learns that nothing was sent."""
        found: list[End] = []

        async def run(courier: Courier) -> None:
            """Ask on a link that ends."""
            self.link.close(1001, "going")
            found.append((await courier.ask(Ring())).end)

        self.courier.own(run)
        self.courier.own(self.job("b"))
        self.assertEqual((found, self.said(), self.done), ([End.UNSENT], [], []))
