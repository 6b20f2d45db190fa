"""``/stream``: punches, orders and terminals as they happen, as server-sent events."""

from __future__ import annotations

import re
from typing import Final

from tfserver.store.events import Ends
from tfserver.web.answer import Answer, Streamed
from tfserver.web.call import Call
from tfserver.web.problem import bad_input
from tfserver.web.query import choices
from tfserver.web.streams import KINDS, PUNCH
from tfserver.web.watcher import MEDIA, View

PARAMETERS: Final = (choices("events", "only these kinds of event", KINDS),)
LAST_ID: Final = "Last-Event-ID"
ID_PATTERN: Final = re.compile(r"(\d{1,19}-\d{1,19})_(\d{1,19}-\d{1,19})", re.ASCII)


async def stream(call: Call) -> Answer | Streamed:
    """Everything from now on, or from behind the last id that somebody saw; Problem 410 when that is gone."""
    wanted = frozenset(call.query["events"] or KINDS)
    ends = await _beginning(call, wanted)
    if call.is_head:
        return Answer(b"", media=MEDIA)
    call.desk.streams.join(call.request, call.who, call.session, View(ends, wanted, call.who.sites))
    return Streamed()


async def _beginning(call: Call, wanted: frozenset[str]) -> Ends:
    given = call.header(LAST_ID)
    if not given:
        return await call.sources.events.ends()
    match = ID_PATTERN.fullmatch(given)
    if match is None:
        raise bad_input(LAST_ID, "expected an id as it stood in the stream")
    if PUNCH in wanted:
        await call.sources.feed.page(match[1], 1)
    if wanted - {PUNCH}:
        await call.sources.events.page(match[2], 1)
    return Ends(match[1], match[2])
