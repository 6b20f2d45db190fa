"""``/terminals/{sn}/frames``: the last messages of a terminal, both ways."""

from __future__ import annotations

from typing import Final

from tfserver.web.answer import Answer
from tfserver.web.api import frames as recorder
from tfserver.web.call import Call
from tfserver.web.dashboard.terminal import about

MOST: Final = 100


async def frames(call: Call) -> Answer:
    """The newest first."""
    known, found = await about.together(about.about(call), recorder.listing(call))
    return about.shown(call, "frames", known, frames=found.frames[::-1][:MOST], is_whole=found.whole)
