"""Punches from so long ago that the store may have forgotten them: the archive is asked first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from tfserver.store.shelf import Frame, Kept, Told

Archived = Callable[[list[str]], Awaitable[set[str]]]
"""Which of these uids are in the archive."""
_DAY_SECONDS: Final = 86_400


class Horizon:
    """The days (``YYYYMMDD``, of the device's time) whose known punches the store remembers for certain.

    The life of what is known of a day begins with its last punch, which was not before that day. So it is not
    certain of days long ago, nor of days to come and of no day: those may have been told at any time.
    """

    def __init__(self, days: int) -> None:
        self._days = days
        self._known = ("", "")
        self._ends = 0.0

    def days(self, now: float) -> tuple[str, str]:
        """The first and the last, reckoned once a day. A terminal may say tomorrow's date, so the life of
        what is known of a day may have begun on the day before."""
        if not self._ends - _DAY_SECONDS <= now < self._ends:
            midnight = now - now % _DAY_SECONDS
            today = datetime.fromtimestamp(midnight, UTC)
            first, last = today - timedelta(days=self._days - 2), today + timedelta(days=1)
            self._known = (first.strftime("%Y%m%d"), last.strftime("%Y%m%d"))
            self._ends = midnight + _DAY_SECONDS
        return self._known


def is_remembered(frame: Frame, days: tuple[str, str]) -> bool:
    """Whether the store remembers whatever is known of its punches."""
    first, last = days
    for record in frame.records:  # noqa: SIM110
        # every punch comes this way: a generator would cost more than all the comparing
        if not first <= record.day <= last:
            return False
    return True


def without(frame: Frame, known: set[str], told: Told) -> Frame:
    """A frame less the punches that are known, for which its asker is told all the same."""
    left = [record for record in frame.records if record.uid not in known]
    count = len(frame.records) - len(left)

    def done(kept: Kept | Exception) -> None:
        """Count in what did not go on."""
        frame.told([(frame.asker, kept if isinstance(kept, Exception) else _and_known(kept, count))])

    return Frame(frame.shelf, frame.logindex, left, frame.bad, told, done)


def _and_known(kept: Kept, count: int) -> Kept:
    return Kept(kept.new, kept.known + count, kept.repeats)
