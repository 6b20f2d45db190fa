"""Punches by arrival, from the stream and, where that was trimmed, from the archive: never a gap.

What is trimmed between two reads is read from the archive: one script says from where on the stream is whole
and reads it, in the same moment.
"""

from __future__ import annotations

from tfserver.errors import ArchiveUnavailable, Gone
from tfserver.store.archive.database import Archive
from tfserver.store.archive.rows import Entry, Place, place_of
from tfserver.store.archived import body_in
from tfserver.store.client import Client

BEGINNING = Place(0, 0)


class Feed:
    """All punches there are, in the order of their arrival."""

    def __init__(self, client: Client, archive: Archive) -> None:
        self._client = client
        self._archive = archive

    async def page(self, after: str, limit: int, kinds: tuple[str, ...] = ()) -> list[Entry]:
        """Up to ``limit`` punches behind a place (``0`` is the beginning of what there is): place and JSON.
        Fewer mean that there are no more.

        ``kinds`` are those that the asker wants: Gone when retention deleted some of them (none named: any)
        behind the place. It may get others too. ArchiveUnavailable when the archive is needed.
        """
        cursor = place_of(after)
        start = cursor.next
        found: list[Entry] = []
        while len(found) < limit:
            trimmed, entries = await self._stream(start, limit - len(found))
            if entries is not None:
                return found + entries
            old = await self._archived(cursor, limit - len(found), kinds)
            found += old
            # Everything before the mark is in the archive: where that ends, the stream goes on.
            cursor = place_of(old[-1][0]) if old else cursor
            start = max(cursor.next, trimmed)
        return found

    async def check_archive(self) -> None:
        """ArchiveUnavailable when what is archived of this store is in another archive than this process has,
        or in one that was never reached."""
        told = await self._client.read("HGET", self._client.keys.archived, "archive")
        if not self._archive.id:
            raise ArchiveUnavailable(self._archive.problem)
        if told and told != self._archive.id:
            raise ArchiveUnavailable(f"the punches of this store go to another archive: {told}")

    async def newest(self) -> str:
        """The place of the last punch there was."""
        name = self._client.keys.punches
        last = await self._client.read("XREVRANGE", name, "+", "-", "COUNT", 1)
        if last:
            return str(last[0][0])
        return await self._client.read("HGET", self._client.keys.archived, "place") or str(BEGINNING)

    async def last(self, limit: int) -> list[str]:
        """JSON of up to so many of the last punches, the newest first: those that the stream still has."""
        found = await self._client.read("XREVRANGE", self._client.keys.punches, "+", "-", "COUNT", limit)
        return [body_in(fields) for _, fields in found]

    async def back(self, before: str, after: str, limit: int) -> list[Entry]:
        """Up to so many punches between two places, both left out, the newest first: those that the stream
        still has. Without ``before`` from the end."""
        name, start = self._client.keys.punches, f"({before}" if before else "+"
        found = await self._client.read("XREVRANGE", name, start, f"({after}", "COUNT", limit)
        return [(place, body_in(fields)) for place, fields in found]

    async def archived(self) -> str:
        """The place up to which everything is archived."""
        return await self._client.read("HGET", self._client.keys.archived, "place") or str(BEGINNING)

    async def _stream(self, start: Place, limit: int) -> tuple[Place, list[Entry] | None]:
        """From where on the stream is whole, and a page of it; None when ``start`` is before that."""
        keys = self._client.keys
        told = await self._client.read_script("feed", [keys.archived, keys.punches], [str(start), limit])
        trimmed, archive, *entries = told
        if entries:
            return place_of(trimmed), [(place, body_in(fields)) for place, fields in entries[0]]
        if self._archive.id and archive != self._archive.id:
            raise ArchiveUnavailable(f"what came before {trimmed} is in another archive: {archive}")
        return place_of(trimmed), None

    async def _archived(self, after: Place, limit: int, kinds: tuple[str, ...]) -> list[Entry]:
        found = await self._archive.page(str(after), limit)
        # Asked after the page was read: what was deleted since then we have.
        if after > BEGINNING and after < place_of(await self._archive.forgotten(kinds)):
            raise Gone(f"punches behind cursor {after} are not kept any more")
        return found
