"""Punches on their way to disk: everything that came in one turn of the reactor goes in one script call.

``append`` fires only after the store has confirmed under the accepted durability; it fails when that did not
happen within the deadline. Then the write may still have happened: known punches are dropped, so sending it
again makes no double (design §3.1).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from twisted.internet.defer import Deferred, fail

from tfserver.config import Punches as PunchSettings
from tfserver.errors import Gone, ScriptFailed, StoreUnavailable
from tfserver.model import canonical_sn
from tfserver.store.client import Client

MOST_RECORDS_A_CALL: Final = 500
MOST_CALLS: Final = 2
"""Calls under way at once: what comes meanwhile shares the next one."""
MOST_WAITING: Final = 20_000
SIGHTING_DAYS: Final = 3
FROZEN_AFTER: Final = 3
"""So many repeats of one time value mean a clock that stands still (protocol §7 #15)."""


class Record(NamedTuple):
    """A punch ready to be kept: its identity, the day of its device time (``YYYYMMDD``), and its JSON."""

    uid: str
    member: int
    sighting: int | None
    day: str
    time: str
    body: bytes
    picture: str = ""


class Bad(NamedTuple):
    """A record that could not be read, for the quarantine."""

    why: str
    raw: bytes


class Kept(NamedTuple):
    """What became of a batch."""

    new: int
    known: int
    repeats: int


class QuarantineFull(ScriptFailed):
    """Bad records find no room: somebody has to look at the quarantine."""


@dataclass(slots=True)
class _Batch:
    sn: str
    logindex: str
    records: list[Record]
    bad: list[Bad]
    done: Deferred[Kept] = field(default_factory=Deferred)

    @property
    def size(self) -> int:
        return len(self.records) + len(self.bad) + 1


class Punches:
    """The stream of punches and the quarantine beside it."""

    def __init__(self, reactor: Any, client: Client, settings: PunchSettings) -> None:
        self._reactor = reactor
        self._client = client
        self._settings = settings
        self._waiting: deque[_Batch] = deque()
        self._waiting_records = 0
        self._calls = 0
        self._scheduled = False

    def append(self, sn: str, logindex: int | None, records: list[Record], bad: list[Bad]) -> Deferred[Kept]:
        """Keep a terminal's records; StoreUnavailable and QuarantineFull promise nothing."""
        if not self._client.ready:
            return fail(StoreUnavailable(self._client.problem))
        if self._waiting_records >= MOST_WAITING:
            return fail(StoreUnavailable("too much is waiting to be kept"))
        parts = [
            _Batch(sn, "" if logindex is None else str(logindex), *part) for part in _parts(records, bad)
        ]
        for part in parts:
            self._waiting.append(part)
            self._waiting_records += part.size
        self._schedule()
        return parts[0].done if len(parts) == 1 else Deferred.fromCoroutine(_sum(parts))

    def _schedule(self) -> None:
        if not self._scheduled and self._calls < MOST_CALLS and self._waiting:
            self._scheduled = True
            self._reactor.callLater(0, self._flush)

    def _flush(self) -> None:
        self._scheduled = False
        while self._waiting and self._calls < MOST_CALLS:
            batches: list[_Batch] = []
            size = 0
            while self._waiting and (not batches or size + self._waiting[0].size <= MOST_RECORDS_A_CALL):
                batches.append(self._waiting.popleft())
                size += batches[-1].size
            self._waiting_records -= size
            self._calls += 1
            Deferred.fromCoroutine(self._keep(batches))

    async def _keep(self, batches: list[_Batch]) -> None:
        try:
            await self._call(batches)
        except ScriptFailed:
            for batch in batches:
                await self._keep_alone(batch)
        except Exception as failed:
            for batch in batches:
                batch.done.errback(failed)
        finally:
            self._calls -= 1
            self._schedule()

    async def _keep_alone(self, batch: _Batch) -> None:
        """One terminal's poison must not spoil the others' punches."""
        try:
            await self._call([batch])
        except Exception as failed:
            batch.done.errback(failed)

    async def _call(self, batches: list[_Batch]) -> None:
        keys = self._client.keys
        now = round(self._reactor.seconds() * 1000)
        args: list[Any] = [
            self._settings.dedupe_days * 86400,
            SIGHTING_DAYS * 86400,
            self._settings.quarantine,
            now,
            FROZEN_AFTER,
        ]
        for batch in batches:
            self._write(batch, args)
        results = await self._client.run("append", [keys.punches, keys.quarantine, keys.punched], args)
        for batch, result in zip(batches, results, strict=True):
            if result[0] < 0:
                batch.done.errback(QuarantineFull("the quarantine is full"))
            else:
                batch.done.callback(Kept(*result))

    def _write(self, batch: _Batch, args: list[Any]) -> None:
        keys = self._client.keys
        pictures = [r for r in batch.records if r.picture]
        args += (canonical_sn(batch.sn), keys.terminal(batch.sn), keys.known(batch.sn))
        args += (keys.sighted(batch.sn), batch.logindex, len(batch.records), len(pictures), len(batch.bad))
        for record in batch.records:
            sighting = "" if record.sighting is None else record.sighting
            args += (record.day, record.member, sighting, record.time, record.body)
        for record in pictures:
            args += (keys.image(record.uid), self._settings.image_hours * 3600, record.picture)
        for bad in batch.bad:
            args += bad

    async def page(self, after: str, limit: int) -> list[tuple[str, str]]:
        """Up to ``limit`` entries behind the cursor ``after`` (``0`` is the beginning): place and JSON.

        Raises Gone when the cursor itself has been trimmed: entries behind it may have been too. Whoever
        trims keeps the entry of the slowest cursor.
        """
        name = self._client.keys.punches
        found = await self._client.read("XRANGE", name, after, "+", "COUNT", limit + 1)
        if found and _place(found[0][0]) == _place(after):
            found = found[1:]
        elif (0, 0) < _place(after) < await self._newest():
            raise Gone(f"punches behind cursor {after} are no longer in the stream")
        found = found[:limit]
        return [(place, dict(zip(entry[::2], entry[1::2], strict=True))["p"]) for place, entry in found]

    async def _newest(self) -> tuple[int, int]:
        """The place of the last entry there ever was."""
        name = self._client.keys.punches
        if not await self._client.read("EXISTS", name):
            return (0, 0)
        info = await self._client.read("XINFO", "STREAM", name)
        return _place(dict(zip(info[::2], info[1::2], strict=True))["last-generated-id"])

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
        return int(await self._client.write("XTRIM", self._client.keys.quarantine, "MINID", kept))

    async def sizes(self) -> tuple[int, int]:
        """How many punches the stream holds, and how many records the quarantine."""
        return (
            await self._client.read("XLEN", self._client.keys.punches),
            await self._client.read("XLEN", self._client.keys.quarantine),
        )


def _place(cursor: str) -> tuple[int, int]:
    ms, _, number = cursor.partition("-")
    return int(ms), int(number or 0)


def _parts(records: list[Record], bad: list[Bad]) -> list[tuple[list[Record], list[Bad]]]:
    """Cut a batch that is larger than a call may be; the bad ones go first."""
    step = MOST_RECORDS_A_CALL - 1
    if len(records) + len(bad) <= step:
        return [(records, bad)]
    parts: list[tuple[list[Record], list[Bad]]] = [([], bad[i : i + step]) for i in range(0, len(bad), step)]
    return parts + [(records[i : i + step], []) for i in range(0, len(records), step)]


async def _sum(parts: list[_Batch]) -> Kept:
    """Wait for all parts of a batch; the first failure is the batch's."""
    failed: Exception | None = None
    kept = []
    for part in parts:
        try:
            kept.append(await part.done)
        except Exception as wrong:
            failed = failed or wrong
    if failed is not None:
        raise failed
    return Kept(*(sum(column) for column in zip(*kept, strict=True)))
