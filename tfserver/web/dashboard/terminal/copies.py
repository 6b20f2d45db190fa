"""``/terminals/{sn}/copies``: snapshots of a terminal, and what was given back to it."""

from __future__ import annotations

from typing import Final

from tfserver.web.answer import Answer
from tfserver.web.api.snapshots import desk_of
from tfserver.web.call import Call
from tfserver.web.dashboard.terminal import about
from tfserver.web.paging import page_at
from tfserver.web.query import CURSOR

PAGE: Final = 20
PARAMETERS: Final = (CURSOR,)


async def copies(call: Call) -> Answer:
    """The newest first."""
    desk, sn, cursor = desk_of(call), call.path["sn"], call.query["cursor"]
    known, (found, following), given_back = await about.together(
        about.about(call), page_at(cursor, desk.listing(sn, PAGE, cursor)), desk.restorations_of(sn, PAGE)
    )
    return about.shown(
        call, "copies", known, snapshots=found, following=following, cursor=cursor, restorations=given_back
    )
