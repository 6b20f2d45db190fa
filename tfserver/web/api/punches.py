"""``/punches`` and ``/quarantine``: the feed by arrival, and what could not be read (design §2.2)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from tfserver.model import Kind, canonical_sn
from tfserver.web.answer import Answer
from tfserver.web.call import Call
from tfserver.web.formats import CSV, NDJSON, accepted, csv_text, ndjson_text
from tfserver.web.query import LIMIT, Query, choices, instant, integer, place, text
from tfserver.web.shapes import Forgotten

PARAMETERS: Final = (
    place("after", "only punches behind this place, as given in `next`"),
    LIMIT,
    text("sn", "only of this terminal"),
    integer("enrollid", "only of this person", 0, 2**63 - 1),
    text("site", "only of terminals that were at this site"),
    instant("since", "only with `utc` at or after this instant"),
    instant("until", "only with `utc` before this instant"),
    choices("kind", "only of these kinds", tuple(kind.value for kind in Kind)),
)
QUARANTINE_PARAMETERS: Final = (place("after", "only records behind this place, as given in `next`"), LIMIT)
CLEARING_PARAMETERS: Final = (place("until", "the last place that is forgotten, as given in `next`", True),)
MOST_SCANNED: Final = 10_000
_PAGE: Final = 500
_AHEAD: Final = 50

Row = dict[str, Any]


async def feed(call: Call) -> Answer:
    """Punches behind a cursor. ``next`` is never null and moves past rows that were filtered out."""
    media = accepted(call.header("Accept"))
    rows, after = await _rows(call)
    if media not in (CSV, NDJSON):
        return Answer({"punches": rows, "next": after})
    data = csv_text(rows) if media == CSV else ndjson_text(rows)
    link = f'</api/v1/punches?{urlencode({**call.query.given, "after": after})}>; rel="next"'
    return Answer(data, headers={"Link": link}, media=f"{media}; charset=utf-8" if media == CSV else media)


async def _rows(call: Call) -> tuple[list[Row], str]:
    wanted, limit, after = _filter(call.query), call.query["limit"], call.query["after"]
    found: list[Row] = []
    scanned = 0
    while len(found) < limit and scanned < MOST_SCANNED:
        count = min(_PAGE, limit - len(found) + _AHEAD, MOST_SCANNED - scanned)
        page = await call.sources.punches.page(after, count)
        for at, told in page:
            after = at
            row = msgspec.json.decode(told)
            if call.sees(row["site"]) and wanted(row):
                found.append({"id": at, **row})
            if len(found) == limit:
                break
        scanned += len(page)
        if len(page) < count:
            break
    return found, after


async def quarantine(call: Call) -> Row:
    """Records that could not be read and repeats, behind a cursor; and devices that claim a pinned number."""
    after = call.query["after"]
    found = await call.sources.punches.quarantine(after, call.query["limit"])
    claimants = await call.sources.terminals.claimants()
    claims = [{"kind": "identity", **msgspec.to_builtins(claim)} for claim in claimants]
    return {"quarantine": found, "claimants": claims, "next": found[-1]["id"] if found else after}


async def clear_quarantine(call: Call) -> Forgotten:
    """Forget what somebody has looked at: everything up to the cursor ``until``."""
    found = await call.sources.punches.clear_quarantine(call.query["until"])
    await call.note("done", {"until": call.query["until"], "forgotten": found})
    return Forgotten(found)


def _filter(query: Query) -> Callable[[Row], bool]:
    equal: Row = {}
    if query["sn"]:
        equal["sn"] = canonical_sn(query["sn"])
    if query["enrollid"] is not None:
        equal["enrollid"] = query["enrollid"]
    if query["site"]:
        equal["site"] = query["site"]
    kinds, since, until = query["kind"], query["since"], query["until"]

    def wanted(row: Row) -> bool:
        """Whether all filters let it pass."""
        same = {**row, "sn": canonical_sn(row["sn"])}
        if any(same[key] != value for key, value in equal.items()) or (kinds and row["kind"] not in kinds):
            return False
        return (since is None and until is None) or _within(row["utc"], since, until)

    return wanted


def _within(text: str | None, since: datetime | None, until: datetime | None) -> bool:
    """Half-open bounds on ``utc``; what has no instant is in no interval."""
    if text is None:
        return False
    utc = datetime.fromisoformat(text)
    return (since is None or utc >= since) and (until is None or utc < until)
