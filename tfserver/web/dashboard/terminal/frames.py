"""``/terminals/{sn}/frames``: the last messages of a terminal, both ways."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from tfserver.web.answer import Answer
from tfserver.web.api import frames as recorder
from tfserver.web.call import Call
from tfserver.web.dashboard.terminal import about
from tfserver.web.shapes import RecordedFrame

MOST: Final = 100


async def frames(call: Call) -> Answer:
    """The newest first."""
    known, found = await about.together(about.about(call), recorder.listing(call))
    rows = named(found.frames)[::-1][:MOST]
    return about.shown(call, "frames", known, frames=rows, is_whole=found.whole)


def named(found: Iterable[RecordedFrame]) -> list[tuple[str, RecordedFrame]]:
    """Messages, oldest first, each with a name that stays its own while others come and go."""
    seen = Counter[str]()
    rows = []
    for frame in found:
        name = f"{frame.connection}-{frame.at}-{frame.direction}"
        seen[name] += 1
        rows.append((f"{name}-{seen[name]}", frame))
    return rows
