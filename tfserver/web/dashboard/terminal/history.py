"""``/terminals/{sn}/history``: who did what to a terminal."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from tfserver.web.answer import Answer
from tfserver.web.api import audit
from tfserver.web.call import Call
from tfserver.web.dashboard.terminal import about
from tfserver.web.query import Query, place

PAGE: Final = 50
SCANNED: Final = 2_500
"""Records of all terminals that one page looks at."""
PARAMETERS: Final = (place("cursor", "the page behind this place"),)


async def history(call: Call) -> Answer:
    """The newest first."""
    known = await about.about(call)
    asked = {"sn": call.path["sn"], "limit": PAGE, "cursor": call.query["cursor"]}
    found = await audit.found(call, Query(urlencode(asked).encode(), audit.PARAMETERS), SCANNED)
    return about.shown(
        call, "history", known, records=found.audit, following=found.next, cursor=call.query["cursor"]
    )
