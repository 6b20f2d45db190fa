"""``/system/handshakes``: connections to the terminals' port that never became a conversation."""

from __future__ import annotations

from typing import Final

from tfserver.web.answer import Answer
from tfserver.web.api import frames as api
from tfserver.web.call import Call
from tfserver.web.dashboard.system.frame import HERE, show_inside
from tfserver.web.query import text

PLACE: Final = f"{HERE}/handshakes"
PARAMETERS: Final = (text("address", "only from addresses in which this stands"),)
MOST: Final = 100


async def handshakes(call: Call) -> Answer:
    """The latest of them, of all processes."""
    found, address = await api.handshakes(call), call.query["address"].strip()
    fitting = [one for one in found.handshakes if address in one.address]
    return show_inside(
        call,
        "handshakes.html",
        PLACE,
        handshakes=fitting[:MOST],
        count=len(fitting),
        is_whole=found.whole,
        address=address,
    )
