"""Words of punches as people read them. Templates translate them."""

from __future__ import annotations

from typing import Final

from tfserver.web.dashboard.languages import mark

ALARMS: Final = {
    5: mark("door forced open"),
    6: mark("tamper alarm"),
    7: mark("input alarm"),
}
"""Of doors, as ``model.DOOR_ALARMS`` has them."""
KINDS: Final = {"punch": mark("punches"), "door": mark("doors"), "stranger": mark("strangers")}
CLOCKS: Final = {"suspect": mark("suspect clock"), "unknown": mark("clock not known")}
CONFIDENCE: Final = {
    "exact": mark("right"),
    "measured": mark("corrected by the measured offset"),
    "doubtful": mark("doubtful"),
    "unknown": mark("not known"),
}
