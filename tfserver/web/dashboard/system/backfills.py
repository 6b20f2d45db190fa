"""``/system/backfills``: days of terminals that are fetched again."""

from __future__ import annotations

from typing import Final

from tfserver.web.answer import Answer
from tfserver.web.api import backfills as api
from tfserver.web.call import Call
from tfserver.web.dashboard.system.frame import HERE, show_inside
from tfserver.web.query import CURSOR, integer, text

PLACE: Final = f"{HERE}/backfills"
PARAMETERS: Final = (
    text("sn", "only of this terminal"),
    integer("limit", "how many rows a page may have", 1, 100, 50),
    CURSOR,
)


async def backfills(call: Call) -> Answer:
    """A page of them, newest first."""
    found = await api.listing(call)
    return show_inside(
        call, "backfills.html", PLACE, backfills=found.backfills, following=found.next, sn=call.query["sn"]
    )
