"""Punches taken while a clock was wrong, or nobody knew how it ran: how sure their instant is, by terminal.

All of it stands in the punch since it came (``time``, ``utc``, ``offset_ms``, ``clock``): a zone that its
terminal gets later changes nothing here.
"""

from __future__ import annotations

import enum
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from tfserver.model import SUSPECT_DRIFT_MS, Clock
from tfserver.store.archive.database import Archive
from tfserver.store.archive.filter import Filter
from tfserver.store.feed import Feed
from tfserver.store.search import MOST_SCANNED, PAGE, fits

DOUBTED: Final = (Clock.SUSPECT.value, Clock.UNKNOWN.value)


class Confidence(enum.StrEnum):
    """How far ``utc`` of a punch can be relied on."""

    EXACT = "exact"
    """The terminal ran by the clock that we set."""
    MEASURED = "measured"
    """It was found far off, by ``offset_ms``, and ``utc`` is corrected by that."""
    DOUBTFUL = "doubtful"
    """``utc`` is a guess: an hour that came twice or never, a date that can't be, or a clock that may have
    been right until it failed."""
    UNKNOWN = "unknown"
    """There is no instant, or nobody has confirmed in which zone the clock ran."""


class Doubted(msgspec.Struct):
    """The punches of one terminal: how many, the first and the last instant among them (when it came, where
    one has none), and how far off its clock was found at the worst (ms ahead; None: nobody measured)."""

    sn: str
    count: int
    first: str
    last: str
    worst_offset_ms: int | None

    def add(self, other: Doubted) -> None:
        """Count others of the same terminal in."""
        self.count += other.count
        self.first, self.last = min(self.first, other.first), max(self.last, other.last)
        self.worst_offset_ms = worst(self.worst_offset_ms, other.worst_offset_ms)


def worst(*offsets: int | None) -> int | None:
    """The one that is farthest from nothing."""
    return max((one for one in offsets if one is not None), key=abs, default=None)


def confidence_of(punch: dict[str, Any]) -> Confidence:
    """How far the instant of a punch, as the feed has it, can be relied on."""
    if punch.get("clock") == Clock.OK:
        return Confidence.EXACT
    time, utc, offset = (punch.get(name) for name in ("time", "utc", "offset_ms"))
    if punch.get("clock") != Clock.SUSPECT or time is None or utc is None:
        return Confidence.UNKNOWN
    if offset is None or abs(offset) < SUSPECT_DRIFT_MS:
        return Confidence.DOUBTFUL
    ahead = datetime.fromisoformat(time) - datetime.fromisoformat(utc)
    # else it was taken as it stands: then the clock was still right
    return Confidence.MEASURED if ahead == timedelta(milliseconds=offset) else Confidence.DOUBTFUL


async def by_terminal(feed: Feed, archive: Archive, wanted: Filter) -> list[Doubted]:
    """What fits of each terminal, by serial number: all that is archived, and what is not yet.
    ArchiveUnavailable."""
    await feed.check_archive()
    place, rows = await archive.doubted(wanted)
    found = {
        sn: Doubted(sn, count, first, last, worst(*offsets)) for sn, count, first, last, *offsets in rows
    }
    for one in await _not_archived(feed, place, wanted):
        if one.sn in found:
            found[one.sn].add(one)
        else:
            found[one.sn] = one
    return [found[sn] for sn in sorted(found)]


async def _not_archived(feed: Feed, after: str, wanted: Filter) -> list[Doubted]:
    """What came behind the archive's place; mostly nothing."""
    found = []
    for _ in range(MOST_SCANNED // PAGE):
        entries = await feed.page(after, PAGE, wanted.kinds)
        for _, text in entries:
            if fits(wanted, text):
                told = msgspec.json.decode(text)
                at = told.get("utc") or told.get("received") or ""
                found.append(Doubted(told["sn"], 1, at, at, told.get("offset_ms")))
        if len(entries) < PAGE:
            break
        after = entries[-1][0]
    return found
