"""Doors are opened between the pages of a list; a terminal may lose its place in the list by that."""

from __future__ import annotations

import gc
from typing import Any

from twisted.internet.defer import Deferred

from tests.gateway.test_reading import ReadingCase
from tfserver.errors import StoreUnavailable
from tfserver.gateway.courier import DOORS_SECONDS
from tfserver.order import OrderEvent
from tfserver.wire.paging import MOST_RESTARTS

AWAY = StoreUnavailable("away")


class DoorsTests(ReadingCase):
    """Doors between pages."""

    def door(self) -> str:
        """A door waits, and who reads is woken."""
        order_id = self.put("ringgate", 5.0)
        self.courier.wake(is_door=True)
        return order_id

    def test_between_pages(self) -> None:
        """A door is opened before the next page is asked for, and told at once."""
        self.carry("getallrings")
        self.put()
        order_id = self.door()
        self.assertEqual(self.words(), ["getallrings"])
        self.page(1, **{"from": 0})
        self.assertEqual(self.words(), ["getallrings", "ringgate"])
        self.answers("ringgate")
        self.assertEqual(self.box.ended[0][0], order_id)
        self.page(2, **{"from": 1})
        self.assertEqual(self.words(), ["getallrings", "ringgate", *["getallrings"] * 2])

    def test_several(self) -> None:
        """All doors that wait are opened, one after another."""
        self.carry("getallrings")
        self.door()
        self.door()
        self.page(1)
        self.answers("ringgate")
        self.answers("ringgate")
        self.assertEqual(self.words(), ["getallrings", *["ringgate"] * 2, "getallrings"])

    def test_found_by_looking(self) -> None:
        """A door whose wake-up was lost is found after a second."""
        self.carry("getallrings")
        self.pass_time(DOORS_SECONDS + 0.1)
        self.put("ringgate", 5.0)
        self.page(1)
        self.assertEqual(self.words()[-1], "ringgate")

    def test_not_looked_for_each_page(self) -> None:
        """Without a wake-up it is not looked with each page."""
        self.carry("getallrings")
        for n in range(5):
            self.page(n)
        self.assertNotIn("doors", self.box.calls)

    def test_place_kept(self) -> None:
        """A terminal that kept its place goes on where it was."""
        self.carry("getallrings")
        self.door()
        self.page(1, **{"from": 0})
        self.answers("ringgate")
        self.page(2, **{"from": 1})
        self.page()
        self.page()
        self.assertEqual((self.records(), self.asked()[-1]), ([1, 2], ("getallrings", False)))

    def test_place_lost(self) -> None:
        """A terminal that lost its place begins again: some comes twice, and nothing is missing."""
        self.carry("getallrings")
        self.door()
        self.page(1, **{"from": 0}, count=3)
        self.answers("ringgate")
        self.page(1, **{"from": 0}, count=3)
        self.assertEqual(self.asked()[-1], ("getallrings", True))
        self.page(1, 2, **{"from": 0}, count=3)
        self.page(3, **{"from": 2}, count=3)
        self.assertEqual(self.records(), [1, 1, 1, 2, 3])
        self.assertTrue(self.outcome_of("getallrings").reply["complete"])
        self.assertEqual(self.stand.count('tfserver_notes_total{what="lost its place"}'), 1)

    def test_place_lost_while_a_page_is_kept(self) -> None:
        """A list begins again only when the page before is kept, and loses neither that page nor the door."""
        self.keeping = [Deferred(), Deferred()]
        first, second = self.keeping
        self.carry("getallrings")
        self.door()
        self.page(1, **{"from": 0}, count=3)
        self.assertEqual(self.words(), ["getallrings", "ringgate"])
        self.answers("ringgate")
        self.page(1, **{"from": 0}, count=3)
        self.assertEqual((self.records(), self.asked()[-1]), ([1, 1], ("getallrings", False)))
        first.callback(None)
        self.assertEqual(self.asked()[-1], ("getallrings", True))
        self.page(1, 2, **{"from": 0}, count=3)
        self.assertEqual((self.records(), self.asked()[-1]), ([1, 1, 1, 2], ("getallrings", True)))
        second.callback(None)
        self.page(3, **{"from": 2}, count=3)
        told = {"complete": True, "pages": 4, "records": 5, "new": 4}
        self.assertEqual(self.outcome_of("getallrings").reply, told)

    def outcome_of(self, cmd: str) -> Any:
        """What was told of the list; that of the door came before it."""
        return self.box.ended[-1][1]

    def test_listed_again(self) -> None:
        """A list that is told to people and begins again is told once."""
        self.carry("getrings")
        self.door()
        self.page(1, cmd="getrings")
        self.answers("ringgate")
        self.page(1, cmd="getrings")
        self.page(1, 2, cmd="getrings")
        self.page(cmd="getrings")
        self.assertEqual([ring["n"] for ring in self.outcome_of("getrings").reply["rings"]], [1, 2])

    def test_interrupted_for_ever(self) -> None:
        """A list that is interrupted again and again ends, and says that it is not all."""
        self.carry("getallrings")
        for _ in range(MOST_RESTARTS + 1):
            self.door()
            self.page(1, **{"from": 0})
            self.answers("ringgate")
            self.page(1, **{"from": 0})
        self.assertFalse(self.outcome_of("getallrings").reply["complete"])

    def test_door_without_answer(self) -> None:
        """A door that is not answered cuts the connection; the list is not learned."""
        self.carry("getallrings")
        self.door()
        self.page(1)
        self.pass_time(5.1)
        self.assertEqual(self.wire.events[-1], "abort")
        self.assertEqual(self.events(), [OrderEvent.NOT_LEARNED] * 2)

    def test_door_of_a_link_that_ends(self) -> None:
        """A door that was taken on a link that ends goes back, and is not taken again and again."""
        self.carry("getallrings")
        self.box.meanwhile = lambda: self.link.close(1001, "going")
        self.door()
        self.page(1)
        self.assertEqual(self.words(), ["getallrings"])
        self.assertEqual(self.events(), [OrderEvent.PUT_BACK, OrderEvent.NOT_LEARNED])

    def test_given_up_while_a_page_is_kept(self) -> None:
        """What becomes of a page whose reading was given up is nobody's mistake."""
        failed: Deferred[None] = Deferred()
        self.keeping = [failed]
        self.carry("getallrings")
        # each its own: one that was raised remembers all it went through
        self.box.failures.append(StoreUnavailable("away"))
        self.door()
        self.page(1)
        self.assertFalse(self.courier.is_working)
        failed.errback(StoreUnavailable("away"))
        del failed
        gc.collect()
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_store_away(self) -> None:
        """When it can't be looked for doors the list is given up: every process' sweep ends it."""
        self.carry("getallrings")
        self.box.failures.append(AWAY)
        self.door()
        self.page(1)
        self.assertEqual((self.box.ended, self.courier.is_working), ([], False))
