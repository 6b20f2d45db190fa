"""Terminals in brief: what lists of thousands of them are searched, filtered and sorted by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

from tfserver.model import Admission, Capacity, Clock
from tfserver.store.terminal_rows import clock_of, drift_of, room_of

FIELDS: Final = (
    *("sn", "name", "site", "timezone", "admission", "owner", "conn", "devinfo", "reg_at", "ahead", "clock"),
    *("clock_state", "echo", "room", "until", "since", "gaps", "model_profile", "tags"),
)
"""In the order of the script."""
_ROWS: Final = msgspec.json.Decoder(list[list[Any]])
_LIST: Final = msgspec.json.Decoder(list[Any])
_SAID: Final = msgspec.json.Decoder(dict[str, Any])


class Brief(NamedTuple):
    """One terminal; ``punched`` (ms) is 0 where nobody punched, ``until`` (UTC, ms) None where records were
    never proven to be here, ``since`` the day of the terminal's from which that holds (None: of all that it
    had); ``fullest`` is how much is used of the room that is scarcest; ``model`` and
    ``firmware`` are as it says itself."""

    sn: str
    name: str = ""
    site: str = ""
    timezone: str | None = None
    admission: Admission = Admission.PENDING
    online: bool = False
    owner: str = ""
    punched: float = 0.0
    clock_offset_ms: int | None = None
    clock: Clock = Clock.UNKNOWN
    until: int | None = None
    since: str | None = None
    has_gaps: bool = False
    fullest: float = 0.0
    model: str = ""
    firmware: str = ""
    tags: tuple[str, ...] = ()


def fullest(capacity: Mapping[str, Capacity]) -> float:
    """How much is used of the room that is scarcest."""
    return max((each.used / each.size for each in capacity.values() if each.size), default=0.0)


def briefs(told: str) -> list[Brief]:
    """All of a page, as the script ``terminals`` tells them."""
    return [_brief(*row) for row in _ROWS.decode(told)]


def _brief(name: str, punched: str, alive: int, *values: str | bool) -> Brief:
    fields = {field: value for field, value in zip(FIELDS, values, strict=True) if isinstance(value, str)}
    said = _SAID.decode(fields.get("devinfo") or "{}")
    drift = drift_of(fields)
    online = bool(alive) and "conn" in fields
    return Brief(
        sn=fields.get("sn", name),
        name=fields.get("name", ""),
        site=fields.get("site", ""),
        timezone=fields.get("timezone") or None,
        admission=Admission(fields["admission"]),
        online=online,
        owner=fields["owner"].partition("/")[0] if online else "",
        punched=float(punched or 0),
        clock_offset_ms=drift,
        clock=clock_of(fields, drift),
        until=int(fields["until"]) if "until" in fields else None,
        since=fields.get("since") or None,
        has_gaps=fields.get("gaps", "[]") != "[]",
        fullest=fullest(room_of(fields, said)),
        model=str(said.get("modelname") or fields.get("model_profile") or "")[:100],
        firmware=str(said.get("firmware") or "")[:100],
        tags=tuple(_LIST.decode(fields.get("tags") or "[]")),
    )
