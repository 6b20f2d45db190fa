"""Connections to the archive's file that several processes open at the same time."""

from __future__ import annotations

import sqlite3
import time

from twisted.trial.unittest import SynchronousTestCase

from tfserver.store.archive import engine


class Locked:
    """A connection to a file that others have locked for so many tries."""

    def __init__(self, tries: int, why: str = "database is locked") -> None:
        self.tries = tries
        self._why = why

    def execute(self, _: str) -> Locked:
        """One more try."""
        self.tries -= 1
        if self.tries >= 0:
            raise sqlite3.OperationalError(self._why)
        return self

    def close(self) -> None:
        """The answer is read."""


class ShareTests(SynchronousTestCase):
    """The change to a journal that all can use."""

    def setUp(self) -> None:
        self.patch(engine, "_LOCKED_SECONDS", 0.0)

    def test_locked_for_a_while(self) -> None:
        """Who finds the file locked tries again: processes that are started together all change it."""
        connection = Locked(3)
        engine._share(connection, time.monotonic() + 60)
        self.assertEqual(connection.tries, -1)

    def test_locked_for_ever(self) -> None:
        """Beyond the deadline it is told."""
        self.assertRaises(sqlite3.OperationalError, engine._share, Locked(10**9), time.monotonic())

    def test_other_reasons(self) -> None:
        """What else is wrong is told at once."""
        connection = Locked(3, "disk I/O error")
        self.assertRaises(sqlite3.OperationalError, engine._share, connection, time.monotonic() + 60)
        self.assertEqual(connection.tries, 2)
