"""``/punches`` and ``/quarantine``: the feed by arrival, and what could not be read (design §2.2)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final

import msgspec

from tfserver.errors import Gone
from tfserver.model import Kind, canonical_sn
from tfserver.store.punches import Punches
from tfserver.store.terminals import Terminals
from tfserver.web.problem import Problem, bad_input
from tfserver.web.query import Query

PARAMETERS: Final = ("after", "limit", "sn", "enrollid", "site", "since", "until", "kind")
MOST_SCANNED: Final = 10_000
_PAGE: Final = 500
_AHEAD: Final = 50

Row = dict[str, Any]


async def feed(store: Punches, query: Query) -> dict[str, Any]:
    """Punches behind a cursor. ``next`` is never null and moves past rows that were filtered out."""
    wanted, limit, after = _filter(query), query.limit(), query.cursor()
    found: list[Row] = []
    scanned = 0
    while len(found) < limit and scanned < MOST_SCANNED:
        count = min(_PAGE, limit - len(found) + _AHEAD, MOST_SCANNED - scanned)
        try:
            page = await store.page(after, count)
        except Gone as gone:
            raise Problem(HTTPStatus.GONE, str(gone)) from gone
        for place, text in page:
            after = place
            row = msgspec.json.decode(text)
            if wanted(row):
                found.append({"id": place, **row})
            if len(found) == limit:
                break
        scanned += len(page)
        if len(page) < count:
            break
    return {"punches": found, "next": after}


async def quarantine(store: Punches, terminals: Terminals, query: Query) -> dict[str, Any]:
    """Records that could not be read and repeats, behind a cursor; and devices that claim a pinned number."""
    after = query.cursor()
    found = await store.quarantine(after, query.limit())
    claims = [{"kind": "identity", **msgspec.to_builtins(claim)} for claim in await terminals.claimants()]
    return {"quarantine": found, "claimants": claims, "next": found[-1]["id"] if found else after}


async def clear_quarantine(store: Punches, query: Query) -> dict[str, Any]:
    """Forget what somebody has looked at: everything up to the cursor ``until``."""
    if not query.text("until"):
        raise bad_input("until", "expected a cursor as given in 'next' of GET /quarantine")
    return {"forgotten": await store.clear_quarantine(query.cursor("until"))}


def _filter(query: Query) -> Callable[[Row], bool]:
    equal: Row = {}
    if query.text("sn"):
        equal["sn"] = canonical_sn(query.text("sn"))
    enrollid = query.integer("enrollid", None, 0, 2**63 - 1)
    if enrollid is not None:
        equal["enrollid"] = enrollid
    if query.text("site"):
        equal["site"] = query.text("site")
    kinds = query.choices("kind", tuple(Kind))
    since, until = query.instant("since"), query.instant("until")

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
