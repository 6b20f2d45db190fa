"""The memory of logs."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tfserver.simulator.logbook import Log, LogBook


def filled(count: int, size: int = 1000) -> LogBook:
    """A book with so many logs."""
    book = LogBook(size)
    for second in range(count):
        book.add(Log(1, second, 1, 0, 0))
    return book


class LogBookTests(SynchronousTestCase):
    """Pointers and forgetting."""

    def test_same_log(self) -> None:
        """The same log is kept once, also after the book was cleared."""
        book = filled(3)
        self.assertFalse(book.add(Log(1, 2, 1, 0, 0)))
        book.clear()
        self.assertFalse(book.add(Log(1, 2, 1, 0, 0)))
        self.assertTrue(book.add(Log(1, 2, 1, 0, 1)))

    def test_ack_from_the_front(self) -> None:
        """What is acknowledged is not given again."""
        book = filled(5)
        book.ack(2, book.generation)
        self.assertEqual([log.second for log in book.unacked(2)], [2, 3])
        self.assertEqual((book.waiting, book.new), (3, 3))

    def test_read_and_acked(self) -> None:
        """New is what neither pointer has passed."""
        book = filled(5)
        book.mark_read(2)
        self.assertEqual((book.waiting, book.new, book.first_new), (5, 3, 2))
        book.ack(4, book.generation)
        self.assertEqual((book.waiting, book.new, book.first_new), (1, 1, 4))
        book.mark_read(3)
        self.assertEqual(book.new, 1)
        book.mark_read(5)
        self.assertEqual(book.unread(), [])

    def test_an_earlier_life(self) -> None:
        """Logs of before are held, but neither wait nor count as made."""
        book = filled(5)
        book.settle(3)
        self.assertEqual((len(book), book.waiting, book.new, book.made), (5, 2, 2, 2))

    def test_full(self) -> None:
        """A full book forgets the oldest acknowledged logs, and never one that is not acknowledged."""
        book = filled(30, size=10)
        self.assertEqual(len(book), 30)
        book.ack(25, book.generation)
        for second in range(30, 60):
            book.add(Log(1, second, 1, 0, 0))
        self.assertEqual([log.second for log in book.unacked(100)], list(range(25, 60)))
        self.assertEqual((len(book), book.acked, book.waiting), (35, 25, 35))
