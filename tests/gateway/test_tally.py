"""How far the records of a process's terminals are whole, as metrics."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from tests.gateway.answering import AskedCase
from tests.gateway.stand_ins import SN
from tfserver.errors import StoreUnavailable
from tfserver.gateway.tally import EVERY_SECONDS
from tfserver.store.completeness import Sum


class TallyTests(AskedCase):
    """A fleet of one terminal."""

    def setUp(self) -> None:
        """It has registered."""
        super().setUp()
        self.marks = self.terminals.marks
        self.terminal()

    def told(self) -> tuple[float, float, float]:
        """What the metrics say."""
        names = ("completeness_seconds", "without_completeness", "gaps")
        seconds, without, gaps = (self.stand.count(f"tfserver_{name}") for name in names)
        return seconds, without, gaps

    def test_told(self) -> None:
        """The age of the earliest mark, how many have none, and the gaps."""
        self.marks.given["sum"] = Sum(self.stand.services.present.read().ms - 90_000, 3, 2)
        self.run_for(2)
        seconds, without, gaps = self.told()
        self.assertAlmostEqual(seconds, 91, delta=2)
        self.assertEqual((without, gaps), (3, 2))

    def test_once_a_minute(self) -> None:
        """It costs little: once a minute, for the terminals there are then."""
        self.run_for(EVERY_SECONDS * 3)
        self.assertEqual(self.marks.asked("sum"), [([SN],)] * 3)

    def test_none(self) -> None:
        """Without a mark there is no age."""
        self.marks.given["sum"] = Sum(None, 1, 0)
        self.run_for(2)
        self.assertEqual(self.told(), (0, 1, 0))

    def test_ahead_of_us(self) -> None:
        """A mark by another machine's clock may be ahead of ours."""
        self.marks.given["sum"] = Sum(self.stand.services.present.read().ms + 90_000, 0, 0)
        self.run_for(2)
        self.assertEqual(self.told()[0], 0)

    def test_store_away(self) -> None:
        """When the store is away the next sum tells."""
        self.marks.given["sum"] = StoreUnavailable("away")
        self.run_for(2)
        self.marks.given["sum"] = Sum(None, 7, 0)
        self.run_for(EVERY_SECONDS)
        self.assertEqual(self.told()[1], 7)

    def test_one_at_a_time(self) -> None:
        """While a sum takes long no other begins."""
        self.marks.given["sum"] = Deferred()
        self.run_for(EVERY_SECONDS * 3)
        self.assertEqual(len(self.marks.asked("sum")), 1)

    def test_our_own_mistake(self) -> None:
        """A mistake of ours is told, and the next sum is made all the same."""
        self.marks.given["sum"] = ValueError("odd")
        self.run_for(2)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
        self.marks.given["sum"] = Sum(None, 7, 0)
        self.run_for(EVERY_SECONDS)
        self.assertEqual(self.told()[1], 7)
