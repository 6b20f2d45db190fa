"""A store and an archive beside it, for tests of both."""

from __future__ import annotations

import os
from typing import Any

import msgspec
from twisted.internet import reactor
from twisted.internet.defer import Deferred

from tests.store.archive.archives import punch
from tests.store.connected import StoreCase
from tfserver.config import Archive as ArchiveSettings
from tfserver.store.archive.database import Archive
from tfserver.store.archive.rows import Entry
from tfserver.store.archived import Archived
from tfserver.store.client import Client
from tfserver.store.feed import Feed


class ArchivingCase(StoreCase):
    """A real store, whose stream is trimmed entry by entry, and an archive in SQLite."""

    extra = ("--stream-node-max-entries", "1")

    def setUp(self) -> None:
        """A store, and a folder for the archive."""
        super().setUp()
        self.folder = os.path.abspath(self.mktemp())
        os.makedirs(self.folder)
        self.path = os.path.join(self.folder, "archive.sqlite")

    async def begin(self, **settings: Any) -> None:
        """A process with everything."""
        self.client: Client = await self.connect()
        self.archive = await self.new_archive(**settings)
        self.archived = self.new_archived(**settings)
        self.feed = Feed(self.client, self.archive)

    async def new_archive(self, path: str = "", **settings: Any) -> Archive:
        """A started archive; without a path in the file of this test."""
        if not path:
            path = self.path
        archive = Archive(reactor, f"sqlite:///{path}", ArchiveSettings(**settings))
        self.addCleanup(lambda: Deferred.fromCoroutine(archive.stop()))
        await archive.start()
        return archive

    def new_archived(self, holder: str = "me", **settings: Any) -> Archived:
        """The words of a process to the store."""
        return Archived(self.client, ArchiveSettings(**settings), holder)

    async def add(self, *numbers: int, **more: Any) -> list[str]:
        """Punches enter the stream at the store's time; their places."""
        return [
            await self.client.write(
                "XADD", "tf:punches", "*", "v", "1", "p", msgspec.json.encode(punch(number, **more))
            )
            for number in numbers
        ]

    async def archive_all(self) -> str:
        """Let the archive have all of the stream, as the archiver does; its place."""
        await self.archived.lease(self.archive.id)
        before = await self.archive.place()
        found = await self.archived.batch(before, 10_000)
        if found:
            await self.archive.keep(found, before)
            await self.archived.advance(found[-1][0], len(found))
        return await self.archive.place()

    async def stream(self) -> list[str]:
        """The places in the stream."""
        return [place for place, _ in await self.client.read("XRANGE", "tf:punches", "-", "+")]


def places(page: list[Entry]) -> list[str]:
    """The places of a page."""
    return [place for place, _ in page]
