"""Punches that terminals push (protocol §4.2): keep them, then let the terminal forget them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, ClassVar, Final, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from tfserver.commands.context import Context
from tfserver.commands.records import LogRecord, PlainRecord, bad_record, read_record
from tfserver.config import Access, Images
from tfserver.errors import StoreError
from tfserver.model import Clock, Kind, Punch, kind_of_record, punch_uid, rfc3339, sighting_of
from tfserver.store.punches import Bad, Record
from tfserver.wire import times
from tfserver.wire.message import Request, Response
from tfserver.wire.table import handles, table

LIVE_SECONDS: Final = 30
"""Older than this by the corrected clock a record is backlog: no door is decided for it (protocol §4.2)."""


class SendLog(Request):
    """A live punch, or a batch of a backlog. ``count`` and ``logindex`` are repeated exactly as they came."""

    echo: ClassVar[tuple[str, ...]] = ("count", "logindex")
    tells_time: ClassVar[bool] = True

    logindex: int | None = None
    record: list[Any] = []


class PlainLog(msgspec.Struct, tag_field="cmd", tag="sendlog", forbid_unknown_fields=True):
    """A ``sendlog`` exactly as the documents have it: read in one step, without a look at its quirks."""

    record: list[PlainRecord]
    sn: str = ""
    count: int | UnsetType = UNSET
    logindex: int | UnsetType = UNSET

    def told(self) -> tuple[SendLog, dict[str, Any]]:
        """The request, and the fields its answer repeats; ValidationError: a time stands between spaces."""
        for record in self.record:
            if record.time != record.time.strip():
                raise msgspec.ValidationError("time: spaces")
        echo = {"count": self.count, "logindex": self.logindex}
        logindex = None if self.logindex is UNSET else self.logindex
        return SendLog(sn=self.sn, logindex=logindex, record=self.record), echo


table.shortcut(b'{"cmd":"sendlog",', msgspec.json.Decoder(PlainLog).decode)


Ingested = tuple[LogRecord | PlainRecord, Punch, Record]


class Reading(NamedTuple):
    """A batch read: what could be kept as punches, and what could not."""

    punches: list[Ingested]
    bad: list[Bad]


@handles(SendLog)
async def sendlog(request: SendLog, terminal: Context) -> Response:
    """Answer true only after everything is on disk."""
    now = terminal.now()
    # Read before the clock is set anew: these records were made under the offset in force until now.
    reading = read_batch(request, terminal, now)
    if not terminal.clock_is_kept(now):
        await terminal.keep_clock(now)
    if reading.punches or reading.bad:
        records = [record for _, _, record in reading.punches]
        kept = await terminal.store.punches.append(terminal.sn, request.logindex, records, reading.bad)
        counted = terminal.services.metrics.punches
        counted["new"] += kept.new
        counted["known"] += kept.known
        counted["repeat"] += kept.repeats
        counted["bad"] += len(reading.bad)
    if terminal.settings.terminals.access is Access.NONE:
        return _KEPT
    return Response(fields=await _decision(reading, terminal, now))


_KEPT: Final = Response()


def read_batch(request: SendLog, terminal: Context, now: datetime) -> Reading:
    """Read each record by itself: a bad one never spoils the others (protocol §4.2)."""
    reading = Reading([], [])
    received = rfc3339(now)
    for item in request.record:
        try:
            log = read_record(item)
        except ValueError as wrong:
            reading.bad.append(bad_record(item, str(wrong)))
        else:
            reading.punches.append(_ingest(log, request.logindex, terminal, now, received))
    return reading


def _ingest(
    log: LogRecord | PlainRecord, logindex: int | None, terminal: Context, now: datetime, received: str
) -> Ingested:
    """Fix identity and time of a record, once and for ever."""
    told = times.told(log.time)
    uid, member = punch_uid(terminal.sn, log.enrollid, told.identity, log.mode, log.inout, log.event)
    instant = times.instant_of(told.device, terminal.timeline, now)
    guessed = instant.clock is Clock.OK and terminal.zone_is_guessed
    kind = kind_of_record(log.enrollid)
    verify = (_CLASSIC if logindex is None else _MODERN).get(log.mode) if kind is Kind.PUNCH else None
    punch = Punch(
        uid=uid,
        sn=terminal.sn,
        site=terminal.registration.site,
        kind=kind,
        enrollid=log.enrollid,
        external_id=None,
        device_time=log.time,
        time=instant.time,
        utc=instant.utc_text,
        offset_ms=instant.offset_ms,
        received=received,
        mode=log.mode,
        verify=verify,
        inout=log.inout,
        event=log.event,
        temp=log.temp,
        clock=Clock.UNKNOWN if guessed else instant.clock,
        extra=log.extra,
    )
    sighting = None if logindex is None else sighting_of(uid, logindex)
    picture = log.image if log.image and terminal.settings.punches.images is Images.KEEP else ""
    return log, punch, Record(uid, member, sighting, told.day, told.identity, _encode(punch), picture)


_encode: Final = msgspec.json.Encoder().encode
# How the person was verified, by the table of the terminal's generation; "(?)" is doubt (protocol §3.3).
_CLASSIC: Final = {0: "fingerprint", 1: "card", 2: "password", 8: "face"}
_MODERN: Final = {1: "fingerprint", 2: "password (?)", 3: "card (?)", 8: "face"}


async def _decision(reading: Reading, terminal: Context, now: datetime) -> dict[str, Any]:
    """``access`` for terminals in server-approval mode: only for one live record, never for a backlog."""
    if len(reading.punches) != 1 or reading.bad:
        return {}
    log, punch, _ = reading.punches[0]
    if punch.kind is Kind.DOOR or not _is_live(punch, now):
        return {}
    known = terminal.settings.terminals.access is Access.KNOWN and punch.kind is Kind.PUNCH
    try:
        allowed = known and await terminal.store.users.is_known(log.enrollid)
    except StoreError:
        # The punch is safe already; who can't be looked up stays outside.
        allowed = False
    return {"access": 1 if allowed else 0}


def _is_live(punch: Punch, now: datetime) -> bool:
    if punch.utc is None or punch.clock is Clock.SUSPECT:
        return False
    return abs(datetime.fromisoformat(punch.utc) - now) <= timedelta(seconds=LIVE_SECONDS)
