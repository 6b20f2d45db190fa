"""The feed in other formats than JSON: CSV for spreadsheets, one JSON object a line for programs."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

from tfserver.store.archive.forms import Form
from tfserver.web.answer import JSON
from tfserver.web.problem import Problem

CSV: Final = "text/csv"
NDJSON: Final = "application/x-ndjson"
MEDIA: Final = (JSON, CSV, NDJSON)
FORMS: Final = {CSV: Form.CSV, NDJSON: Form.NDJSON}


def accepted(header: str, offered: Sequence[str] = MEDIA) -> str:
    """The format that the header ``Accept`` likes best; Problem 406 when it likes none."""
    weights = dict.fromkeys(offered, 0.0)
    exact: set[str] = set()
    for part in header.split(",")[:20] if header.strip() else ["*/*"]:
        name, _, rest = part.strip().lower().partition(";")
        for media in offered:
            if name.strip() == media:
                weights[media] = _quality(rest)
                exact.add(media)
            elif media not in exact and name.strip() in ("*/*", f"{media.partition('/')[0]}/*"):
                weights[media] = max(weights[media], _quality(rest))
    best = max(offered, key=lambda media: weights[media])
    if weights[best] <= 0:
        raise Problem(HTTPStatus.NOT_ACCEPTABLE, f"this comes as {', '.join(offered)}")
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


def media_of(form: Form) -> str:
    """The header ``Content-Type``."""
    return f"{CSV}; charset=utf-8" if form is Form.CSV else NDJSON
