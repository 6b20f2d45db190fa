"""Terminals as people see them, from what the store keeps of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from tfserver.model import (
    SUSPECT_DRIFT_MS,
    Admission,
    Capacity,
    Clock,
    ClockEntry,
    Direction,
    Terminal,
    Twins,
    capacities,
    rfc3339,
)
from tfserver.store.completeness import completeness_of

A_MINUTE: Final = 60_000
TIMELINE: Final = msgspec.json.Decoder(tuple[ClockEntry, ...])
_DIRECTION: Final = msgspec.json.Decoder(Direction)


class Claimant(msgspec.Struct, frozen=True):
    """Another device under a serial number that is pinned."""

    sn: str
    cpusn: str
    mac: str
    address: str
    last: int
    devinfo: dict[str, Any]


CLAIMANT: Final = msgspec.json.Decoder(Claimant)


def direction_of(text: str | None) -> Direction | None:
    """The rule that a terminal's punches go in or out by, from its JSON."""
    return _DIRECTION.decode(text) if text else None


def pairs(flat: list[str]) -> dict[str, str]:
    """Names and values, one after another, as a dictionary."""
    return dict(zip(flat[::2], flat[1::2], strict=True))


class _Twins(msgspec.Struct, frozen=True):
    """As the registry keeps them; times in ms."""

    sources: list[str]
    seconds: float
    until: float


_TWINS: Final = msgspec.json.Decoder(_Twins)


def shown(now_ms: float, sn: str, heard: str, punched: str, alive: int, flat: list[str]) -> Terminal:
    """One terminal, from its fields, when it was heard and punched last (ms), and whether its owner lives."""
    fields = pairs(flat)
    devinfo = msgspec.json.decode(fields.get("devinfo") or "{}")
    drift = drift_of(fields)
    online = bool(alive) and "conn" in fields
    last_frame = _time(heard or fields.get("reg_at"))
    return Terminal(
        sn=fields.get("sn", sn),
        name=fields.get("name", ""),
        site=fields.get("site", ""),
        timezone=fields.get("timezone") or None,
        admission=Admission(fields["admission"]),
        online=online,
        owner=fields["owner"].partition("/")[0] if online else None,
        connected_at=_time(fields.get("connected_at")) if online else None,
        last_frame=last_frame,
        last_punch=_time(punched),
        clock_offset_ms=drift,
        clock=clock_of(fields, drift),
        devinfo=devinfo,
        capacity=room_of(fields, devinfo),
        completeness=completeness_of(fields, online, last_frame),
        model_profile=fields.get("model_profile") or None,
        tags=msgspec.json.decode(fields.get("tags") or "[]"),
        direction=direction_of(fields.get("direction")),
        twins=_twins_of(fields.get("twins"), now_ms),
        has_path=bool(fields.get("path")),
    )


class _Room(msgspec.Struct, frozen=True):
    """As holdings keep it: what is used, since the ``reg`` at this moment."""

    at: str
    used: dict[str, int]


_ROOM: Final = msgspec.json.Decoder(_Room)


def room_of(fields: dict[str, str], devinfo: dict[str, Any]) -> dict[str, Capacity]:
    """How much room there is by kind: what the last ``reg`` told, and what was learned since."""
    told = capacities(devinfo)
    room = _ROOM.decode(fields["room"]) if "room" in fields else None
    if room is None or room.at != fields.get("reg_at", ""):
        return told
    moved = {kind: min(one.size, room.used.get(kind, one.used)) for kind, one in told.items()}
    return {kind: Capacity(one.size, moved[kind], one.size - moved[kind]) for kind, one in told.items()}


def _twins_of(text: str | None, now_ms: float) -> Twins | None:
    """As long as the registry remembers them: for so long again after they were held."""
    kept = _TWINS.decode(text) if text else None
    if kept is None or now_ms >= kept.until + max(1000 * kept.seconds, A_MINUTE):
        return None
    until = rfc3339(datetime.fromtimestamp(kept.until / 1000, UTC))
    return Twins(kept.sources, kept.seconds, until)


def _time(ms: str | None) -> str | None:
    return rfc3339(datetime.fromtimestamp(float(ms) / 1000, UTC)) if ms else None


def drift_of(fields: dict[str, str]) -> int | None:
    """The clock at the last ``reg`` against the offset that was in force just before it."""
    if not fields.get("ahead") or not fields.get("clock"):
        return None
    at = int(fields["reg_at"])
    before = [entry for entry in TIMELINE.decode(fields["clock"]) if entry.since < at]
    return int(fields["ahead"]) - before[-1].offset * 1000 if before else None


def clock_of(fields: dict[str, str], drift: int | None) -> Clock:
    """How far the clock of a terminal can be trusted."""
    if fields.get("clock_state") == Clock.SUSPECT:
        return Clock.SUSPECT
    if drift is None or (fields.get("echo") and not fields.get("timezone")):
        return Clock.UNKNOWN
    return Clock.SUSPECT if abs(drift) >= SUSPECT_DRIFT_MS else Clock.OK
