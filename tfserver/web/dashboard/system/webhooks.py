"""``/system/webhooks``: who is told of punches and events, how that fares, and what was refused for good."""

from __future__ import annotations

from typing import Final

from tfserver.store.webhooks import KINDS, MOST_BATCH
from tfserver.web.answer import Answer
from tfserver.web.api import webhooks as api
from tfserver.web.call import Call
from tfserver.web.dashboard.system.frame import HERE, pretty, show_inside
from tfserver.web.query import integer, place

PLACE: Final = f"{HERE}/webhooks"
PARAMETERS: Final = (
    integer("limit", "how many messages a page may have", 1, 100, 50),
    place("cursor", "the page behind this place"),
)


async def webhooks(call: Call) -> Answer:
    """All that who asks reaches."""
    found = (await api.listing(call)).webhooks
    return show_inside(call, "webhooks.html", PLACE, webhooks=found, kinds=KINDS, most_batch=MOST_BATCH)


async def webhook(call: Call) -> Answer:
    """One of them, and the messages that its receiver refused."""
    one = await api.one(call)
    letters = await api.dead_letters(call)
    return show_inside(
        call,
        "webhook.html",
        PLACE,
        webhook=one,
        letters=letters.dead_letters,
        following=letters.next,
        shown=pretty,
        is_first=call.query["cursor"] == "0",
        kinds=KINDS,
        most_batch=MOST_BATCH,
    )
