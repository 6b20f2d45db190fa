"""How far a terminal's records are proven to be here, read off its entry in the registry."""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from tfserver.model import Capacity, Clock, capacities
from tfserver.store import terminal_rows as rows

OF_PROOF: Final = (
    *("dirty", "proven", "disabled", "whole", "anchor", "devinfo"),
    *("clock_state", "ahead", "reg_at", "clock", "echo", "timezone"),
)
"""The fields of the entry that tell it."""


class Proof(NamedTuple):
    """How far a terminal's records are proven to be here: since which of its days some may be missing (empty:
    none is in doubt), and the moment (UTC, ms) before which none is. ``pushed_ms`` is when its last new punch
    came."""

    dirty: str = ""
    proven_ms: int | None = None
    clock: Clock = Clock.UNKNOWN
    is_disabled: bool = False
    pushed_ms: int | None = None
    drift_ms: int | None = None
    """How far its clock was off at its last ``reg``."""
    is_frozen: bool = False
    """Several of its records came under one time."""
    whole_ms: int | None = None
    """When the reading began that moved its mark of completeness last (UTC, ms)."""
    anchor: str = ""
    """The time of the newest record of that reading, as the terminal writes it."""
    log: Capacity | None = None
    """Room for logs, as told at its last ``reg``."""


def proof_of(fields: dict[str, str], pushed: str | None) -> Proof:
    """What these fields say; ``pushed`` is when its last new punch came (UTC, ms)."""
    drift = rows.drift_of(fields)
    return Proof(
        dirty=fields.get("dirty", ""),
        proven_ms=int(fields["proven"]) if "proven" in fields else None,
        clock=rows.clock_of(fields, drift),
        is_disabled="disabled" in fields,
        pushed_ms=round(float(pushed)) if pushed else None,
        drift_ms=drift,
        is_frozen=fields.get("clock_state") == Clock.SUSPECT,
        whole_ms=int(fields["whole"]) if "whole" in fields else None,
        anchor=fields.get("anchor", ""),
        log=capacities(msgspec.json.decode(fields.get("devinfo") or "{}")).get("log"),
    )
