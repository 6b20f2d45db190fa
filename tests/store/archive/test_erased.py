"""What the archive remembers of erasures."""

from __future__ import annotations

import sqlalchemy as sa
from twisted.trial.unittest import SynchronousTestCase

from tfserver.store.archive.erased import Erased, forget, note, noted
from tfserver.store.archive.meta import remember, remembered
from tfserver.store.archive.tables import METADATA


class ErasedTests(SynchronousTestCase):
    """On a database in memory."""

    def setUp(self) -> None:
        engine = sa.create_engine("sqlite://")
        self.addCleanup(engine.dispose)
        METADATA.create_all(engine)
        self.connection = engine.connect()
        self.addCleanup(self.connection.close)

    def test_last_of_a_person(self) -> None:
        """Each person's last erasure is remembered, beside what else the archive remembers of itself."""
        remember(self.connection, "place", "5-1")
        for one in (Erased(7, "e1", 5), Erased(8, "e2", 6), Erased(7, "e3", 9)):
            note(self.connection, one)
        self.assertEqual(sorted(noted(self.connection)), [Erased(7, "e3", 9), Erased(8, "e2", 6)])

    def test_forgotten(self) -> None:
        """Those from before a moment go, and nothing else."""
        remember(self.connection, "place", "5-1")
        for one in (Erased(7, "e1", 5), Erased(8, "e2", 6)):
            note(self.connection, one)
        self.assertEqual(forget(self.connection, 6), 1)
        self.assertEqual(noted(self.connection), [Erased(8, "e2", 6)])
        self.assertEqual(remembered(self.connection, "place"), "5-1")
