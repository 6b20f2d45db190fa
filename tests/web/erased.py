"""An erasure as the pages show it."""

from __future__ import annotations

from typing import Any

from tfserver.store.people.erasures import PlaceState, ShownPlace

ID = "e0af3"
AT = "2026-04-02T08:15:04.000Z"
TOLD: dict[str, Any] = {
    "id": ID,
    "enrollid": 7,
    "actor": "token a",
    "reason": "asked",
    "ordered": AT,
    "state": "open",
    "ended": None,
    "proven": False,
    "counts": {"open": 1},
}
PLACE = ShownPlace("terminal", "T1", PlaceState.OPEN, None, "", "")
