"""Punches as text for spreadsheets and for programs: CSV, and JSON with one object a line. No SQL here."""

from __future__ import annotations

import csv
import enum
import io
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from tfserver.model import Punch
from tfserver.store.archive.rows import Entry


class Form(enum.StrEnum):
    """How punches are written."""

    CSV = "csv"
    NDJSON = "ndjson"


HEADINGS: Final = ("id", *(field.encode_name for field in msgspec.structs.fields(Punch)))
"""The columns of CSV."""
FORMULA: Final = "=+-@\t\r\n＝＋－＠"
"""A text that begins with one of these a spreadsheet takes for something to be calculated."""


def head_of(form: Form) -> bytes:
    """What stands before all rows."""
    return ",".join(HEADINGS).encode() + b"\r\n" if form is Form.CSV else b""


def lines_of(form: Form, entries: Iterable[Entry]) -> bytes:
    """A line for each punch."""
    if form is Form.NDJSON:
        return "".join(f"{with_place(place, text)}\n" for place, text in entries).encode()
    return csv_lines(HEADINGS, ({"id": place, **msgspec.json.decode(text)} for place, text in entries))


def with_place(place: str, text: str) -> str:
    """The JSON of a punch with its place in the feed as ``id``, on one line."""
    if "\n" in text or "\r" in text:
        text = msgspec.json.encode(msgspec.json.decode(text)).decode()
    return f'{{"id":"{place}",{text[1:]}'


def csv_lines(columns: Sequence[str], rows: Iterable[dict[str, Any]]) -> bytes:
    """Rows under their columns (RFC 4180), without a heading; no cell is a formula."""
    text = io.StringIO()
    csv.writer(text).writerows([_cell(row.get(column)) for column in columns] for row in rows)
    return text.getvalue().encode()


def _cell(value: Any) -> Any:
    if isinstance(value, dict | list):
        value = msgspec.json.encode(value).decode() if value else ""
    if isinstance(value, str) and value.startswith(tuple(FORMULA)):
        return f"'{value}"
    return value
