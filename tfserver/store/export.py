"""All punches that fit, up to the end as it was at the beginning, in chunks made when they are asked for."""

from __future__ import annotations

from typing import Final

from tfserver.errors import ArchiveUnavailable
from tfserver.store.archive.database import Archive
from tfserver.store.archive.filter import EVERYTHING, Filter
from tfserver.store.archive.forms import Form, lines_of
from tfserver.store.archive.rows import Entry, place_of
from tfserver.store.feed import Feed
from tfserver.store.search import check_kept, fits

FEWEST: Final = 3000
MOST: Final = 48_000
"""Rows that a chunk is looked for in: more where few of them fit, so that chunks are of one size."""
PAGE: Final = 200
"""Rows of the stream at a time, which are read in the reactor's thread: a few milliseconds of it."""


class Export:
    """One export. The archive makes its lines itself; what is not there yet comes from the stream."""

    def __init__(self, feed: Feed, archive: Archive, form: Form, wanted: Filter) -> None:
        self._feed = feed
        self._archive = archive
        self._form = form
        self._wanted = wanted
        self._after = self._upto = self._end = "0-0"
        self._count = FEWEST
        self._is_begun = False

    async def open(self, after: str) -> None:
        """Begin behind a place. Gone when some behind it are not kept any more."""
        self._after = self._upto = after
        self._end = await self._feed.newest()
        try:
            await self._feed.check_archive()
            upto = await self._archive.place()
            forgotten = await self._archive.forgotten(self._wanted.kinds)
        except ArchiveUnavailable:
            # perhaps the stream has it all
            return
        check_kept(after, forgotten)
        self._upto = min(upto, self._end, key=place_of)

    async def next(self) -> bytes | None:
        """The next chunk, None behind the last. ArchiveUnavailable: it is not whole, and will not be."""
        while place_of(self._after) < place_of(self._upto):
            data = await self._from_archive()
            if data:
                return data
        while place_of(self._after) < place_of(self._end):
            data = await self._from_stream()
            if data:
                return data
        return None

    async def _from_archive(self) -> bytes:
        is_first, self._is_begun = not self._is_begun, True
        if is_first and self._wanted != EVERYTHING:
            whole = await self._archive.whole(self._after, self._upto, self._wanted, self._form)
            if whole is not None:
                self._after = whole.reached
                return whole.data
        chunk = await self._archive.chunk(self._after, self._upto, self._count, self._wanted, self._form)
        self._after = chunk.reached
        share = max(1, FEWEST // max(chunk.rows, 1))
        self._count = min(self._count * 2, FEWEST * share, MOST)
        return chunk.data

    async def _from_stream(self) -> bytes:
        entries = await self._feed.page(self._after, PAGE, self._wanted.kinds)
        found = [entry for entry in entries if self._is_meant(entry)]
        self._after = entries[-1][0] if len(entries) == PAGE else self._end
        return lines_of(self._form, found) if found else b""

    def _is_meant(self, entry: Entry) -> bool:
        place, text = entry
        return place_of(place) <= place_of(self._end) and (
            self._wanted == EVERYTHING or fits(self._wanted, text)
        )
