"""Words of the API about orders and their parts as people read them. Templates translate them."""

from __future__ import annotations

from typing import Final

from tfserver.web.dashboard.languages import mark

ORDER_STATES: Final = {
    "queued": mark("waits for the terminal"),
    "sent": mark("sent, no answer yet"),
    "done": mark("done"),
    "refused": mark("refused by the terminal"),
    "failed": mark("did not happen"),
    "unknown": mark("sent, outcome not known"),
    "expired": mark("came too late"),
    "cancelled": mark("taken back"),
}
ORDER_KINDS: Final = {
    "done": "good",
    "refused": "bad",
    "failed": "bad",
    "unknown": "warn",
    "expired": "warn",
    "queued": "",
    "sent": "",
    "cancelled": "",
}
"""How an end looks."""
DANGERS: Final = {
    "ordinary": mark("harmless to repeat"),
    "once": mark("at most once"),
    "door": mark("door"),
    "destructive": mark("destructive"),
}
DANGER_RULES: Final = {
    "ordinary": mark("It is tried again until the terminal has answered or its time is over."),
    "once": mark("It is sent at most once: if no answer comes, nobody knows whether it happened."),
    "door": mark(
        "It is sent at most once and never late: if the terminal is not there now, nothing happens."
    ),
    "destructive": mark("It can't be undone. It is sent at most once, after you typed the serial number."),
}
SUBJECTS: Final = {
    "doors": mark("Doors"),
    "people": mark("People"),
    "enrolling": mark("Credentials and enrolment"),
    "passing": mark("Who may pass when"),
    "reading": mark("Records"),
    "clock": mark("Clock"),
    "settings": mark("Settings of the terminal"),
    "calendar": mark("Holidays and questions"),
    "upkeep": mark("Upkeep"),
    "other": mark("Other"),
    "experimental": mark("Experimental"),
}
"""By the module that a command stands in, in this order."""
COPY_STATES: Final = {
    "open": mark("under way"),
    "done": mark("done"),
    "failed": mark("failed"),
}
STEP_STATES: Final = {
    "done": mark("done"),
    "partly": mark("done in part"),
    "refused": mark("refused"),
    "skipped": mark("left out"),
}
SOURCES: Final = {
    "terminal": mark("read from the terminal"),
    "file": mark("from a file"),
    "known": mark("from what the server knew"),
}
WAYS: Final = {
    "in": mark("from the terminal"),
    "out": mark("to the terminal"),
    "event": mark("event"),
}
"""Of messages."""
BACKFILLS: Final = {
    "open": mark("under way"),
    "done": mark("done"),
    "incomplete": mark("some days were not read to their end"),
}
IDENTITY: Final = {
    "modelname": mark("Model"),
    "firmware": mark("Firmware"),
    "cpusn": mark("Processor number"),
    "mac": mark("Network address (MAC)"),
    "address": mark("Address"),
    "fpalgo": mark("Fingerprint algorithm"),
    "time": mark("Clock when it connected"),
}
"""Of ``devinfo``."""
MET: Final = {
    "answered": mark("answers"),
    "refused": mark("refuses"),
    "silent": mark("does not answer"),
}
"""How a kind of terminal meets a command."""
