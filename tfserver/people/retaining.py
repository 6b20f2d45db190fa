"""What is known of people is kept as long as the settings say, kind by kind (docs/people.md).

An errand a day, done by one of the processes: harmless to do again, and to leave halfway.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
from twisted.logger import Logger

from tfserver.config.privacy import Privacy
from tfserver.errors import StoreError
from tfserver.people.erasing import ErasureDesk
from tfserver.people.repeating import Journal, Repeating
from tfserver.person import Known
from tfserver.store.people.directory import PEOPLE_A_CALL, Directory
from tfserver.store.people.erasures import Erasures
from tfserver.store.people.traces import Traces

RETENTION: Final = "retention"
"""The errands of this kind; there is one."""
DAILY: Final = "daily"
AGAIN: Final = "again"
"""The store may have lost erasures: it is compared with the archive."""
DAY_SECONDS: Final = 86_400.0
DAY_MS: Final = 86_400_000
REWRITTEN_DAYS: Final = 2
"""So long after an erasure the store's file is written anew each day: the last time behind what followed."""
ACTOR: Final = "privacy.erase_expired_days"


class Due(msgspec.Struct, frozen=True):
    """Somebody whose validity has ended, and how many days ago."""

    enrollid: int
    until: str
    days: int


class Retaining:
    """Forgets what is old; ``do`` is the errand."""

    _log = Logger()

    def __init__(
        self,
        privacy: Privacy,
        directory: Directory,
        erasures: Erasures,
        traces: Traces,
        desk: ErasureDesk,
        journal: Journal,
    ) -> None:
        self._privacy = privacy
        self._directory = directory
        self._erasures = erasures
        self._traces = traces
        self._desk = desk
        self._journal = journal
        self._repeating = Repeating(journal, erasures, directory, desk.places)

    async def do(self, name: str) -> float | None:
        """Forget whatever is due today, or repeat erasures that the store forgot."""
        if name == AGAIN:
            await self._repeating.repeat()
            return None
        privacy, now = self._privacy, self._erasures.now_ms()
        # there first: what is remembered there and not here is done again
        await self._journal.forget_erasures(now - privacy.report_days * DAY_MS)
        await self._erasures.forget(now - privacy.report_days * DAY_MS)
        await self._erasures.lift(now - privacy.tombstone_days * DAY_MS)
        if privacy.audit_days:
            await self._traces.trim_audit(now - privacy.audit_days * DAY_MS)
        if privacy.pushed_days:
            await self._traces.expire_strangers(privacy.pushed_days * DAY_MS)
        await self._expired()
        await self._rewrite()
        return DAY_SECONDS

    async def _rewrite(self) -> None:
        """What was deleted goes from the store's own file too, in the days after an erasure."""
        newest, _ = await self._erasures.listing(1, "")
        since = self._erasures.now_ms() - REWRITTEN_DAYS * DAY_MS
        if not newest or 1000 * datetime.fromisoformat(newest[0].ordered).timestamp() < since:
            return
        try:
            await self._traces.rewrite_file()
        except StoreError as refused:
            self._log.warn("the store does not write its file anew: {refused}", refused=str(refused))

    async def due(self, days: int, after: int, limit: int) -> list[Due]:
        """People behind a number whose validity ended at least so many days ago, by their numbers."""
        found: list[Due] = []
        async for one, _ in self._ended(days, after):
            found.append(one)
            if len(found) == limit:
                break
        return found

    async def _expired(self) -> None:
        days, count = self._privacy.erase_expired_days, 0
        async for one, created in self._ended(days, 0):
            count += 1
            if days:
                # the same key: once for each end of a validity, however often this is done
                key = f"{ACTOR} {one.enrollid} {one.until} {created}"
                await self._desk.order(one.enrollid, f"its validity ended at {one.until}", ACTOR, key)
        if count and not days:
            told = "the validity of {count} people has ended: GET /api/v1/erasures/due lists them"
            self._log.warn(told, count=count)

    async def _ended(self, days: int, after: int) -> AsyncIterator[tuple[Due, str]]:
        while found := await self._directory.page(after, PEOPLE_A_CALL):
            for known in found:
                one = self._judged(known, days)
                if one is not None:
                    yield one, known.person.created
            after = found[-1].person.enrollid

    def _judged(self, known: Known, days: int) -> Due | None:
        """A day more than the terminals' clocks can differ from ours."""
        until = known.person.validity.end
        if until is None:
            return None
        ended = datetime.fromisoformat(until).replace(tzinfo=UTC)
        if len(until) == len("YYYY-MM-DD"):
            ended += timedelta(days=1)
        over = datetime.fromtimestamp(self._erasures.now_ms() / 1000, UTC) - ended - timedelta(days=1)
        return Due(known.person.enrollid, until, over.days) if over.days >= days and over.days >= 0 else None
