"""Punches on their way to disk: everything that came in one turn of the reactor goes in one script call.

``keep`` tells its caller that the store has confirmed under the accepted durability, or that this did not
happen within the deadline. Then the write may still have happened: known punches are dropped, so sending it
again makes no double (design §3.1).

This is the way of every punch, hence no Deferred, no function and no name made anew for a single record.
"""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Sequence
from typing import Any, Final

from twisted.internet.defer import Deferred, fail
from twisted.logger import Logger

from tfserver.config import Punches as PunchSettings
from tfserver.errors import ScriptFailed, StoreUnavailable
from tfserver.store.client import Client
from tfserver.store.horizon import Archived, Horizon, is_remembered, without
from tfserver.store.room import Room
from tfserver.store.shelf import (
    TOUCH_EVERY,
    Bad,
    Done,
    Frame,
    Kept,
    Present,
    Record,
    Seal,
    Shelf,
    Told,
    write,
)

MOST_RECORDS_A_CALL: Final = 200
"""Records, bad ones and frames: so many take the store a few milliseconds."""
FEW_CALLS: Final = 2
"""Calls under way at once as long as none is full: what comes meanwhile shares the next one."""
MOST_CALLS: Final = 8
"""Full calls under way at once; a slow disk confirms all of them together."""
MOST_WAITING: Final = 20_000
MOST_OLD: Final = 5000
"""Records that wait for what the archive knows of them."""
MOST_PICTURES: Final = 32 * 1024 * 1024
"""Bytes of pictures that wait with their punches."""
SIGHTING_DAYS: Final = 3
FROZEN_AFTER: Final = 3
"""So many repeats of one time value mean a clock that stands still (protocol §7 #15)."""


class QuarantineFull(ScriptFailed):
    """Bad records find no room: somebody has to look at the quarantine."""


