"""Times as terminals write them, and what instant they meant (protocol §2.2, design §3.4)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache
from typing import Final, NamedTuple, Protocol
from zoneinfo import ZoneInfo

import msgspec

from tfserver.model import SUSPECT_DRIFT_MS, Clock, ClockEntry, rfc3339

WIRE: Final = "%Y-%m-%d %H:%M:%S"
ECHO_STEP_S: Final = 900
ECHO_SLACK_S: Final = 60
EARLIEST: Final = datetime(2010, 1, 1, tzinfo=UTC)
"""Nothing of this protocol is older (first revision 2016), so an earlier date is a clock that lost power."""
LATEST_AHEAD: Final = timedelta(milliseconds=SUSPECT_DRIFT_MS)
"""A record can't be younger than its arrival, but for a clock that is a little fast."""
LATEST: Final = datetime(9999, 1, 1, tzinfo=UTC)
FARTHEST_MS: Final = 48 * 3600 * 1000
"""No two offsets that a clock may run at are further apart, with drift that is not far beside."""
MOST_ENTRIES: Final = 16
MOST_TEXT: Final = 40
"""Letters of a text that may be a time."""
MOST_REMEMBERED: Final = 8192
"""Times kept parsed and formatted: a flood of punches of a few minutes."""
DAYS_REMEMBERED: Final = 512
"""Days kept parsed and formatted, each for one offset: more than a year of logs."""

_SHAPE: Final = re.compile(
    r"\s*(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T\s]+(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.\d+)?)?)?\s*Z?\s*",
    re.ASCII,
)


class Moment(msgspec.Struct, frozen=True, gc=False):
    """The present as one request sees it: aware, and the same in the forms that are asked for."""

    at: datetime
    ms: int
    """UTC milliseconds since 1970."""
    minute: int
    """UTC minutes since 1970."""
    text: str
    """RFC 3339."""


class Present:
    """The present, made anew once a millisecond: a flood of requests shares it."""

    __slots__ = ("_moment", "_seconds")

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._moment = _moment(int(seconds() * 1000))

    def read(self) -> Moment:
        """The moment it is."""
        ms = int(self._seconds() * 1000)
        if ms != self._moment.ms:
            self._moment = _moment(ms)
        return self._moment


