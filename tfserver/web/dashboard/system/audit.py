"""``/system/audit``: who did what, newest first."""

from __future__ import annotations

from typing import Final

from tfserver.web.answer import Answer
from tfserver.web.api import audit as api
from tfserver.web.call import Call
from tfserver.web.dashboard.system.frame import HERE, pretty, show_inside
from tfserver.web.query import instant, integer, place, text

PLACE: Final = f"{HERE}/audit"
PARAMETERS: Final = (
    text("sn", "only about this terminal"),
    text("actor", "only by this actor, or by those in whose name this stands"),
    instant("since", "only at or after this instant"),
    instant("until", "only before this instant"),
    integer("limit", "how many rows a page may have", 1, 100, 50),
    place("cursor", "the page behind this place"),
)


async def audit(call: Call) -> Answer:
    """A page of records."""
    found = await api.listing(call)
    return show_inside(
        call,
        "audit.html",
        PLACE,
        records=found.audit,
        following=found.next,
        given=call.query.given,
        shown=pretty,
    )
