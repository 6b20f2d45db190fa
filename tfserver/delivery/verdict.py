"""What an answer of a receiver means for the message that it got."""

from __future__ import annotations

import enum
from typing import Final

GONE: Final = 410
TELL_WHEN: Final = frozenset({429, 503})
"""Answers that may say for how long the receiver wants to be left alone."""
_LATER: Final = frozenset({408, 425, 429})
"""Of the 4xx those that speak of the moment, not of the message."""


class Verdict(enum.Enum):
    """``ACCEPTED``: go on. ``LATER``: hold the line. ``REFUSED``: it does not want this message. ``STOP``: it
    wants none any more."""

    ACCEPTED = "accepted"
    LATER = "later"
    REFUSED = "refused"
    STOP = "stop"


def verdict_on(status: int) -> Verdict:
    """What to do after an answer with this status. No redirect is followed: nobody has checked where to."""
    if 200 <= status < 300:
        return Verdict.ACCEPTED
    if status == GONE:
        return Verdict.STOP
    if 400 <= status < 500 and status not in _LATER:
        return Verdict.REFUSED
    return Verdict.LATER
