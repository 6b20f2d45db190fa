"""Words of the API as people read them: states, kinds of capacity, reasons. Templates translate them."""

from __future__ import annotations

from typing import Final

from tfserver.web.dashboard.languages import mark

STATES: Final = {
    "online": mark("online"),
    "offline": mark("offline"),
    "pending": mark("waits for approval"),
    "denied": mark("denied"),
    "quarantined": mark("in quarantine"),
}
"""Of terminals."""
CAPACITIES: Final = {
    "user": mark("people"),
    "fp": mark("fingerprints"),
    "card": mark("cards"),
    "pwd": mark("passwords"),
    "face": mark("faces"),
    "palm": mark("palms"),
    "log": mark("records"),
}
CLOCKS: Final = {
    "ok": mark("right"),
    "suspect": mark("suspect"),
    "unknown": mark("not known yet"),
}
ROLES: Final = {
    "admin": mark("administrator"),
    "operator": mark("operator"),
    "reader": mark("reader"),
}
