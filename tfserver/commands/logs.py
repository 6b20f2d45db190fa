"""Punches that terminals push (protocol §4.2): keep them, then let the terminal forget them.

Pages of punches that they were asked for are read the same way; ``commands/reading.py`` keeps those.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from tfserver.commands.context import Context
from tfserver.commands.records import LogRecord, PlainRecord, bad_record, read_record
from tfserver.config import Access, Images, Settings, StrangerImages
from tfserver.errors import StoreError
from tfserver.metrics import Metrics
from tfserver.model import Clock, Kind, Punch, kind_of_record, punch_uid, sighting_of
from tfserver.store.punches import QuarantineFull
from tfserver.store.shelf import Bad, Frame, Kept, Record, Shelf
from tfserver.wire import times
from tfserver.wire.message import Request, Response
from tfserver.wire.table import Asked, Plain, handles, table
from tfserver.wire.times import Moment, When

Ways = Mapping[int, str]
"""How the person was verified, by ``mode``."""
LIVE_SECONDS: Final = 30
"""Older than this by the corrected clock a record is backlog: no door is decided for it (protocol §4.2)."""


class SendLog(Request):
    """A live punch, or a batch of a backlog. ``count`` and ``logindex`` are repeated exactly as they came."""

    echo: ClassVar[tuple[str, ...]] = ("count", "logindex")
    tells_time: ClassVar[bool] = True

    logindex: int | None = None
    record: list[Any] = []


class Reading(NamedTuple):
    """A batch read: what could be kept as punches, with when each was, and what could not."""

    logs: Sequence[LogRecord | PlainRecord]
    whens: list[When]
    records: list[Record]
    bad: list[Bad]


@handles(SendLog)
async def sendlog(request: SendLog, terminal: Context) -> Response:
    """Answer true only after everything is on disk."""
    moment = terminal.services.present.read()
    # Read before the clock is set anew: these records were made under the offset in force until now.
    reading = read_batch(request, terminal, moment)
    if not terminal.clock_is_kept(moment):
        await terminal.keep_clock(moment.at)
    records, bad = reading.records, reading.bad
    if records or bad:
        kept = await terminal.store.punches.append(terminal.sn, request.logindex, records, bad)
        count(terminal.services.metrics, kept, len(bad))
    if terminal.settings.terminals.access is Access.NONE:
        return _KEPT
    return Response(fields=await _decision(reading, terminal, moment))


_KEPT: Final = Response()
MOST_BAD: Final = 1000
"""Unreadable records of one message: one of millions would keep the store busy for all."""


def count(metrics: Metrics, kept: Kept, bad: int) -> None:
    """Count what became of a batch."""
    counted = metrics.punches
    counted["new"] += kept.new
    if kept.known or bad:
        counted["known"] += kept.known
        counted["repeat"] += kept.repeats
        counted["bad"] += bad


def read_batch(request: SendLog, terminal: Context, moment: Moment) -> Reading:
    """Read each record by itself: a bad one never spoils the others (protocol §4.2)."""
    ways = _CLASSIC if request.logindex is None else _MODERN
    return _read_each(request.record, request.logindex, terminal, moment, ways)


def read_page(items: list[Any], terminal: Context, moment: Moment) -> Reading:
    """Read records that the terminal was asked for: all at once if they are as documented, else each by
    itself. They have no ``logindex``, so they don't tell the terminal's generation either.
    """
    try:
        logs = msgspec.convert(items, list[PlainRecord])
    except msgspec.ValidationError:
        return _read_each(items, None, terminal, moment, _EITHER)
    whens = times.ordinary(logs, terminal.stretch, moment.ms)
    if whens is None:
        return _read_each(items, None, terminal, moment, _EITHER)
    return Reading(logs, whens, _ingest(logs, whens, None, terminal, terminal.shelf, moment, _EITHER), [])


def _read_each(
    items: list[Any], logindex: int | None, terminal: Context, moment: Moment, ways: Ways
) -> Reading:
    logs, whens, bad = [], [], []
    for item in items:
        try:
            log = read_record(item)
        except ValueError as wrong:
            bad.append(bad_record(item, str(wrong)))
            if len(bad) > MOST_BAD:
                raise QuarantineFull("more records of a message can't be read than are kept") from None
        else:
            logs.append(log)
            whens.append(times.when(log.time, terminal.timeline, moment.at))
    records = _ingest(logs, whens, logindex, terminal, terminal.shelf, moment, ways)
    for log, record in zip(logs, records, strict=True):
        if log.image and _is_kept(kind_of_record(log.enrollid), terminal.settings):
            record.picture = log.image
    return Reading(logs, whens, records, bad)


def _is_kept(kind: Kind, settings: Settings) -> bool:
    """Whether a picture stays; that of a stranger by a setting of its own (protocol §7, quirk 22)."""
    if kind is Kind.STRANGER:
        return settings.privacy.stranger_images is StrangerImages.KEEP
    return settings.punches.images is Images.KEEP


def _ingest(
    logs: Sequence[LogRecord | PlainRecord],
    whens: Sequence[When],
    logindex: int | None,
    terminal: Context,
    shelf: Shelf,
    moment: Moment,
    ways: Ways,
) -> list[Record]:
    """Fix identity and time of records, once and for ever."""
    sn, site, guessed = shelf.told, terminal.site, terminal.guessed
    canonical, received, meaning = shelf.sn, moment.text, terminal.meaning
    external_id = terminal.services.external_ids.get
    records = []
    for log, when in zip(logs, whens, strict=True):
        enrollid, mode, inout, event = log.enrollid, log.mode, log.inout, log.event
        uid, member = punch_uid(canonical, enrollid, when.identity, mode, inout, event)
        kind = kind_of_record(enrollid)
        verify = ways.get(mode) if kind is _PUNCH else None
        clock = _UNKNOWN if guessed and when.clock is _OK else when.clock
        # By position, in the order of the class: with names it takes twice as long.
        # fmt: off
        punch = Punch(
            uid, sn, site, kind, enrollid, external_id(enrollid),
            log.time, when.time, when.utc, when.offset_ms, received,
            mode, verify, inout, event, log.temp, clock, log.extra,
        )
        # fmt: on
        if meaning is not None:
            meaning.add_to(punch, None if when.utc is None else when.utc_ms)
        sighting = None if logindex is None else sighting_of(member, logindex)
        records.append(Record(uid, member, sighting, when.day, when.identity, _encode(punch)))
    return records


_encode: Final = msgspec.json.Encoder().encode
# An enumeration's member is slow to look up by its name.
_PUNCH, _OK, _UNKNOWN = Kind.PUNCH, Clock.OK, Clock.UNKNOWN
# How the person was verified, by the table of the terminal's generation; "(?)" is doubt (protocol §3.3).
_CLASSIC: Final = {0: "fingerprint", 1: "card", 2: "password", 8: "face"}
_MODERN: Final = {1: "fingerprint", 2: "password (?)", 3: "card (?)", 8: "face"}
# Without a generation: as the newer documents have it, all but a face in doubt.
_EITHER: Final = {0: "fingerprint (?)", 1: "fingerprint (?)", 2: "password (?)", 3: "card (?)", 8: "face"}


class PlainLog(msgspec.Struct, tag_field="cmd", tag="sendlog", forbid_unknown_fields=True, gc=False):
    """A ``sendlog`` exactly as the documents have it."""

    record: list[PlainRecord]
    sn: str = ""
    count: int | UnsetType = UNSET
    logindex: int | UnsetType = UNSET


class Receipt(msgspec.Struct, tag_field="ret", tag="sendlog", gc=False):
    """The positive answer to it."""

    result: bool
    count: int | UnsetType
    logindex: int | UnsetType
    cloudtime: str


def keep_plain(asked: Sequence[Asked]) -> list[Asked]:
    """Read and keep the ordinary ones of these messages, as the handler does; returns the others."""
    services = asked[0][1].context.services
    moment = services.present.read()
    left: list[Asked] = []
    frames: list[Frame] = []
    gathered = 0
    for one in asked:
        log, asker, _ = one
        terminal = asker.context
        try:
            whens = times.ordinary(log.record, terminal.stretch, moment.ms)
            if not whens or not terminal.clock_is_kept(moment):
                left.append(one)
                continue
            logindex = None if log.logindex is UNSET else log.logindex
            shelf = terminal.shelf
            ways = _CLASSIC if logindex is None else _MODERN
            records = _ingest(log.record, whens, logindex, terminal, shelf, moment, ways)
            frames.append(Frame(shelf, logindex, records, _NONE_BAD, _kept_plain, one))
            gathered += len(records)
        except Exception:
            # Our own mistake must not silence the others; the common way tells of it.
            left.append(one)
        if gathered >= MOST_GATHERED:
            # What finds no room is refused before more is made ready.
            services.store.punches.keep_turn(frames)
            frames, gathered = [], 0
    if frames:
        services.store.punches.keep_turn(frames)
    return left


MOST_GATHERED: Final = 2000
"""Records made ready before the store is asked for room."""
_NONE_BAD: Final[list[Bad]] = []


def _kept_plain(outcomes: Sequence[tuple[Asked, Kept | Exception]]) -> None:
    """Tell each terminal that its records are safe, or why not."""
    first = outcomes[0][0][1]
    services, now = first.context.services, first.now()
    second = services.present.read().ms // 1000
    new, told_at, cloudtime = 0, None, ""
    for (log, asker, _), kept in outcomes:
        if isinstance(kept, Exception):
            asker.served(log, kept, now)
            continue
        fresh = kept.new
        try:
            if (offset := asker.context.stretch.offset) != told_at:
                told_at, cloudtime = offset, times.wire_second(second, offset)
            answer = _encode(Receipt(True, log.count, log.logindex, cloudtime))
        except Exception as mistake:
            # Of one: the others of the call have to be told all the same.
            asker.served(log, mistake, now)
            continue
        if not asker.served(log, answer, now):
            continue
        if kept.known:
            count(services.metrics, kept, 0)
        else:
            new += fresh
    services.metrics.punches["new"] += new


table.enter_plain(
    Plain(SendLog, b'{"cmd":"sendlog",', msgspec.json.Decoder(PlainLog).decode, keep_plain),
)


async def _decision(reading: Reading, terminal: Context, moment: Moment) -> dict[str, Any]:
    """``access`` for terminals in server-approval mode: only for one live record, never for a backlog."""
    if len(reading.records) != 1 or reading.bad:
        return {}
    enrollid, when = reading.logs[0].enrollid, reading.whens[0]
    kind = kind_of_record(enrollid)
    if kind is Kind.DOOR or not _is_live(when, moment):
        return {}
    known = terminal.settings.terminals.access is Access.KNOWN and kind is _PUNCH
    try:
        allowed = known and await terminal.store.users.is_known(enrollid)
    except StoreError:
        # The punch is safe already; who can't be looked up stays outside.
        allowed = False
    return {"access": 1 if allowed else 0}


def _is_live(when: When, moment: Moment) -> bool:
    if when.utc is None or when.clock is Clock.SUSPECT:
        return False
    return abs(when.utc_ms - moment.ms) <= LIVE_SECONDS * 1000
