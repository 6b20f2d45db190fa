"""Tests of tfserver.store.archive.copying: a whole archive there and back, between both databases."""

from __future__ import annotations

import os

import sqlalchemy as sa
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.real.postgres import RealPostgres, is_installed
from tests.store.archive_rows import body, contents, fill
from tfserver.errors import ArchiveUnavailable
from tfserver.store.archive import copying
from tfserver.store.archive.copying import Source, Target
from tfserver.store.archive.rows import place_of, row_of
from tfserver.store.archive.tables import COLUMNS, PUNCHES


class CopyCase(SynchronousTestCase):
    """Archives in files."""

    def new_file(self) -> str:
        """The URL of an archive that is not there yet."""
        return f"sqlite:///{os.path.abspath(self.mktemp())}"

    def source(self, url: str) -> Source:
        """An archive to read."""
        source = Source(url, "")
        self.addCleanup(source.close)
        return source

    def target(self, url: str) -> Target:
        """An archive to fill."""
        target = Target(url, "")
        self.addCleanup(target.close)
        target.open()
        return target

    def copy(self, of: str, to: str) -> Target:
        """All of one into the other."""
        target = self.target(to)
        target.begin()
        for piece in self.source(of).pieces():
            target.add(piece.content)
        target.finish()
        return target


class FileTests(CopyCase):
    """From one file to another."""

    def test_everything(self) -> None:
        """Every row of every table is there, also what the archive remembers of itself."""
        self.patch(copying, "ROWS_A_PIECE", 100)
        of, to = self.new_file(), self.new_file()
        made = fill(of, 250)
        self.assertEqual(self.source(of).look(), (made, 250))
        self.assertEqual(self.copy(of, to).punches, 250)
        self.assertEqual(contents(to), contents(of))
        self.assertEqual(self.source(to).look(), (made, 250))

    def test_counts(self) -> None:
        """Each piece says how many punches are in it."""
        self.patch(copying, "ROWS_A_PIECE", 100)
        of = self.new_file()
        fill(of, 250)
        self.assertEqual([piece.punches for piece in self.source(of).pieces()], [100, 100, 50, 0, 0, 0])

    def test_in_the_place_of(self) -> None:
        """What was in the other is gone."""
        of, to = self.new_file(), self.new_file()
        fill(of, 3)
        fill(to, 10)
        self.assertFalse(self.target(to).is_empty())
        self.copy(of, to)
        self.assertEqual(contents(to), contents(of))

    def test_unfinished(self) -> None:
        """One that was not filled to its end is none, until it is."""
        of, to = self.new_file(), self.new_file()
        fill(of, 3)
        target = self.target(to)
        target.begin()
        for piece in self.source(of).pieces():
            target.add(piece.content)
        self.assertRaises(ArchiveUnavailable, self.source(to).look)
        target.finish()
        self.assertEqual(self.source(to).look()[1], 3)

    def test_none(self) -> None:
        """A database without our tables is no archive."""
        self.assertIn(
            "no archive", str(self.assertRaises(ArchiveUnavailable, self.source(self.new_file()).look))
        )

    def test_damaged(self) -> None:
        """A piece that is cut, or of a table that nobody knows, is refused."""
        of, to = self.new_file(), self.new_file()
        fill(of, 3)
        piece = next(self.source(of).pieces())
        target = self.target(to)
        target.begin()
        self.assertRaises(ArchiveUnavailable, target.add, piece.content[:-5])
        strange = copying._piece(sa.Table("strange", sa.MetaData()), (), [])
        self.assertIn("strange", str(self.assertRaises(ArchiveUnavailable, target.add, strange.content)))

    def test_moment(self) -> None:
        """What comes while it is read is not in the copy."""
        self.patch(copying, "ROWS_A_PIECE", 100)
        of, to = self.new_file(), self.new_file()
        fill(of, 250)
        before = contents(of)
        pieces = self.source(of).pieces()
        target = self.target(to)
        target.begin()
        target.add(next(pieces).content)
        late = self.target(of)
        late.add(copying._piece(PUNCHES, COLUMNS, [self.late_row()]).content)
        for piece in pieces:
            target.add(piece.content)
        target.finish()
        self.assertEqual(len(contents(of)["punches"]), 251)
        self.assertEqual(contents(to), before)

    def late_row(self) -> tuple[object, ...]:
        """A row behind all others."""
        return row_of(place_of("9999-0"), body(777))


class PostgresTests(CopyCase):
    """To PostgreSQL and back."""

    def test_there_and_back(self) -> None:
        """All rows come back as they were."""
        if not is_installed():
            raise SkipTest("no PostgreSQL on this machine")
        database = RealPostgres()
        self.addCleanup(database.remove)
        database.start()
        of, to = self.new_file(), self.new_file()
        fill(of, 250)
        self.copy(of, database.url)
        self.assertEqual(contents(database.url), contents(of))
        self.copy(database.url, to)
        self.assertEqual(contents(to), contents(of))
