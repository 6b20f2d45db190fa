"""Rows of files that come in pieces: the same rows wherever a piece ends."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tfserver.people import tabular
from tfserver.people.tabular import Row, Table, Unreadable
from tfserver.store.archive.forms import Form

CELLS = st.text(st.sampled_from('ab ;,"\r\n\t字é'), max_size=6)


def rows_of(data: bytes, form: Form = Form.CSV, piece: int = 1000) -> list[Row]:
    """All rows of a file that comes in pieces of this size."""
    table, found = Table(form, lambda columns: []), list[Row]()
    for start in range(0, max(1, len(data)), piece):
        found += table.feed(table.text(data[start : start + piece], start + piece >= len(data)))
    return found + table.end()


def written(cells: list[list[str]], **dialect: Any) -> bytes:
    """Rows as a spreadsheet writes them."""
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, **dialect).writerows(cells)
    return text.getvalue().encode()


class CsvTests(SynchronousTestCase):
    """Tables with a heading."""

    @settings(deadline=None)
    @given(
        st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=8),
        st.integers(1, 9),
        st.sampled_from(",;\t"),
        st.sampled_from(("\n", "\r\n", "\r")),
    )
    def test_any_piece(self, cells: list[tuple[str, str]], piece: int, delimiter: str, end: str) -> None:
        """Whatever stands in the cells, and wherever a piece ends, they come back as they were written."""
        whole = [["a", "b"], *([one, two + "."] for one, two in cells)]
        data = written(whole, delimiter=delimiter, lineterminator=end)
        found = rows_of(data, piece=piece)
        self.assertEqual([[*row.values.values()] for row in found], whole[1:])
        self.assertEqual([row.number for row in found], [*range(2, len(whole) + 1)])
        self.assertEqual({*map(tuple, (row.values for row in found))}, {("a", "b")})

    def test_spreadsheets(self) -> None:
        """A mark of byte order, capitals and blanks in the heading, empty rows, no end of the last line."""
        found = rows_of(b'\xef\xbb\xbfEnroll ID;First-Name\r\n\r\n"007";"Ana\r\n""B"""', piece=3)
        self.assertEqual(found, [Row(3, {"enroll_id": "007", "first_name": 'Ana\r\n"B"'})])

    def test_old_line_ends(self) -> None:
        """What separates columns is seen in the heading alone, also where a lone return ends it."""
        found = rows_of(b'a;b\r"1,,,";",,,"\r')
        self.assertEqual(found, [Row(2, {"a": "1,,,", "b": ",,,"})])

    def test_wrong_rows(self) -> None:
        """A row that can't be read spoils no other."""
        found = rows_of(b'a,b\n1\n1,2,3\n"1"x,2\n1,2\n"3,4')
        self.assertEqual([row.number for row in found if row.wrong], [2, 3, 4, 6])
        self.assertEqual([row.values for row in found if not row.wrong], [{"a": "1", "b": "2"}])
        self.assertIn("1 cells", found[0].wrong)
        self.assertIn("closes", found[-1].wrong)

    def test_heading(self) -> None:
        """What is wrong with the columns is told at once, also when there is nothing else."""
        for data in (b"", b"\n\n", b'"a,b\n'):
            self.assertRaises(Unreadable, rows_of, data)
        table = Table(Form.CSV, lambda columns: [(name, "unknown") for name in columns])
        wrong = self.assertRaises(Unreadable, table.feed, "x,Y\n")
        self.assertEqual(wrong.errors, [("x", "unknown"), ("y", "unknown")])


class JsonTests(SynchronousTestCase):
    """One object a line."""

    @settings(deadline=None)
    @given(st.lists(st.dictionaries(CELLS, CELLS, max_size=2), min_size=1, max_size=8), st.integers(1, 9))
    def test_any_piece(self, objects: list[dict[str, str]], piece: int) -> None:
        """Wherever a piece ends, they come back as they were written."""
        data = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in objects).encode()
        self.assertEqual([row.values for row in rows_of(data, Form.NDJSON, piece)], objects)

    def test_wrong_rows(self) -> None:
        """What is no object spoils no other; empty lines only count."""
        found = rows_of(b'{"a":1}\r\n\n[1]\n{"a"\n{"a":2}', Form.NDJSON)
        self.assertEqual([(row.number, bool(row.wrong)) for row in found], [(1, 0), (3, 1), (4, 1), (5, 0)])


class BoundTests(SynchronousTestCase):
    """What is no file of ours."""

    def assert_refused(self, data: bytes, word: str, form: Form = Form.CSV) -> None:
        """It can't be read, for a reason with this word."""
        wrong = self.assertRaises(Unreadable, rows_of, data, form)
        self.assertIn(word, str(wrong))

    def test_other_letters(self) -> None:
        """Only UTF-8 is read: what a spreadsheet writes of itself is told apart."""
        self.assert_refused("a,b\nJoão,2\n".encode("latin-1"), "UTF-8")
        self.assert_refused("a,b\n1,2\n".encode("utf-16"), "UTF-8")

    def test_long_row(self) -> None:
        """A quote that nothing closes does not take the whole file."""
        self.patch(tabular, "MOST_OF_ROW", {Form.CSV: 50, Form.NDJSON: 50})
        self.assert_refused(b'a,b\n"' + b"x\n" * 1000, "closes")
        self.assert_refused(b'{"a":"' + b"x" * 1000, "characters", Form.NDJSON)

    def test_many_rows(self) -> None:
        """So many and no more."""
        self.patch(tabular, "MOST_ROWS", 3)
        self.assertEqual(len(rows_of(b"a\n1\n2\n3\n")), 3)
        self.assert_refused(b"a\n1\n2\n3\n4\n", "3 rows")

    def test_none(self) -> None:
        """A file without a row is a mistake."""
        self.assert_refused(b"a,b\n", "no row")
        self.assert_refused(b"\n", "no row", Form.NDJSON)
