"""The feed in other formats than JSON: CSV for spreadsheets, one JSON object a line for programs."""

from __future__ import annotations

import csv
import io
from http import HTTPStatus
from typing import Any, Final

import msgspec

from tfserver.model import Punch
from tfserver.web.answer import JSON
from tfserver.web.problem import Problem

CSV: Final = "text/csv"
NDJSON: Final = "application/x-ndjson"
MEDIA: Final = (JSON, CSV, NDJSON)
COLUMNS: Final = ("id", *(field.encode_name for field in msgspec.structs.fields(Punch)))
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""With these a spreadsheet takes a text for something to be calculated."""


def accepted(header: str) -> str:
    """The format that the header ``Accept`` likes best; Problem 406 when it likes none."""
    weights = dict.fromkeys(MEDIA, 0.0)
    exact: set[str] = set()
    for part in header.split(",")[:20] if header.strip() else ["*/*"]:
        name, _, rest = part.strip().lower().partition(";")
        for media in MEDIA:
            if name.strip() == media:
                weights[media] = _quality(rest)
                exact.add(media)
            elif media not in exact and name.strip() in ("*/*", f"{media.partition('/')[0]}/*"):
                weights[media] = max(weights[media], _quality(rest))
    best = max(MEDIA, key=lambda media: weights[media])
    if weights[best] <= 0:
        raise Problem(HTTPStatus.NOT_ACCEPTABLE, f"this comes as {', '.join(MEDIA)}")
    return best


def _quality(rest: str) -> float:
    for parameter in rest.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


def csv_text(rows: list[dict[str, Any]]) -> bytes:
    """Rows under their columns (RFC 4180); no cell is a formula."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows([_cell(row.get(column)) for column in COLUMNS] for row in rows)
    return text.getvalue().encode()


def _cell(value: Any) -> Any:
    if isinstance(value, dict | list):
        value = msgspec.json.encode(value).decode() if value else ""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value


def ndjson_text(rows: list[dict[str, Any]]) -> bytes:
    """One row a line."""
    return msgspec.json.Encoder().encode_lines(rows)
