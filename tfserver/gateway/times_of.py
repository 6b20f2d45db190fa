"""Which times the records of a list have."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tfserver.wire import times


class Times:
    """Of all records so far: the oldest time, and the newest of the days up to ``last`` (a clock may have
    been ahead); empty without one. ``has_watched``: whether one of the time ``watched`` was among them."""

    __slots__ = ("_last", "_watched", "has_watched", "newest", "oldest")

    def __init__(self, watched: str, last: str) -> None:
        self._watched = watched
        self._last = f"{last}~"
        self.has_watched = False
        self.oldest = ""
        self.newest = ""

    def look(self, records: Iterable[Any]) -> None:
        """Some records more, as they came; what has no time is passed over."""
        told = {record.get("time") for record in records if type(record) is dict}
        found = sorted(map(_sortable, told))
        self.has_watched = self.has_watched or (self._watched != "" and self._watched in found)
        # most are as documented: only those at the ends are looked at
        oldest = next(filter(_is_time, found), "")
        newest = next((text for text in reversed(found) if text < self._last and _is_time(text)), "")
        self.oldest = min(self.oldest or oldest, oldest or self.oldest)
        self.newest = max(self.newest, newest)


def _sortable(told: Any) -> str:
    """A time in the documented form, which sorts as it is, though it may be no possible one; else empty."""
    if not isinstance(told, str):
        return ""
    if len(told) == 19 and told[4] == told[7] == "-" and told[10] == " ":
        return told
    return times.told(told).identity if times.parse(told) is not None else ""


def _is_time(text: str) -> bool:
    return times.parse(text) is not None
