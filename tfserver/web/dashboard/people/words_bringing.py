"""Words of the API about enrolments, imports and erasures as people read them. Templates translate them."""

from __future__ import annotations

from typing import Final

from tfserver.web.dashboard.languages import mark

ENROLMENTS: Final = {
    "asked": mark("waits for the terminal"),
    "waiting": mark("the terminal waits for the person"),
    "scanning": mark("the person is scanning"),
    "read": mark("is being read back"),
    "done": mark("done: it is in the directory"),
    "refused": mark("the terminal refused"),
    "failed": mark("failed"),
    "cancelled": mark("stopped"),
}
STEPS: Final = (
    ("asked", mark("The terminal is told")),
    ("waiting", mark("It waits for the person")),
    ("scanning", mark("The person puts finger, face or card on the sensor")),
    ("read", mark("What it took is read back")),
    ("done", mark("The credential is in the directory")),
)
"""Of an enrolment that goes well, in their order."""
ORDER: Final = tuple(name for name, _ in STEPS)
IMPORTS: Final = {
    "uploading": mark("is being sent"),
    "waiting": mark("waits for its turn"),
    "working": mark("is being brought in"),
    "done": mark("done"),
    "stopped": mark("stopped at a wrong row"),
    "cancelled": mark("stopped"),
}
ERASURES: Final = {"open": mark("goes on"), "done": mark("is over")}
PLACES: Final = {
    "open": mark("to be done"),
    "waiting": mark("waits until the terminal is there"),
    "refused": mark("refused, tried again each day"),
    "done": mark("erased"),
    "kept": mark("kept, with a reason"),
    "unproven": mark("can't be proven any more"),
}
PLACE_NAMES: Final = {
    "audit": mark("the audit"),
    "backups": mark("backups"),
    "directory": mark("the directory"),
    "enrolments": mark("enrolments"),
    "imports": mark("imported files"),
    "journal": mark("the archive's list of erasures"),
    "key": mark("the key of the person's credentials"),
    "names": mark("names that terminals told"),
    "orders": mark("orders to terminals"),
    "pictures": mark("pictures of punches"),
    "punches": mark("punches"),
    "quarantine": mark("records in quarantine"),
    "snapshots": mark("snapshots of terminals"),
}
"""Where a person is kept at the server."""
LOOKS: Final = {
    "done": "good",
    "failed": "bad",
    "refused": "bad",
    "stopped": "bad",
    "waiting": "warn",
    "open": "warn",
    "kept": "warn",
    "unproven": "bad",
}
"""Of all of these."""