class Punches:
    """The stream of punches and the quarantine beside it."""

    def __init__(
        self,
        reactor: Any,
        client: Client,
        settings: PunchSettings,
        archived: Archived | None = None,
        seal: Seal | None = None,
    ) -> None:
        self._reactor = reactor
        self._client = client
        self._settings = settings
        self._archived = archived
        self._seal = seal
        self._horizon = Horizon(settings.dedupe_days)
        self._old = 0
        self._waiting: deque[Frame] = deque()
        self._waiting_records = 0
        self._calls = 0
        self._scheduled = False
        self._pictures = Room(MOST_PICTURES)

    @property
    def fullness(self) -> float:
        """How much of what may wait to be kept does, at most about 1."""
        return max(self._waiting_records / MOST_WAITING, self._old / MOST_OLD, self._pictures.fullness)

    def shelf(self, sn: str) -> Shelf:
        """Where the punches of a terminal go, for as long as it is connected."""
        return Shelf(self._client.keys, sn)

    def append(self, sn: str, logindex: int | None, records: list[Record], bad: list[Bad]) -> Deferred[Kept]:
        """Keep a terminal's records; StoreUnavailable and QuarantineFull promise nothing."""
        kept: Deferred[Kept] = Deferred()
        pictures = sum(len(record.picture) for record in records)
        if pictures:
            try:
                self._pictures.take(pictures)
            except StoreUnavailable as full:
                return fail(full)
            kept.addBoth(self._has_left, pictures)
        self.keep(self.shelf(sn), logindex, records, bad, functools.partial(_fire, kept))
        return kept

    def _has_left(self, kept: Any, pictures: int) -> Any:
        self._pictures.leave(pictures)
        return kept

    def keep(
        self, shelf: Shelf, logindex: int | None, records: list[Record], bad: list[Bad], done: Done
    ) -> None:
        """Keep a terminal's records and call ``done`` once; any exception it is told promises nothing."""
        self._take([Frame(shelf, logindex, records, bad, _told_each, done)])
        self._schedule()

    def keep_turn(self, frames: list[Frame]) -> None:
        """Keep all frames of a turn that is over: what is free to go goes at once."""
        self._take(frames)
        self._flush()

    def _take(self, frames: list[Frame]) -> None:
        if not self._client.ready:
            self._refuse(frames, self._client.problem)
            return
        if self._archived is not None:
            frames = self._remembered(frames)
        self._enter(frames)

    def _remembered(self, frames: list[Frame]) -> list[Frame]:
        """Those of which the store remembers whatever is known; the others come again from the archive."""
        days = self._horizon.days(self._reactor.seconds())
        found = []
        for frame in frames:
            if is_remembered(frame, days):
                found.append(frame)
            else:
                Deferred.fromCoroutine(self._keep_old(frame, days))
        return found

    def _enter(self, frames: list[Frame]) -> None:
        taken = self._waiting
        for frame in frames:
            if self._waiting_records >= MOST_WAITING:
                self._refuse([frame], "too much is waiting to be kept")
                continue
            size = len(frame.records) + len(frame.bad) + 1
            self._waiting_records += size
            if size <= MOST_RECORDS_A_CALL:
                taken.append(frame)
            else:
                parts = _parts(frame)
                taken.extend(parts)
                self._waiting_records += len(parts) - 1

    async def _keep_old(self, frame: Frame, days: tuple[str, str]) -> None:
        """Keep a frame with punches that only the archive may remember."""
        assert self._archived is not None
        first, last = days
        old = [record.uid for record in frame.records if not first <= record.day <= last]
        try:
            if self._old >= MOST_OLD:
                raise StoreUnavailable("too much is waiting for the archive")
            self._old += len(old)
            try:
                known = await self._archived(old)
            finally:
                self._old -= len(old)
        except Exception as failed:
            _tell([frame], [failed])
            return
        if known:
            frame = without(frame, known, _told_each)
        self._enter([frame])
        self._schedule()

    def _refuse(self, frames: list[Frame], why: str) -> None:
        _tell(frames, [StoreUnavailable(why) for _ in frames])

    def _schedule(self) -> None:
        if not self._scheduled and self._may_call():
            self._scheduled = True
            self._reactor.callLater(0, self._flush_scheduled)

    def _flush_scheduled(self) -> None:
        self._scheduled = False
        self._flush()

    def _may_call(self) -> bool:
        most = MOST_CALLS if self._waiting_records >= MOST_RECORDS_A_CALL else FEW_CALLS
        return bool(self._waiting) and self._calls < most

    def _flush(self) -> None:
        while self._may_call():
            frames: list[Frame] = []
            size = 0
            while self._waiting and (not frames or size + self._waiting[0].size <= MOST_RECORDS_A_CALL):
                frames.append(self._waiting.popleft())
                size += frames[-1].size
            self._waiting_records -= size
            self._calls += 1
            Deferred.fromCoroutine(self._keep(frames))

    async def _keep(self, frames: list[Frame]) -> None:
        try:
            answers = await self._call(frames)
        except StoreUnavailable as failed:
            answers = [failed] * len(frames)
        except Exception as failed:
            # One terminal's poison must not spoil the others' punches.
            answers = [failed] if len(frames) == 1 else [await self._alone(frame) for frame in frames]
        finally:
            self._calls -= 1
            self._schedule()
        _tell(frames, answers)

    async def _alone(self, frame: Frame) -> Kept | Exception:
        try:
            return (await self._call([frame]))[0]
        except Exception as failed:
            return failed

    async def _call(self, frames: list[Frame]) -> list[Kept | Exception]:
        keys, settings = self._client.keys, self._settings
        present = Present(self._reactor.seconds(), self._client.made)
        args: list[Any] = [
            settings.dedupe_days * 86400 + TOUCH_EVERY,
            SIGHTING_DAYS * 86400 + TOUCH_EVERY,
            settings.quarantine,
            round(present.now * 1000),
            FROZEN_AFTER,
            settings.image_hours * 3600,
            keys.terminal(""),
        ]
        touching = write(frames, keys, present, args, self._seal)
        names = [keys.punches, keys.quarantine, keys.punched, keys.news, keys.quarantine_shares]
        odd = await self._client.keep("append", names, args)
        answers: list[Kept | Exception] = [_ALL_NEW[len(frame.records)] for frame in frames]
        for number, known, repeats in zip(odd[::3], odd[1::3], odd[2::3], strict=True):
            if known < 0:
                answers[number - 1] = QuarantineFull("the quarantine is full")
            else:
                answers[number - 1] = Kept(len(frames[number - 1].records) - known, known, repeats)
        for number, sets in touching:
            # With a known record in it, perhaps nothing entered this set and its life did not begin anew.
            if not odd or answers[number] is _ALL_NEW[len(frames[number].records)]:
                sets.touched = present
        return answers

    async def quarantine(self, after: str, limit: int) -> list[dict[str, str]]:
        """Up to ``limit`` quarantined records behind the cursor, oldest first."""
        found = await self._client.read(
            "XRANGE", self._client.keys.quarantine, f"({after}", "+", "COUNT", limit
        )
        return [{"id": place, **dict(zip(entry[::2], entry[1::2], strict=True))} for place, entry in found]

    async def clear_quarantine(self, until: str) -> int:
        """Forget quarantined records up to and including this place; how many there were."""
        ms, number = _place(until)
        kept = f"{ms}-{number + 1}"
        keys = self._client.keys
        return int(await self._client.run("clear", [keys.quarantine, keys.quarantine_shares], [kept]))


