"""Rows of a file that comes in pieces: CSV as spreadsheets write it, or one JSON object a line.

Nothing here knows what stands in a row. A piece may end anywhere; what is not whole yet waits for the next.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple, Protocol

import msgspec

from tfserver.store.archive.forms import FORMULA, Form

MOST_ROWS: Final = 100_000
MOST_OF_ROW: Final = {Form.CSV: 64 * 1024, Form.NDJSON: 2 * 1024 * 1024}
"""Characters of one row: photos and templates come as JSON only."""
DELIMITERS: Final = ",;\t"
SLICE: Final = 16 * 1024
"""So much of a file is read in one turn: about three milliseconds."""
_LINE_END: Final = re.compile("[\r\n]")
_NEVER_CLOSED: Final = "a quote is opened that nothing closes"
_FORMULA: Final = re.compile(f"'*[{re.escape(FORMULA)}]")
"""What a spreadsheet would calculate, perhaps behind quotes that keep it from that."""
CheckHead = Callable[[Sequence[str]], list[tuple[str, str]]]
"""Gives ``(field, message)`` of what is wrong with the columns of a CSV file."""


class Row(NamedTuple):
    """One row. ``number`` is that of its line in NDJSON, and of its row in a spreadsheet, where the heading
    is the first; ``wrong`` says why it can't be read."""

    number: int
    values: dict[str, Any]
    wrong: str = ""


class Unreadable(Exception):
    """Why a file can't be read at all: ``errors`` are ``(field, message)``, with nothing of what stands in
    it but names of columns."""

    def __init__(self, *errors: tuple[str, str]) -> None:
        super().__init__("; ".join(f"{field}: {message}" for field, message in errors))
        self.errors = list(errors)


class Reading(Protocol):
    """Reads text that comes in pieces."""

    def feed(self, text: str) -> list[Row]:
        """The rows that are whole with this piece. Raises Unreadable."""

    def end(self) -> list[Row]:
        """Those that were whole only by the end."""


def quoted(text: str) -> str:
    """A text for a spreadsheet: it is no formula, and comes back as it was."""
    return f"'{text}" if _FORMULA.match(text) else text


