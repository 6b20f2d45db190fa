"""What the store of a round says of orders and punches."""

from __future__ import annotations

from pathlib import Path

import hiredis
from twisted.trial.unittest import SynchronousTestCase

from benchmarks.keeper import Keeper
from benchmarks.ledger import KEYS, Ledger
from benchmarks.messages import serial_number


class LedgerTests(SynchronousTestCase):
    """A store of its own."""

    def setUp(self) -> None:
        """It is empty."""
        folder = Path(self.mktemp())
        folder.mkdir()
        keeper = Keeper(folder)
        keeper.__enter__()
        self.addCleanup(keeper.__exit__, None, None, None)
        self.ledger = Ledger(keeper.socket)
        self.addCleanup(self.ledger.close)

    def test_answers(self) -> None:
        """Answers come in the order of the commands, also of more than go at once; an error is raised."""
        answers = self.ledger.ask(("ECHO", number) for number in range(2500))
        self.assertEqual(answers, [str(number) for number in range(2500)])
        self.assertRaises(hiredis.ReplyError, self.ledger.ask, [("NONSENSE",)])

    def test_counts(self) -> None:
        """Open orders and punches are counted."""
        self.assertEqual((self.ledger.open_orders(), self.ledger.punches()), (0, 0))
        self.ledger.ask([("ZADD", KEYS.deadlines, 1, "a", 2, "b"), ("XADD", KEYS.punches, "*", "p", "{}")])
        self.assertEqual((self.ledger.open_orders(), self.ledger.punches()), (2, 1))

    def test_orders(self) -> None:
        """Of the terminals that are asked about: the states, and from the first put to the last end."""
        for place, state, created, finished in (
            (1, "done", 1000, 1800),
            (1, "done", 1200, 3500),
            (2, "refused", 1100, 1300),
            (2, "sent", 900, None),
            (3, "done", 0, 9000),
        ):
            name = f"{place}-{created}"
            ends = () if finished is None else ("finished", finished)
            self.ledger.ask(
                [
                    ("ZADD", KEYS.orders(serial_number(place)), created, name),
                    ("HSET", KEYS.order(name), "state", state, "created", created, *ends),
                ]
            )
        found = self.ledger.orders([1, 2])
        self.assertEqual(found.states, {"done": 2, "refused": 1, "sent": 1})
        self.assertEqual((found.seconds, found.unfinished), (2.5, 1))
        self.assertEqual(self.ledger.orders([4]).seconds, 0.0)