def _moment(ms: int) -> Moment:
    at = datetime.fromtimestamp(ms // 1000, UTC) + timedelta(milliseconds=ms % 1000)
    return Moment(at, ms, ms // 60_000, rfc3339(at))


class Instant(NamedTuple):
    """What a device's text meant: the time there (RFC 3339), the instant in UTC, and how far to trust it."""

    time: str | None
    utc: datetime | None
    utc_text: str | None
    offset_ms: int | None
    clock: Clock


def parse(text: str) -> datetime | None:
    """Read a terminal's date-time without zone; None when it is no possible date.

    Accepts ``T``, ``/``, missing seconds and unpadded numbers beside the documented form.
    """
    if len(text) > MOST_TEXT:
        return None
    match = _SHAPE.fullmatch(text)
    if match is None:
        return None
    try:
        return datetime(*(int(part or 0) for part in match.groups()))  # type: ignore[arg-type]
    except ValueError:
        return None


class Told(NamedTuple):
    """A time as a terminal told it: parsed, as it enters a punch's identity, and its day (``YYYYMMDD``)."""

    device: datetime | None
    identity: str
    day: str


def told(text: str) -> Told:
    """Read a terminal's time in all its forms."""
    device = parse(text)
    day = device.date().isoformat().replace("-", "") if device else "undated"
    return Told(device, identity_text(text, device), day)


def identity_text(text: str, parsed: datetime | None) -> str:
    """The time as it enters a punch's identity: the documented form, or the raw text (design §2.3)."""
    return text if parsed is None else parsed.isoformat(" ", "seconds")


def wire_time(now: datetime, offset_s: int) -> str:
    """``cloudtime`` for a terminal ``offset_s`` seconds ahead of UTC; ``now`` is aware."""
    return wire_second(int(now.timestamp()), offset_s)


@lru_cache(64)
def wire_second(second: int, offset_s: int) -> str:
    """The same for a UTC second since 1970."""
    return (datetime.fromtimestamp(second, UTC) + timedelta(seconds=offset_s)).strftime(WIRE)


def milliseconds(when: datetime) -> int:
    """An aware instant as UTC milliseconds since 1970."""
    return round(when.timestamp() * 1000)


def offset_in(zone: str, now: datetime) -> int:
    """Seconds an IANA zone is ahead of UTC at an instant; an empty name is the zone of this machine."""
    return _offset_in(zone, int(now.timestamp()) // 60)


@lru_cache(64)
def _offset_in(zone: str, minute: int) -> int:
    """Zones change their offset at full minutes only."""
    now = datetime.fromtimestamp(minute * 60, UTC)
    offset = now.astimezone(ZoneInfo(zone) if zone else None).utcoffset()
    return round(offset.total_seconds()) if offset else 0


def echoed_offset(device: datetime, now: datetime) -> int | None:
    """The offset a new terminal seems to live in, or None when its clock fits no zone.

    A difference from UTC close to a multiple of 15 minutes, from -12 to +14 hours, is a zone somebody chose.
    """
    difference = (device - now.astimezone(UTC).replace(tzinfo=None)).total_seconds()
    nearest = round(difference / ECHO_STEP_S) * ECHO_STEP_S
    if abs(difference - nearest) <= ECHO_SLACK_S and -12 * 3600 <= nearest <= 14 * 3600:
        return nearest
    return None


def drift_ms(device: datetime, now: datetime, offset_s: int) -> int:
    """How far a terminal's clock is ahead of where its offset puts it, in milliseconds."""
    there = now.astimezone(UTC).replace(tzinfo=None) + timedelta(seconds=offset_s)
    return round((device - there).total_seconds() * 1000)


def extended(
    timeline: Sequence[ClockEntry], now_ms: int, offset_s: int, drift: int | None
) -> tuple[ClockEntry, ...]:
    """The timeline after a ``cloudtime`` with this offset is sent; unchanged when it tells nothing new.

    ``drift`` is what was measured against the stretch that ends now (None: nothing was measured).
    """
    # Terminals show full seconds: a record of the second of the setting belongs to the new stretch.
    now_ms -= now_ms % 1000
    measured = drift or 0
    if not timeline:
        first = ClockEntry(0, offset_s, measured)
        return (first, ClockEntry(now_ms, offset_s)) if _is_far(measured) else (first,)
    last = timeline[-1]
    if last.offset == offset_s and not _is_far(measured):
        return tuple(timeline)
    closed = ClockEntry(last.since, last.offset, measured) if _is_far(measured) else last
    return (*timeline[:-1], closed, ClockEntry(now_ms, offset_s))[-MOST_ENTRIES:]


def _is_far(drift: int) -> bool:
    return abs(drift) >= SUSPECT_DRIFT_MS


class Stretch(NamedTuple):
    """The last stretch of a clock that ran right; from ``alone_from`` (UTC, ms) on no other can be meant."""

    offset: int
    drift: int
    alone_from: int


@lru_cache(1024)
def shared(timeline: tuple[ClockEntry, ...]) -> tuple[ClockEntry, ...]:
    """The same timeline for all terminals that have it: most have one stretch."""
    return timeline


@lru_cache(1024)
def last_stretch(timeline: tuple[ClockEntry, ...]) -> Stretch | None:
    """The stretch that ordinary records are made in; None where each has to be looked at."""
    if not timeline or any(_is_far(entry.drift) for entry in timeline):
        return None
    last = timeline[-1]
    # An earlier stretch ended when a later one began (not always the last: our own clock may have been put
    # back), and no two offsets are further apart.
    begun = [entry.since for entry in timeline[1:]]
    alone_from = max(begun) + FARTHEST_MS if begun else milliseconds(EARLIEST)
    return Stretch(last.offset, last.drift, alone_from)


class When(msgspec.Struct, frozen=True, gc=False):
    """The time of a record: as it enters its identity, its day (``YYYYMMDD``), and what instant it meant."""

    identity: str
    day: str
    time: str | None
    utc: str | None
    offset_ms: int | None
    clock: Clock
    utc_ms: int = 0


def when(text: str, timeline: Sequence[ClockEntry], received: datetime) -> When:
    """Read the time of a record."""
    read = told(text)
    found = instant_of(read.device, timeline, received)
    ms = milliseconds(found.utc) if found.utc else 0
    return When(read.identity, read.day, found.time, found.utc_text, found.offset_ms, found.clock, ms)


class Timed(Protocol):
    """A record with the text of its time."""

    time: str


def ordinary(records: Sequence[Timed], stretch: Stretch | None, received_ms: int) -> list[When] | None:
    """The short way to the same for nearly every batch: times of the last stretch, none in the future.

    None leaves it to ``when``.
    """
    if stretch is None:
        return None
    offset, drift, alone_from = stretch
    found = []
    latest = received_ms + SUSPECT_DRIFT_MS
    for record in records:
        one = _ordinary(record.time, offset, drift)
        if one is None or not alone_from <= one.utc_ms <= latest:
            return None
        found.append(one)
    return found


@lru_cache(MOST_REMEMBERED)
def _ordinary(text: str, offset: int, drift: int) -> When | None:
    """Many records share a second; None for a text that is no time, or one between spaces."""
    found = documented(text, offset, drift) or when(text, (ClockEntry(0, offset, drift),), LATEST)
    return found if found.clock is Clock.OK and text == text.strip() else None


class _Day(NamedTuple):
    """A day as terminals of one offset have it; ``name`` is ``YYYYMMDD``."""

    name: str
    begins_ms: int
    """UTC milliseconds since 1970 of its midnight there."""
    ahead: int
    """Minutes that these terminals are ahead of UTC, and how RFC 3339 writes that."""
    zone: str
    dates: tuple[str, str, str]
    """The dates that UTC may have meanwhile: the day itself, the one after, the one before."""


@lru_cache(DAYS_REMEMBERED)
def _day(text: str, offset: int) -> _Day | None:
    """None for a text that is no day in the documented form, and for days and offsets that are rare."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    # at the edges of what is trusted the time of day counts, and ISO 8601 has other forms of a day too
    if offset % 60 or not EARLIEST.year < day.year < LATEST.year - 1 or day.isoformat() != text:
        return None
    midnight = datetime(day.year, day.month, day.day, tzinfo=timezone(timedelta(seconds=offset)))
    zone = midnight.isoformat().removeprefix(f"{text}T00:00:00")
    after, before = ((day + timedelta(days=days)).isoformat() for days in (1, -1))
    return _Day(text.replace("-", ""), milliseconds(midnight), offset // 60, zone, (text, after, before))


def documented(text: str, offset: int, drift: int) -> When | None:
    """The same as ``when`` for a time in the documented form under a clock that ran right, put together from
    its parts: who reads all logs of a terminal meets each second but once. None leaves it to ``when``.
    """
    if len(text) != 19 or text[10] != " ":
        return None
    day, clock = text[:10], text[11:]
    found, minute, second = _day(day, offset), _MINUTES.get(clock[:5]), _SECONDS.get(clock[5:])
    if found is None or minute is None or second is None:
        return None
    name, begins_ms, ahead, zone, dates = found
    shift, there = divmod(minute - ahead, 1440)
    utc = f"{dates[shift]}T{_CLOCK[there]}{clock[5:]}.000Z"
    utc_ms = begins_ms + minute * 60_000 + second
    return When(text, name, f"{day}T{clock}{zone}", utc, drift, Clock.OK, utc_ms)


_CLOCK: Final = [f"{minute // 60:02}:{minute % 60:02}" for minute in range(1440)]
_MINUTES: Final = {text: minute for minute, text in enumerate(_CLOCK)}
_SECONDS: Final = {f":{second:02}": second * 1000 for second in range(60)}
"""Milliseconds by the last letters of a time."""


def instant_of(device: datetime | None, timeline: Sequence[ClockEntry], received: datetime) -> Instant:
    """Turn a device's local time into an instant with the stretch that was valid then (design §3.4).

    Two stretches that both claim it (the hour that came twice), or none (the hour that never was), leave it
    ``suspect``; so do dates before the protocol existed and dates in the future.
    """
    if device is None:
        return Instant(None, None, None, None, Clock.SUSPECT)
    if not timeline:
        return Instant(None, None, None, None, Clock.UNKNOWN)
    latest = received + LATEST_AHEAD
    if len(timeline) == 1:
        entry, utc, claimed = timeline[0], _instant(device, timeline[0]), True
    else:
        claims = _claims(device, timeline)
        claims = [claim for claim in claims if claim[1] <= latest] or claims
        entry, utc = claims[-1] if claims else _nearest(device, timeline)
        claimed = len(claims) == 1
    trusted = claimed and not _is_far(entry.drift) and EARLIEST <= utc <= latest
    return Instant(
        _shown(device, entry.offset), utc, rfc3339(utc), entry.drift, Clock.OK if trusted else Clock.SUSPECT
    )


def _shown(device: datetime, offset: int) -> str:
    return device.replace(tzinfo=timezone(timedelta(seconds=offset))).isoformat()


def _instant(device: datetime, entry: ClockEntry) -> datetime:
    return _at(device, entry.offset, entry.drift if _is_far(entry.drift) else 0)


def _at(device: datetime, offset: int, ahead_ms: int) -> datetime:
    try:
        return device.replace(tzinfo=UTC) - timedelta(seconds=offset) - timedelta(milliseconds=ahead_ms)
    except OverflowError:
        return device.replace(tzinfo=UTC)


def _claims(device: datetime, timeline: Sequence[ClockEntry]) -> list[tuple[ClockEntry, datetime]]:
    found = []
    for i, entry in enumerate(timeline):
        # A clock found far off may have been right before it failed: then its text is meant as it stands.
        for utc in dict.fromkeys(
            (_instant(device, entry), _instant(device, ClockEntry(entry.since, entry.offset)))
        ):
            at = milliseconds(utc)
            begins = entry.since if i else at
            ends = timeline[i + 1].since if i + 1 < len(timeline) else at + 1
            if begins <= at < ends:
                found.append((entry, utc))
                break
    return found


def _nearest(device: datetime, timeline: Sequence[ClockEntry]) -> tuple[ClockEntry, datetime]:
    """The later of the two stretches around a gap: what the clock showed after it was set."""
    for entry in reversed(timeline):
        utc = _instant(device, entry)
        if milliseconds(utc) >= entry.since - 24 * 3600 * 1000:
            return entry, utc
    return timeline[0], _instant(device, timeline[0])