def _unquoted(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


class JsonRows:
    """One JSON object a line; empty lines are passed over."""

    def __init__(self) -> None:
        self._left = ""
        self._number = 0

    def feed(self, text: str) -> list[Row]:
        """The rows that are whole with this piece."""
        *lines, self._left = (self._left + text).split("\n")
        _check_length(self._left, Form.NDJSON, self._number + 1)
        return [row for line in lines if (row := self._row(line)) is not None]

    def end(self) -> list[Row]:
        """The last line, if nothing ends it."""
        row, self._left = self._row(self._left), ""
        return [] if row is None else [row]

    def _row(self, line: str) -> Row | None:
        self._number += 1
        if not line.strip():
            return None
        try:
            return Row(self._number, msgspec.json.decode(line, type=dict[str, Any]))
        except msgspec.ValidationError:
            return Row(self._number, {}, "expected one JSON object")
        except (msgspec.DecodeError, RecursionError):
            return Row(self._number, {}, "this is not JSON")


class CsvRows:
    """Rows under the columns that the first names; separated by comma, semicolon or tab (RFC 4180)."""

    def __init__(self, check_head: CheckHead) -> None:
        self._check_head = check_head
        self._columns: list[str] | None = None
        self._delimiter = ""
        self._left = ""
        self._number = 0

    def feed(self, text: str) -> list[Row]:
        """The rows that are whole with this piece."""
        text = self._left + text
        # what ends a line may be two characters, of which the second is still to come
        end = len(text) - text.endswith("\r")
        whole = max(text.rfind("\n", 0, end), text.rfind("\r", 0, end)) + 1
        read, found = self._read(text[:whole], False)
        self._left = text[read:]
        _check_length(self._left, Form.CSV, self._number + 1)
        return found

    def end(self) -> list[Row]:
        """The last row, if nothing ends it."""
        _, found = self._read(self._left, True)
        self._left = ""
        if self._columns is None:
            raise Unreadable(("body", "the first row has to name the columns, and there is none"))
        return found

    def _read(self, text: str, is_last: bool) -> tuple[int, list[Row]]:
        """How far rows are whole, and those."""
        if text and not self._delimiter:
            first = _LINE_END.split(text, 1)[0]
            self._delimiter = max(DELIMITERS, key=first.count)
        lines, read = _Lines(text), 0
        reader = csv.reader(lines, delimiter=self._delimiter or ",", strict=True)
        found: list[Row] = []
        while True:
            wrong, cells = "", list[str]()
            try:
                cells = next(reader)
            except StopIteration:
                return len(text), found
            except csv.Error as told:
                if lines.is_over and not is_last:
                    return read, found
                wrong = _NEVER_CLOSED if lines.is_over else f"this is not CSV: {told}"
            read = lines.read
            found += self._row(cells, wrong)

    def _row(self, cells: list[str], wrong: str) -> list[Row]:
        self._number += 1
        if not cells and not wrong:
            return []
        if self._columns is None:
            self._columns = self._head(cells, wrong)
            return []
        if not wrong and len(cells) != len(self._columns):
            wrong = f"has {len(cells)} cells, and there are {len(self._columns)} columns"
        if wrong:
            return [Row(self._number, {}, wrong)]
        return [Row(self._number, dict(zip(self._columns, map(_unquoted, cells), strict=True)))]

    def _head(self, cells: list[str], wrong: str) -> list[str]:
        if wrong:
            raise Unreadable(("body", f"the first row has to name the columns: {wrong}"))
        columns = [cell.strip().lower().replace(" ", "_").replace("-", "_") for cell in cells]
        errors = self._check_head(columns)
        if errors:
            raise Unreadable(*errors)
        return columns


class _Lines:
    """The lines of a text one after another, with how much of it was read."""

    def __init__(self, text: str) -> None:
        self._lines = io.StringIO(text, newline="")
        self.read = 0
        self.is_over = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._lines.readline()
        if not line:
            self.is_over = True
            raise StopIteration
        self.read += len(line)
        return line


class Table:
    """A whole file as bytes, in pieces of any size: its text, and its rows."""

    def __init__(self, form: Form, check_head: CheckHead) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._reading: Reading = CsvRows(check_head) if form is Form.CSV else JsonRows()
        self.rows = 0
        """How many there were."""

    def text(self, data: bytes, is_last: bool) -> str:
        """A piece as text. Raises Unreadable for what is not UTF-8."""
        try:
            return self._decoder.decode(data, is_last)
        except UnicodeDecodeError as wrong:
            told = "expected UTF-8: choose 'CSV UTF-8' where the spreadsheet asks for the kind of file"
            raise Unreadable(("body", told)) from wrong

    def feed(self, text: str) -> list[Row]:
        """The rows that are whole with this piece. Raises Unreadable."""
        return self._counted(self._reading.feed(text))

    def end(self) -> list[Row]:
        """Those that were whole only by the end. Raises Unreadable for a file without any."""
        found = self._counted(self._reading.end())
        if not self.rows:
            raise Unreadable(("body", "there is no row in it"))
        return found

    def _counted(self, found: list[Row]) -> list[Row]:
        self.rows += len(found)
        if self.rows > MOST_ROWS:
            raise Unreadable(("body", f"expected at most {MOST_ROWS} rows: send them in several files"))
        return found


def _check_length(left: str, form: Form, number: int) -> None:
    if len(left) > MOST_OF_ROW[form]:
        told = f"row {number} has more than {MOST_OF_ROW[form]} characters"
        raise Unreadable(("body", f"{told}, or {_NEVER_CLOSED}" if form is Form.CSV else told))
