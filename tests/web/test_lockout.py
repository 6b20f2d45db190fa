"""Addresses that send wrong tokens."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tfserver.web import lockout as module
from tfserver.web.lockout import LONGEST, MINUTE, RIGHT_SECONDS, Lockout

HERE, THERE = "192.0.2.1", "192.0.2.2"


class LockoutTests(SynchronousTestCase):
    """Three wrong tokens a minute."""

    def setUp(self) -> None:
        """Nobody was wrong yet."""
        self.clock = Clock()
        self.lockout = Lockout(self.clock, 3)

    def lock(self) -> float:
        """One wrong token too many, and for how long that locks."""
        for _ in range(4):
            self.lockout.wrong(HERE)
        return self.lockout.wait(HERE, "any")

    def test_few(self) -> None:
        """As many as are allowed lock nobody out, minute after minute."""
        for _ in range(10):
            for _ in range(3):
                self.lockout.wrong(HERE)
            self.assertEqual(self.lockout.wait(HERE, "any"), 0)
            self.clock.advance(MINUTE)

    def test_one_more(self) -> None:
        """One more locks the address for a minute, and no other."""
        self.assertEqual(self.lock(), MINUTE)
        self.assertEqual(self.lockout.wait(THERE, "any"), 0)
        self.clock.advance(MINUTE - 1)
        self.assertEqual(self.lockout.wait(HERE, "any"), 1)
        self.clock.advance(1)
        self.assertEqual(self.lockout.wait(HERE, "any"), 0)

    def test_growing(self) -> None:
        """Each time takes twice as long, up to an hour."""
        waits = []
        for _ in range(9):
            waits.append(self.lock())
            self.clock.advance(waits[-1])
        self.assertEqual(waits, [60, 120, 240, 480, 960, 1920, LONGEST, LONGEST, LONGEST])

    def test_forgiven(self) -> None:
        """An hour after it was let in again it is as if nothing had been."""
        self.clock.advance(self.lock() + LONGEST)
        self.assertEqual(self.lock(), MINUTE)

    def test_right_before(self) -> None:
        """A token that was right from there lately goes on; at another address it does not help."""
        self.lockout.right(HERE, "good")
        self.lockout.right(THERE, "other")
        self.lock()
        self.assertEqual(self.lockout.wait(HERE, "good"), 0)
        self.assertGreater(self.lockout.wait(HERE, "other"), 0)
        self.assertGreater(self.lockout.wait(HERE, "bad"), 0)
        self.clock.advance(RIGHT_SECONDS)
        self.lock()
        self.assertGreater(self.lockout.wait(HERE, "good"), 0)

    def test_without_a_name(self) -> None:
        """Who has no bounds is never locked out."""
        for _ in range(100):
            self.lockout.wrong("")
        self.lockout.right("", "good")
        self.assertEqual(self.lockout.wait("", "any"), 0)

    def test_bounded(self) -> None:
        """Both tables are bounded, and the oldest go first."""
        self.patch(module, "MOST_ADDRESSES", 3)
        self.patch(module, "MOST_RIGHT", 2)
        self.lock()
        for number in range(2):
            self.lockout.wrong(f"198.51.100.{number}")
        self.assertGreater(self.lockout.wait(HERE, "any"), 0)
        self.lockout.wrong(THERE)
        self.assertEqual(self.lockout.wait(HERE, "any"), 0)
        for digest in ("one", "two", "one", "three"):
            self.lockout.right(HERE, digest)
        kept = [digest for digest in ("one", "two", "three") if self.lockout.was_right(HERE, digest)]
        self.assertEqual(kept, ["one", "three"])
