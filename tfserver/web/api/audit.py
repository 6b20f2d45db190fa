"""``/audit``: who did what, newest first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from tfserver.model import canonical_sn
from tfserver.store.audit import NEWEST, AuditRecord
from tfserver.web.call import Call
from tfserver.web.query import LIMIT, Query, instant, place, text
from tfserver.web.shapes import AuditPage
from tfserver.web.sites import Sites

PARAMETERS: Final = (
    text("sn", "only about this terminal"),
    text("actor", "only by this actor, or by those in whose name this stands, e.g. a token's id"),
    instant("since", "only at or after this instant"),
    instant("until", "only before this instant"),
    LIMIT,
    place("cursor", "the page behind this place, as given in `next`"),
)
MOST_SCANNED: Final = 10_000
_PAGE: Final = 500
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


async def listing(call: Call) -> AuditPage:
    """A page of records; it may be short, or empty, when much was passed over: ``next`` goes on."""
    return await found(call, call.query, MOST_SCANNED)


async def found(call: Call, query: Query, scanned: int) -> AuditPage:
    """What of the next ``scanned`` records fits a query with these parameters."""
    sites = Sites(call.sources.terminals)
    limit, before = query["limit"], _beginning(query)
    since = query["since"]
    least = max(0, _ms(since)) if since else 0
    fitting: list[AuditRecord] = []
    for _ in range(scanned // _PAGE):
        page = await call.sources.audit.page(before, least, _PAGE)
        known = await sites.learn(record.sn for record in page) if call.who.sites else {}
        for record in page:
            before = record.id
            if _fits(record, query) and call.sees(known.get(record.sn, "")):
                fitting.append(record)
            if len(fitting) == limit:
                return AuditPage(fitting, before)
        if len(page) < _PAGE:
            return AuditPage(fitting, None)
    return AuditPage(fitting, before)


def _beginning(query: Query) -> str:
    """The place before which the page begins: the cursor's, or that of ``until`` if it is older."""
    cursor, until = query["cursor"], query["until"]
    places = [] if cursor == "0" else [cursor]
    if until:
        places.append(f"{max(0, _ms(until))}-0")
    return min(places, key=_number, default=NEWEST)


def _number(text: str) -> tuple[int, int]:
    ms, _, number = text.partition("-")
    return int(ms), int(number or 0)


def _ms(when: datetime) -> int:
    """Milliseconds, rounded up: an instant between two belongs to the later."""
    return -((_EPOCH - when) // timedelta(milliseconds=1))


def _fits(record: AuditRecord, query: Query) -> bool:
    if query["sn"] and record.sn != canonical_sn(query["sn"]):
        return False
    return query["actor"] in record.actor
