"""Punches that terminals push (protocol §4.2): keep them, then let the terminal forget them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, ClassVar, Final, NamedTuple

import msgspec

from tfserver.commands.context import Context
from tfserver.config import Access, Images
from tfserver.credentials import PRIVATE
from tfserver.errors import StoreError
from tfserver.model import Clock, Kind, Punch, kind_of_record, punch_uid, rfc3339, sighting_of
from tfserver.store.punches import Bad, Record
from tfserver.wire import codec, lenient, times
from tfserver.wire.message import Request, Response
from tfserver.wire.table import handles

LIVE_SECONDS: Final = 30
"""Older than this by the corrected clock a record is backlog: no door is decided for it (protocol §4.2)."""
MOST_RAW: Final = 4096
MOST_EXTRA: Final = 512
"""Bytes of a value nobody described. Templates and pictures are longer, and have no business here."""
MOST_EXTRA_KEYS: Final = 40
_OWN: Final = frozenset({"enrollid", "time", "mode", "inout", "event", "temp", "image"})


class LogRecord(msgspec.Struct):
    """One event at the terminal; ``extra`` is what else the firmware sent with it."""

    enrollid: int
    time: str
    mode: int = 0
    inout: int = 0
    event: int = 0
    temp: float | None = None
    image: str = ""
    extra: dict[str, Any] = {}


class SendLog(Request):
    """A live punch, or a batch of a backlog. ``count`` and ``logindex`` are repeated exactly as they came."""

    echo: ClassVar[tuple[str, ...]] = ("count", "logindex")
    tells_time: ClassVar[bool] = True

    logindex: int | None = None
    record: list[Any] = []


class Reading(NamedTuple):
    """A batch read: what could be kept as punches, and what could not."""

    punches: list[tuple[LogRecord, Punch, Record]]
    bad: list[Bad]


@handles(SendLog)
async def sendlog(request: SendLog, terminal: Context) -> Response:
    """Answer true only after everything is on disk."""
    now = terminal.now()
    # Read before the clock is set anew: these records were made under the offset in force until now.
    reading = read_batch(request, terminal, now)
    await terminal.keep_clock(now)
    records = [record for _, _, record in reading.punches]
    if records or reading.bad:
        kept = await terminal.store.punches.append(terminal.sn, request.logindex, records, reading.bad)
        count = terminal.services.metrics.punches.labels
        count("new").inc(kept.new)
        count("known").inc(kept.known)
        count("repeat").inc(kept.repeats)
        count("bad").inc(len(reading.bad))
    return Response(fields=await _decision(reading, terminal, now))


def read_batch(request: SendLog, terminal: Context, now: datetime) -> Reading:
    """Read each record by itself: a bad one never spoils the others (protocol §4.2)."""
    reading = Reading([], [])
    for item in request.record:
        try:
            log = read_record(item)
        except ValueError as wrong:
            reading.bad.append(_bad(item, str(wrong)))
            continue
        device = times.parse(log.time)
        when = times.identity_text(log.time, device)
        punch, member = _punch(log, device, request.logindex is not None, terminal, now)
        sighting = None if request.logindex is None else sighting_of(punch.uid, request.logindex)
        picture = log.image if terminal.settings.punches.images is Images.KEEP else ""
        day = device.date().isoformat().replace("-", "") if device else "undated"
        record = Record(punch.uid, member, sighting, day, when, msgspec.json.encode(punch), picture)
        reading.punches.append((log, punch, record))
    return reading


def read_record(item: Any) -> LogRecord:
    """Read one record leniently; ValueError says what makes it unusable for ever."""
    if not isinstance(item, dict):
        raise ValueError("not an object")
    fields = {key.strip(): value for key, value in item.items() if value is not None}
    time = fields.get("time")
    if not isinstance(time, str | int | float) or isinstance(time, bool) or not str(time).strip():
        raise ValueError("time: missing")
    if "enrollid" not in fields:
        raise ValueError("enrollid: missing")
    try:
        enrollid = lenient.integer(fields["enrollid"])
    except ValueError as wrong:
        raise ValueError(f"enrollid: {wrong}") from wrong
    log = LogRecord(enrollid, str(time).strip()[:MOST_RAW], extra=_extra(fields))
    for name in ("mode", "inout", "event"):
        setattr(log, name, _integer_or_zero(fields, name, log.extra))
    log.temp = _temperature(fields, log.extra)
    image = fields.get("image")
    log.image = codec.without_data_url(image) if isinstance(image, str) else ""
    return log


def _integer_or_zero(fields: dict[str, Any], name: str, extra: dict[str, Any]) -> int:
    """A missing integer is 0; an unreadable one too, and stays to be seen."""
    if name not in fields:
        return 0
    try:
        return lenient.integer(fields[name])
    except ValueError:
        extra[name] = _short(fields[name])
        return 0


def _temperature(fields: dict[str, Any], extra: dict[str, Any]) -> float | None:
    if "temp" not in fields:
        return None
    try:
        return lenient.temperature(fields["temp"])
    except ValueError:
        extra["temp"] = _short(fields["temp"])
        return None


def _extra(fields: dict[str, Any]) -> dict[str, Any]:
    """Everything nobody described, private and long values by their size only."""
    rest = [(key, value) for key, value in fields.items() if key not in _OWN]
    return _open(dict(rest[:MOST_EXTRA_KEYS]))


def _open(fields: dict[str, Any]) -> dict[str, Any]:
    """An object as it may lie open: pictures are left out, what is private or long is told by its size."""
    return {
        key[:MOST_RAW]: _short(value, key.strip().lower() in PRIVATE)
        for key, value in fields.items()
        if key.strip().lower() != "image"
    }


def _short(value: Any, is_private: bool = False) -> Any:
    if isinstance(value, dict) and not is_private:
        value = _open(value)
    elif isinstance(value, list) and not is_private:
        value = [_short(item) for item in value]
    elif isinstance(value, bool | int | float) and not is_private:
        return value
    size = len(msgspec.json.encode(value))
    return {"redacted": True, "bytes": size} if is_private or size > MOST_EXTRA else value


def _bad(item: Any, why: str) -> Bad:
    return Bad(why, _cut(msgspec.json.encode(_open(item) if isinstance(item, dict) else _short(item))))


def _cut(raw: bytes) -> bytes:
    """So much of a text as may be kept, without half a letter at its end."""
    return raw[:MOST_RAW].decode("utf-8", "ignore").encode()


def _punch(
    log: LogRecord, device: datetime | None, modern: bool, terminal: Context, now: datetime
) -> tuple[Punch, int]:
    when = times.identity_text(log.time, device)
    uid, member = punch_uid(terminal.sn, log.enrollid, when, log.mode, log.inout, log.event)
    instant = times.instant_of(device, terminal.timeline, now)
    guessed = terminal.zone_is_guessed and instant.clock is Clock.OK
    kind = kind_of_record(log.enrollid)
    punch = Punch(
        uid=uid,
        sn=terminal.sn,
        site=terminal.registration.site,
        kind=kind,
        enrollid=log.enrollid,
        external_id=None,
        device_time=log.time,
        time=instant.time,
        utc=None if instant.utc is None else rfc3339(instant.utc),
        offset_ms=instant.offset_ms,
        received=rfc3339(now),
        mode=log.mode,
        verify=_verify(log.mode, modern) if kind is Kind.PUNCH else None,
        inout=log.inout,
        event=log.event,
        temp=log.temp,
        clock=Clock.UNKNOWN if guessed else instant.clock,
        extra=log.extra,
    )
    return punch, member


_CLASSIC: Final = {0: "fingerprint", 1: "card", 2: "password", 8: "face"}
_MODERN: Final = {1: "fingerprint", 2: "password (?)", 3: "card (?)", 8: "face"}


def _verify(mode: int, modern: bool) -> str | None:
    """How the person was verified, by the table of its generation; ``(?)`` is doubt (protocol §3.3)."""
    return (_MODERN if modern else _CLASSIC).get(mode)


async def _decision(reading: Reading, terminal: Context, now: datetime) -> dict[str, Any]:
    """``access`` for terminals in server-approval mode: only for one live record, never for a backlog."""
    default = terminal.settings.terminals.access
    if default is Access.NONE or len(reading.punches) != 1 or reading.bad:
        return {}
    log, punch, _ = reading.punches[0]
    if punch.kind is Kind.DOOR or not _is_live(punch, now):
        return {}
    known = default is Access.KNOWN and punch.kind is Kind.PUNCH
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
