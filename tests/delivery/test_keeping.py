"""Connections that stay open."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tfserver.delivery import keeping
from tfserver.delivery.addresses import read_url
from tfserver.delivery.keeping import Kept


class FakeLine:
    """A line that is only kept."""

    def __init__(self, target: Any, born: float = 0.0) -> None:
        self.target = target
        self.born = born
        self.is_closed = False
        self.is_slow = False
        self.is_free = True
        self.when_lost: Any = None

    def close(self) -> None:
        """Closed, which is told when the receiver has done its part."""
        self.is_closed = True
        if not self.is_slow:
            self.when_lost(self)

    def hang_up(self) -> None:
        """Closed at once."""
        self.is_slow = False
        self.close()


class KeptTests(SynchronousTestCase):
    """Lines that wait for the next message."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.kept = Kept(self.clock)

    def line(self, host: str = "a.example", born: float = 0.0) -> Any:
        """A line to somebody."""
        return FakeLine(read_url(f"https://{host}/", False), born)

    def keep(self, line: Any) -> Any:
        """Keep it."""
        self.kept.keep(line)
        return line

    def test_last_first(self) -> None:
        """The line that was used last is the first to be used again, each by one."""
        one, two = self.keep(self.line()), self.keep(self.line())
        self.assertIs(self.kept.take(one.target), two)
        self.assertIs(self.kept.take(one.target), one)
        self.assertIsNone(self.kept.take(one.target))

    def test_spoilt(self) -> None:
        """A line on which something odd came is not used again, also before it is lost."""
        self.keep(self.line()).is_free = False
        self.assertIsNone(self.kept.take(self.line().target))

    def test_idle(self) -> None:
        """A line that nobody wants is closed; one that was taken is not."""
        one, two = self.keep(self.line()), self.keep(self.line())
        self.kept.take(two.target)
        self.clock.advance(keeping.IDLE_SECONDS)
        self.assertEqual((one.is_closed, two.is_closed), (True, False))
        self.assertIsNone(self.kept.take(one.target))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_slow_end(self) -> None:
        """A receiver that does not do its part in the end of a line is hung up on."""
        line = self.keep(self.line())
        line.is_slow = True
        stopped = Deferred.fromCoroutine(self.kept.stop())
        self.assertTrue(line.is_closed)
        self.assertNoResult(stopped)
        self.clock.advance(keeping.CLOSE_SECONDS)
        self.successResultOf(stopped)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertTrue(self.keep(self.line()).is_closed)

    def test_bounds(self) -> None:
        """So many to one receiver and so many to all are kept, and no old one."""
        lines = [self.keep(self.line()) for _ in range(keeping.KEPT_A_RECEIVER + 1)]
        self.assertEqual([line.is_closed for line in lines], [False] * keeping.KEPT_A_RECEIVER + [True])
        others = [self.keep(self.line(f"{n}.example")) for n in range(keeping.KEPT)]
        self.assertEqual(sum(not line.is_closed for line in lines + others), keeping.KEPT)
        self.clock.advance(keeping.MOST_AGE + 1)
        self.assertTrue(self.keep(self.line(born=0.0)).is_closed)
        self.assertFalse(self.keep(self.line(born=1.0)).is_closed)
