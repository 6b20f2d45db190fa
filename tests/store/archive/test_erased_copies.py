"""Erasures that an archive remembers outlive a backup that is put in its place."""

from __future__ import annotations

import sqlalchemy as sa

from tests.store.archive_rows import fill
from tests.store.test_archive_copying import CopyCase
from tfserver.store.archive.erased import Erased, note, noted


class ErasedCopyTests(CopyCase):
    """From a backup into an archive that is there."""

    def remember(self, url: str, *erased: Erased) -> None:
        """An archive remembers these."""
        engine = sa.create_engine(url)
        with engine.begin() as connection:
            for one in erased:
                note(connection, one)
        engine.dispose()

    def found(self, url: str) -> list[Erased]:
        """What it remembers."""
        engine = sa.create_engine(url)
        with engine.begin() as connection:
            found = sorted(noted(connection))
        engine.dispose()
        return found

    def test_what_came_after_the_backup(self) -> None:
        """What was erased after the backup is remembered still, beside what the backup knows."""
        of, to = self.new_file(), self.new_file()
        fill(of, 3)
        fill(to, 3)
        self.remember(of, Erased(7, "e1", 5), Erased(8, "e2", 6))
        self.remember(to, Erased(7, "e3", 9), Erased(9, "e4", 9))
        self.copy(of, to)
        self.assertEqual(self.found(to), [Erased(7, "e3", 9), Erased(8, "e2", 6), Erased(9, "e4", 9)])
