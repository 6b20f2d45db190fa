"""A terminal in brief, from what people see of it whole: what stand-ins tell, and what the store has to."""

from __future__ import annotations

from datetime import datetime

from tfserver.model import Terminal
from tfserver.store.briefs import Brief


def _ms(instant: str | None) -> int | None:
    return None if instant is None else round(1000 * datetime.fromisoformat(instant).timestamp())


def brief_of(terminal: Terminal) -> Brief:
    """The same terminal."""
    said = terminal.devinfo
    return Brief(
        sn=terminal.sn,
        name=terminal.name,
        site=terminal.site,
        timezone=terminal.timezone,
        admission=terminal.admission,
        online=terminal.online,
        owner=terminal.owner or "",
        punched=_ms(terminal.last_punch) or 0,
        clock_offset_ms=terminal.clock_offset_ms,
        clock=terminal.clock,
        until=_ms(terminal.completeness.until),
        since=terminal.completeness.since,
        has_gaps=bool(terminal.completeness.gaps),
        fullest=max((each.used / each.size for each in terminal.capacity.values() if each.size), default=0.0),
        model=str(said.get("modelname") or terminal.model_profile or ""),
        firmware=str(said.get("firmware") or ""),
        tags=tuple(terminal.tags),
    )
