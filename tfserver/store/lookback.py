"""Punches as people look for them: the newest first, and how many there were at each hour of a day.

What the archive has comes from there; what came since, and all of it while there is no archive, from the
stream.
"""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any, Final, NamedTuple

import msgspec

from tfserver.errors import ArchiveUnavailable
from tfserver.store.archive.database import Archive
from tfserver.store.archive.filter import Filter
from tfserver.store.archive.rows import Entry, Place, place_of
from tfserver.store.feed import Feed
from tfserver.store.search import MOST_SCANNED, fits

_BEGINNING: Final = "0-0"
_END: Final = str(Place(2**62, 0))


class Looked(NamedTuple):
    """What fits, the newest first, and the place before which to go on (empty: there is no more).
    ``is_cut``: the archive is away, and the stream does not go back to the beginning."""

    entries: list[Entry]
    following: str
    is_cut: bool = False


class Counted(NamedTuple):
    """How many punches by terminal, and by hour of the day; ``is_cut``: the archive is away or
    far behind, and only the newest are counted."""

    terminals: Counter[str]
    hours: Counter[int]
    is_cut: bool = False

    @property
    def all(self) -> int:
        """All of them."""
        return self.hours.total()


class Lookback:
    """Questions to feed and archive."""

    def __init__(self, feed: Feed, archive: Archive) -> None:
        self._feed = feed
        self._archive = archive

    async def page(self, before: str, limit: int, wanted: Filter) -> Looked:
        """Up to ``limit`` punches before a place (empty: from the end) that fit. StoreError."""
        recent = await self._recent(before)
        try:
            await self._feed.check_archive()
            if len(recent) == MOST_SCANNED:
                # between these and what the archive has there may be more
                return _of(recent, limit, wanted, is_cut=False)
            found = await self._archive.latest(before or _END, limit, MOST_SCANNED, wanted)
        except ArchiveUnavailable:
            return await self._of_stream(before, limit, wanted)
        # what was archived since the stream was read is in both
        newer = [entry for entry in _behind(found.stands, recent) if fits(wanted, entry[1])]
        entries = [*newer, *found.entries][:limit]
        if len(newer) + len(found.entries) > limit or (len(entries) == limit and not found.is_all):
            return Looked(entries, entries[-1][0])
        return Looked(entries, "" if found.is_all else found.reached)

    async def _of_stream(self, before: str, limit: int, wanted: Filter) -> Looked:
        """What the stream alone says."""
        recent = await self._feed.back(before, _BEGINNING, MOST_SCANNED)
        return _of(recent, limit, wanted, is_cut=True)

    async def _recent(self, before: str) -> list[Entry]:
        """What came behind the archive's place, as much as may be looked at."""
        return await self._feed.back(before, await self._feed.archived(), MOST_SCANNED)

    async def by_hour(self, day: date, wanted: Filter) -> Counted:
        """How many fit, on a day of each terminal's own clock. StoreError."""
        recent = await self._recent("")
        terminals, hours = Counter[str](), Counter[int]()
        try:
            await self._feed.check_archive()
            stands, rows = await self._archive.by_hour(day, wanted)
        except ArchiveUnavailable:
            stands, rows = "", []
            recent = await self._feed.back("", _BEGINNING, MOST_SCANNED)
        for sn, hour, count in rows:
            terminals[sn] += count
            hours[hour] += count
        for _, text in _behind(stands, recent):
            told = _TIMED(text) if fits(wanted, text) else None
            if told is not None and str(told.time)[:10] == day.isoformat():
                terminals[told.sn] += 1
                hours[int(told.time[11:13])] += 1
        return Counted(terminals, hours, not stands or len(recent) == MOST_SCANNED)


def _of(recent: list[Entry], limit: int, wanted: Filter, is_cut: bool) -> Looked:
    """What fits of the stream, looked through as far as it may be."""
    fitting = [entry for entry in recent if fits(wanted, entry[1])]
    if len(fitting) > limit:
        return Looked(fitting[:limit], fitting[limit - 1][0], is_cut)
    return Looked(fitting, recent[-1][0] if len(recent) == MOST_SCANNED else "", is_cut)


def _behind(place: str, entries: list[Entry]) -> list[Entry]:
    bound = place_of(place or _BEGINNING)
    return [entry for entry in entries if place_of(entry[0]) > bound]


class _Timed(msgspec.Struct):
    """When a punch was, by the terminal's own clock."""

    sn: str
    time: Any = None


_TIMED: Final = msgspec.json.Decoder(_Timed).decode
