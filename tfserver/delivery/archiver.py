"""One archiver over all processes: punches in stream order into SQL, and only then out of the stream.

It goes on where the database says that it stands, whoever died, and never beyond: rows and place are one
transaction, and the place is compared before it is set.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from twisted.internet import task
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger

from tfserver.delivery.remembering import remember
from tfserver.delivery.tidying import Tidying
from tfserver.errors import ArchiveUnavailable, StoreError
from tfserver.metrics import Metrics
from tfserver.store.archive.database import Archive
from tfserver.store.archive.rows import Entry, place_of
from tfserver.store.archive.writing import Overtaken, Poisoned
from tfserver.store.archived import LEASE_MS, Archived, Turn

PAGE: Final = 500
"""Entries read at a time: a millisecond of the store and of the reactor."""
BATCH: Final = 2000
"""Rows in a transaction at most: what its indexes cost is shared."""
BATCH_CHARACTERS: Final = 2_000_000
IDLE_SECONDS: Final = 0.25
BUSY_PUNCHES: Final = 1000
"""So many a second from this process's terminals, and they come first."""
BUSY_REST: Final = 9.0
"""Then it rests so many times as long as it worked: a row costs nearly as much as the punch did. Who asks
finds them in the stream meanwhile."""
MOST_BEHIND: Final = 500_000
"""With more punches waiting than these it works on, whoever comes."""
MOST_FULL: Final = 0.5
"""And with more of the store's memory used."""
TURN_SECONDS: Final = 3.0
"""Until who has not the turn asks again."""
FAILED_SECONDS: Final = (0.5, 15.0)
STOP_SECONDS: Final = 5.0
"""A stop waits so long for the batch that is under way."""


Learn = Callable[[Sequence[Entry]], Awaitable[None]]
"""Told of each batch before it is kept; it has to fail never, and to be quick."""


async def learn_nothing(entries: Sequence[Entry]) -> None:
    """Nobody wants to know."""


