"""Words of the API on the pages of the system. Templates translate them."""

from __future__ import annotations

from typing import Final

from tfserver.web.dashboard.languages import mark

DURABILITIES: Final = {
    "always": mark("each write is on disk before it is acknowledged"),
    "everysec": mark("written to disk once a second"),
    "none": mark("not kept on disk for sure"),
}
ACKNOWLEDGE: Final = {
    "local": mark("by the primary alone"),
    "replica": mark("by replicas too"),
}
WEBHOOK_STATES: Final = {
    "active": mark("active"),
    "paused": mark("paused"),
    "stopped": mark("stopped by its receiver"),
}
KINDS: Final = {
    "punch": mark("punches"),
    "door": mark("doors"),
    "stranger": mark("strangers"),
    "terminal": mark("terminals"),
}
"""Of what webhooks tell, and of what is kept."""
BACKFILL_STATES: Final = {
    "open": mark("under way"),
    "done": mark("done"),
    "incomplete": mark("incomplete"),
}
