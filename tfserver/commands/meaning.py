"""What a punch means beside what was sent: the way of its person, and whether it repeats another.

What was sent stays as it is; these are labels next to it, fixed at ingest like the rest.
"""

from __future__ import annotations

from typing import Final

from tfserver.config import ModelProfile, Punches
from tfserver.model import Direction, Kind, Punch

MOST_REMEMBERED: Final = 512
"""People of one terminal whose last punch is remembered, to recognise the next."""


class Repeats:
    """The first punch of each person at one terminal within the last ``seconds``.

    It is remembered as long as the connection lives: one who punches again just after a reconnect is not
    recognised. A punch that comes once more after it was refused is itself, and repeats nothing.
    """

    __slots__ = ("_first", "_window_ms")

    def __init__(self, seconds: int) -> None:
        self._window_ms = seconds * 1000
        self._first: dict[int, tuple[int, str]] = {}

    def of(self, enrollid: int, utc_ms: int, uid: str) -> str | None:
        """The uid of the punch that this one repeats, or None; later ones are then compared with this one.

        The window begins with the first punch, so somebody who goes on and on is not marked for ever.
        """
        before = self._first.get(enrollid)
        if before is not None:
            after_ms = utc_ms - before[0]
            if 0 <= after_ms <= self._window_ms:
                return before[1] if before[1] != uid else None
            if after_ms < 0:
                return None
        self._first[enrollid] = (utc_ms, uid)
        if len(self._first) > MOST_REMEMBERED:
            self._forget(utc_ms)
        return None

    def _forget(self, now_ms: int) -> None:
        """Keep those whose window is open; were it all of them, only the newer half."""
        kept = {key: first for key, first in self._first.items() if now_ms - first[0] <= self._window_ms}
        if len(kept) > MOST_REMEMBERED // 2:
            newest = sorted(kept.items(), key=lambda one: one[1][0])[-(MOST_REMEMBERED // 2) :]
            kept = dict(newest)
        self._first = kept


class Meaning:
    """How the punches of one terminal are labelled: by its rules, and by what it sent just before."""

    __slots__ = ("_direction", "repeats", "verify")

    def __init__(self, direction: Direction | None, repeats: Repeats | None, verify: dict[int, str]) -> None:
        self._direction = direction
        self.repeats = repeats
        self.verify = verify
        """What each ``mode`` means on a terminal of its kind; empty where only documents tell."""

    def add_to(self, punch: Punch, utc_ms: int | None) -> None:
        """Label the punch of a person; door events and strangers have neither way nor repeats."""
        if punch.kind is not Kind.PUNCH:
            return
        if self.verify:
            punch.verify = self.verify.get(punch.mode)
        if self._direction is not None:
            way = self._direction.of(punch.mode, punch.inout, punch.event)
            if way is not None:
                punch.direction = way
        if self.repeats is not None and utc_ms is not None:
            first = self.repeats.of(punch.enrollid, utc_ms, punch.uid)
            if first is not None:
                punch.repeat_of = first


def meaning_of(
    direction: Direction | None, profile: ModelProfile, settings: Punches, before: Meaning | None
) -> Meaning | None:
    """The labels of a terminal; what was remembered ``before`` stays. None: there is nothing to label."""
    if direction is None and not profile.verify and not settings.repeat_seconds:
        return None
    repeats = before.repeats if before is not None else None
    if repeats is None and settings.repeat_seconds:
        repeats = Repeats(settings.repeat_seconds)
    return Meaning(direction, repeats, profile.verify)
