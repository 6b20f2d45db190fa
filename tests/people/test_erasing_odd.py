"""Erasing people at terminals that lie or say nothing, by processes that die."""

from __future__ import annotations

from tests.people.copied_worlds import Killed
from tests.people.erasing_world import DAY, A, B, C, ErasingCase, N, World
from tfserver.commander import NotNow
from tfserver.simulator.dialects import AIFACE


class RefusalTests(ErasingCase):
    """Terminals that say true and keep it, or say nothing."""

    def test_liar(self) -> None:
        """One that says true and does not delete is told as refusing, and tried again every day."""
        world = self.world
        box = world.add(A, moods="keeps-nothing*12:deleteuser")
        world.enrol(A)
        erasure = world.order()
        world.run()
        place = world.at(erasure, A)
        self.assertEqual(place.state.value, "refused")
        self.assertIn("still on the list read at", place.told)
        [news] = world.news()
        self.assertEqual((news["sn"], news["erasure"]), (A, erasure))
        self.assertNotIn("Ines", str(news))
        tried = len(box.given)
        world.run()
        self.assertEqual(len(box.given), tried)
        for _ in range(5):
            world.client.now += DAY + 1
            world.run()
        self.assertGreater(len(box.given), tried)
        self.assertEqual((self.states(erasure, A), box.memory.users), (["done"], {}))

    def test_one_refuses_others_do_not(self) -> None:
        """The others are done with meanwhile."""
        world = self.world
        world.add(A, moods="keeps-nothing:deleteuser")
        for sn in (B, C):
            world.add(sn)
        for sn in (A, B, C):
            world.enrol(sn)
        erasure = world.order()
        world.run()
        self.assertEqual(self.states(erasure, A, B, C), ["refused", "done", "done"])

    def test_silent_list(self) -> None:
        """Without a list nothing is proven: it is tried some times soon, and then counts as refusing."""
        world = self.world
        world.add(A, moods="silent:getuserlist")
        erasure = world.order()
        for _ in range(4):
            world.run(1)
            world.client.now += 3600
        self.assertEqual(self.states(erasure, A), ["refused"])
        self.assertIn("getuserlist", world.at(erasure, A).told)

    def test_half_a_list(self) -> None:
        """A list that was not read to its end proves nothing."""
        world = self.world
        world.add(A)
        world.is_whole = False
        erasure = world.order()
        world.run()
        self.assertEqual(self.states(erasure, A), ["open"])
        self.assertIn("to the end", world.at(erasure, A).told)
        world.is_whole = True
        world.client.now += 3600
        world.run()
        self.assertEqual(self.states(erasure, A), ["done"])

    def test_nothing_can_be_put(self) -> None:
        """A queue that is full is no refusal of the terminal."""
        world = self.world
        world.add(A)
        world.orders.refusal = NotNow("too many orders wait")
        erasure = world.order()
        for _ in range(6):
            world.run(1)
            world.client.now += DAY
        self.assertEqual((self.states(erasure, A), world.news()), (["open"], []))
        world.orders.refusal = None
        world.run()
        self.assertEqual(self.states(erasure, A), ["done"])


class KillTests(ErasingCase):
    """A process that dies at any moment is followed by another."""

    def test_killed_anywhere(self) -> None:
        """Wherever it dies, those who follow come to the same end: deleted, proven, told once."""
        for calls in range(1, 400, 3):
            self.world.client.close()
            world = self.world = World(self.world.client.store)
            world.add(A, AIFACE, "leaves=photo:deleteuser")
            world.add(B)
            world.enrol(A, N, (50, 11))
            erasure = world.order()
            world.client.calls_left = calls
            try:
                world.run()
                is_over = True
            except Killed:
                is_over = False
            world.client.calls_left = None
            world.run()
            report = world.report(erasure)
            self.assertEqual((report.state, report.proven), ("done", True), f"killed at call {calls}")
            self.assertEqual(world.boxes[A].memory.users, {})
            ends = [one for one in world.audit() if one["outcome"] == "done"]
            self.assertEqual(len(ends), 1)
            if is_over:
                return
        raise AssertionError("it never came to its end")