class Archiver:
    """The archiver of this process; it works while it is its turn."""

    _log = Logger()

    def __init__(
        self,
        reactor: Any,
        archive: Archive,
        archived: Archived,
        tidying: Tidying,
        metrics: Metrics,
        learn: Learn = learn_nothing,
    ) -> None:
        self._reactor = reactor
        self._archive = archive
        self._archived = archived
        self._tidying = tidying
        self._metrics = metrics
        self._learn = learn
        self._place: str | None = None
        """Where the database stands; None when that has to be asked."""
        self._leased_at: float | None = None
        self._lineage = ""
        self._put_aside: set[str] = set()
        self._wait = FAILED_SECONDS[0]
        self._told = ""
        self._is_over = False
        self._seen = (reactor.seconds(), 0)
        """When this process was looked at, and how many punches it had kept by then."""
        self._pause: Deferred[None] | None = None
        self._running: Deferred[None] | None = None

    async def start(self) -> None:
        """Begin."""
        self._running = Deferred.fromCoroutine(self._run())

    async def stop(self) -> None:
        """Finish the batch that is under way, and let another process take the turn."""
        self._is_over = True
        if self._pause is not None:
            self._pause.cancel()
        if self._running is not None:
            try:
                await self._running.addTimeout(STOP_SECONDS, self._reactor)
            except Exception:
                self._log.warn("the archive did not take a batch in time; it is taken again by who goes on")

    async def _run(self) -> None:
        while not self._is_over:
            try:
                wait = await self._round()
                self._succeeded()
            except Overtaken:
                self._place, wait = None, IDLE_SECONDS
            except StoreError as away:
                wait = self._failed(str(away))
            except CancelledError:
                break
            except Exception:
                self._log.failure("our own mistake while archiving")
                wait = self._failed("our own mistake while archiving")
            await self._sleep(wait)
        await self._release()

    async def _round(self) -> float:
        """A turn's work; how long to wait until the next."""
        if not self._archive.id:
            raise ArchiveUnavailable(self._archive.problem)
        if self._lineage != self._archived.lineage:
            # what is archived may be gone from the store
            self._lineage, self._leased_at, self._place = self._archived.lineage, None, None
        if not await self._has_turn():
            return TURN_SECONDS
        if self._place is None:
            self._place = await self._resume()
        began, is_busy = self._reactor.seconds(), self._is_busy()
        entries = await self._next(self._place, PAGE if is_busy else BATCH)
        if entries:
            # before: should we die in between, the next one learns it
            await self._learn(entries)
            await self._keep(entries, self._place)
        more = await self._tidying.tidy(self._reactor.seconds())
        if is_busy:
            worked: float = self._reactor.seconds() - began
            return max(IDLE_SECONDS, BUSY_REST * worked)
        return 0 if len(entries) >= PAGE or more else IDLE_SECONDS

    def _is_busy(self) -> bool:
        """Whether terminals push so much to this process that they come first."""
        now, kept = self._reactor.seconds(), self._metrics.punches["new"]
        (before, counted), self._seen = self._seen, (now, kept)
        pushed = (kept - counted) / max(now - before, IDLE_SECONDS)
        has_room = self._metrics.archive_lag < MOST_BEHIND and self._metrics.store_memory < MOST_FULL
        return pushed >= BUSY_PUNCHES and has_room

    async def _has_turn(self) -> bool:
        now = self._reactor.seconds()
        if self._leased_at is not None and now - self._leased_at < LEASE_MS / 3000:
            return True
        lease = await self._archived.lease(self._archive.id)
        if lease.turn is Turn.YOURS:
            self._leased_at = now
            return True
        self._leased_at = self._place = None
        if lease.turn is Turn.OTHER:
            raise StoreError(
                f"the punches of this store go to another archive than {self._archive.description}: this "
                "process archives nothing (docs/archive.md says how to change archives)"
            )
        return False

    async def _resume(self) -> str:
        """Where the database stands; what does not fit the store is told, and mended as far as it can be."""
        place = await self._archive.place()
        look = await self._archived.look()
        if place_of(place).next < place_of(look.trimmed):
            told = "the archive was set back: it lacks what came between {place} and {trimmed}"
            self._log.error(told, place=place, trimmed=look.trimmed)
        if place_of(look.last) < place_of(place) or look.is_joining:
            told = "the store has lost punches: it ends at {last}, the archive at {place}"
            self._log.error(told, last=look.last, place=place)
            await self._archived.follow(place)
            await self._keep_again(place, "0-0")
            await self._archived.join(place)
        elif place_of(look.place) < place_of(place) and not await self._archived.has(place):
            told = (
                "the archive stands at {place}, where this store has nothing: it was lost in a failover, or "
            )
            told += "another store uses this archive too"
            self._log.error(told, place=place)
            await self._keep_again(place, look.place)
            await remember(self._archive, self._archived, look.place, place)
            await self._archived.join(place)
        await self._archived.advance(place, 0)
        return place

    async def _keep_again(self, place: str, after: str) -> None:
        """Keep all of a stream up to where the archive stands: it came there without this stream, or the
        store's clock went back."""
        while entries := await self._archived.batch(after, PAGE):
            after = entries[-1][0]
            found = [one for one in entries if place_of(one[0]) <= place_of(place)]
            await self._insert(found, place, place)
            if len(found) < len(entries):
                break

    async def _next(self, after: str, most: int) -> list[Entry]:
        """The next batch: more than a page only when much waits."""
        found: list[Entry] = []
        size = 0
        while len(found) < most and size < BATCH_CHARACTERS:
            page = await self._archived.batch(found[-1][0] if found else after, PAGE)
            found += page
            size += sum(len(text) for _, text in page)
            if len(page) < PAGE:
                break
        return found

    async def _keep(self, entries: list[Entry], before: str) -> None:
        last = entries[-1][0]
        # Should this fail, whether it happened is not known.
        self._place = None
        new = await self._insert(entries, before, last)
        self._place = last
        self._metrics.archived["new"] += new
        self._metrics.archived["known"] += len(entries) - new
        if self._lineage != self._archived.lineage:
            # a store that failed over meanwhile may lack them: the next round looks before it goes on
            return
        if not await self._archived.advance(last, len(entries)):
            self._leased_at = self._place = None

    async def _insert(self, entries: Sequence[Entry], before: str, to: str) -> int:
        """Keep what can be kept; what can't goes to the quarantine, so that it holds up nobody."""
        left = list(entries)
        while True:
            try:
                return await self._archive.keep(left, before, to)
            except Poisoned as poisoned:
                for entry in left:
                    if entry[0] in poisoned.why:
                        await self._quarantine(entry, poisoned.why[entry[0]])
                left = [entry for entry in left if entry[0] not in poisoned.why]

    async def _quarantine(self, entry: Entry, why: str) -> None:
        if entry[0] in self._put_aside:
            return
        await self._archived.put_aside(entry, why)
        self._put_aside.add(entry[0])
        self._metrics.archived["put_aside"] += 1
        told = "the punch at {place} can't be archived and is in the quarantine: {why}"
        self._log.error(told, place=entry[0], why=why)

    def _succeeded(self) -> None:
        self._wait = FAILED_SECONDS[0]
        if self._told:
            self._told = ""
            self._log.info("archiving goes on")

    def _failed(self, why: str) -> float:
        """Tell it once; how long to wait."""
        self._place = None
        self._metrics.archive_failures += 1
        if why != self._told:
            self._told = why
            self._log.warn("not archiving: {why}", why=why)
        wait, self._wait = self._wait, min(2 * self._wait, FAILED_SECONDS[1])
        return wait

    async def _sleep(self, seconds: float) -> None:
        if self._is_over:
            return
        self._pause = task.deferLater(self._reactor, seconds)
        try:
            await self._pause
        except CancelledError:
            pass
        finally:
            self._pause = None

    async def _release(self) -> None:
        if self._leased_at is None:
            return
        try:
            await self._archived.release()
        except StoreError:
            # it ends by itself
            self._leased_at = None