def _place(cursor: str) -> tuple[int, int]:
    ms, _, number = cursor.partition("-")
    return int(ms), int(number or 0)


_ALL_NEW: Final = tuple(Kept(count, 0, 0) for count in range(MOST_RECORDS_A_CALL))


def _tell(frames: list[Frame], answers: Sequence[Kept | Exception]) -> None:
    """Tell everybody once, those of a kind together."""
    kinds: dict[Told, list[tuple[Any, Kept | Exception]]] = {}
    for frame, answer in zip(frames, answers, strict=True):
        kinds.setdefault(frame.told, []).append((frame.asker, answer))
    for told, outcomes in kinds.items():
        try:
            told(outcomes)
        except Exception:
            _log.failure("our own mistake in what follows of kept punches")


def _told_each(outcomes: list[tuple[Done, Kept | Exception]]) -> None:
    for done, kept in outcomes:
        try:
            done(kept)
        except Exception:
            # Its own mistake: the others of the call have to be told all the same.
            _log.failure("our own mistake in what follows of a kept batch")


_log: Final = Logger()


def _fire(kept: Deferred[Kept], told: Kept | Exception) -> None:
    if isinstance(told, Exception):
        kept.errback(told)
    else:
        kept.callback(told)


def _parts(frame: Frame) -> list[Frame]:
    """Cut a frame that is larger than a call may be; the bad ones go first."""
    records, bad, step = frame.records, frame.bad, MOST_RECORDS_A_CALL - 1
    some: list[tuple[list[Record], list[Bad]]] = [([], bad[i : i + step]) for i in range(0, len(bad), step)]
    some += [(records[i : i + step], []) for i in range(0, len(records), step)]
    done = _Whole(len(some), frame).told
    return [Frame(frame.shelf, frame.logindex, *part, _told_each, done) for part in some]


class _Whole:
    """A frame that goes in several parts: told once, after the last; the first failure is the frame's."""

    def __init__(self, parts: int, frame: Frame) -> None:
        self._left = parts
        self._frame = frame
        self._kept = Kept(0, 0, 0)
        self._failed: Exception | None = None

    def told(self, kept: Kept | Exception) -> None:
        """What became of one part."""
        self._left -= 1
        if isinstance(kept, Exception):
            self._failed = self._failed or kept
        else:
            self._kept = Kept(*map(sum, zip(self._kept, kept, strict=True)))
        if not self._left:
            self._frame.told([(self._frame.asker, self._failed or self._kept)])
