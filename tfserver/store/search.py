"""Punches that fit, by arrival: out of the archive as far as that is, and out of the stream behind it.

Rows come from the archive with the place up to which everything is archived, and the stream goes on behind
that: nothing is missed or told twice, whoever writes and trims meanwhile.
"""

from __future__ import annotations

import datetime
from typing import Any, Final, NamedTuple

import msgspec

from tfserver.errors import ArchiveUnavailable, Gone
from tfserver.model import canonical_sn
from tfserver.store.archive.database import Archive
from tfserver.store.archive.filter import EVERYTHING, Filter
from tfserver.store.archive.finding import Found
from tfserver.store.archive.rows import Entry, place_of
from tfserver.store.feed import BEGINNING, Feed

MOST_SCANNED: Final = 10_000
"""Punches that one question looks at where no index finds them."""
PAGE: Final = 500
AHEAD: Final = 50
"""Punches read beyond a page, as some may not fit."""


class Page(NamedTuple):
    """What was found, and the place behind which to go on. ``is_end``: there is no more for now."""

    entries: list[Entry]
    next: str
    is_end: bool


class Search:
    """Questions to feed and archive."""

    def __init__(self, feed: Feed, archive: Archive) -> None:
        self._feed = feed
        self._archive = archive

    async def page(self, after: str, limit: int, wanted: Filter = EVERYTHING) -> Page:
        """Up to ``limit`` punches behind a place that fit. Gone when some behind it are not kept any more;
        ArchiveUnavailable when what is asked for is in the archive alone, and that is away."""
        if wanted == EVERYTHING:
            return await self.stream(after, limit, wanted)
        found = await self._archived(after, limit, wanted)
        if found is None:
            return await self.stream(after, limit, wanted)
        if not found.is_all:
            return Page(found.entries, found.reached, False)
        rest = await self.stream(found.reached, limit - len(found.entries), wanted, found.looked_at)
        # a cursor such as "0" stays as it was given while there is nothing
        is_same = not found.entries and place_of(rest.next) == place_of(after)
        return rest._replace(entries=found.entries + rest.entries, next=after if is_same else rest.next)

    async def stream(self, after: str, limit: int, wanted: Filter, scanned: int = 0) -> Page:
        """The same out of the feed, looking at one punch after another; ``scanned`` were looked at before."""
        found: list[Entry] = []
        while len(found) < limit and scanned < MOST_SCANNED:
            ahead = 0 if wanted == EVERYTHING else AHEAD
            count = min(PAGE, limit - len(found) + ahead, MOST_SCANNED - scanned)
            entries = await self._feed.page(after, count, wanted.kinds)
            for place, text in entries:
                after = place
                if wanted == EVERYTHING or fits(wanted, text):
                    found.append((place, text))
                if len(found) == limit:
                    break
            scanned += len(entries)
            if len(entries) < count:
                return Page(found, after, len(found) < limit)
        return Page(found, after, False)

    async def _archived(self, after: str, limit: int, wanted: Filter) -> Found | None:
        """What the archive has; None when it can't be asked, so that the stream has to do."""
        try:
            await self._feed.check_archive()
            found = await self._archive.find(after, limit, MOST_SCANNED, wanted)
        except ArchiveUnavailable:
            return None
        check_kept(after, found.forgotten)
        return found


def check_kept(after: str, forgotten: str) -> None:
    """Gone when retention deleted something behind a cursor; the beginning is that of what there is."""
    if BEGINNING < place_of(after) < place_of(forgotten):
        raise Gone(f"punches behind cursor {after} are not kept any more")


class _Told(msgspec.Struct):
    """What filters look at in a punch."""

    sn: str = ""
    site: str = ""
    kind: str = ""
    enrollid: Any = None
    utc: str | None = None
    received: str | None = None
    clock: str | None = None
    repeat_of: str | None = None


_decode: Final = msgspec.json.Decoder(_Told).decode


def fits(wanted: Filter, text: str) -> bool:
    """Whether the JSON of a punch is what a filter wants."""
    try:
        told = _decode(text)
    except msgspec.MsgspecError:
        # a value that no filter can mean
        return False
    if wanted.sn and canonical_sn(told.sn) != wanted.sn:
        return False
    if wanted.enrollid is not None and told.enrollid != wanted.enrollid:
        return False
    if wanted.site and told.site != wanted.site:
        return False
    if wanted.repeats and not told.repeat_of:
        return False
    for value, several in ((told.site, wanted.sites), (told.kind, wanted.kinds), (told.clock, wanted.clocks)):
        if several and value not in several:
            return False
    if wanted.since_ms is None and wanted.until_ms is None:
        return True
    return _is_within(told.utc or (told.received if wanted.by_received else None), wanted)


def _is_within(instant: str | None, wanted: Filter) -> bool:
    """Half-open bounds; what has no instant is in no interval."""
    if instant is None:
        return False
    try:
        ms = milliseconds(datetime.datetime.fromisoformat(instant))
    except (ValueError, TypeError):
        return False
    return (wanted.since_ms is None or ms >= wanted.since_ms) and (
        wanted.until_ms is None or ms < wanted.until_ms
    )


_EPOCH: Final = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_MS: Final = datetime.timedelta(milliseconds=1)


def milliseconds(when: datetime.datetime) -> int:
    """An aware instant as UTC milliseconds since 1970, the next one where it is between two: punches stand
    on whole ones, so bounds between mean the same."""
    return -((_EPOCH - when) // _MS)
