"""Reading a list page by page, trusting nothing but the lists themselves (protocol §6.3)."""

from __future__ import annotations

import enum
from typing import Any, Final, NamedTuple

from tfserver.wire import codec, lenient
from tfserver.wire.message import RawReply

MOST_PAGES: Final = 10_000
MOST_RESTARTS: Final = 3
_EMPTY_WORDS: Final = ("find logs", "no data", "no log", "no record")
"""What AiFace says of an empty range (protocol §6.3)."""


class Next(enum.Enum):
    """What to do after a page."""

    MORE = "ask for the next page"
    END = "the list is over"
    AGAIN = "begin again"
    REFUSED = "the terminal refuses"


class Page(NamedTuple):
    """A page judged: its new records, what to do next, and what was odd about it."""

    records: list[Any]
    next: Next
    odd: str = ""


class Paging:
    """One reading of a list. ``whole`` says at its end whether nothing speaks against its being complete."""

    __slots__ = (
        "_first",
        "_from",
        "_interrupted",
        "_last",
        "_pages",
        "_restarts",
        "_total",
        "records",
        "whole",
    )

    def __init__(self) -> None:
        self.records = 0
        self.whole = True
        self._pages = 0
        self._restarts = 0
        self._begin()

    def _begin(self) -> None:
        self.records = 0
        self._from: int | None = -1
        self._first: list[Any] = []
        self._last: list[Any] = []
        self._total = 0
        self._interrupted = False

    def interrupted(self) -> None:
        """Another command was said since the last page: the terminal's place in the list may be lost."""
        self._interrupted = True

    def silent(self) -> Next:
        """A page did not come: of a list that has begun, the rest may be missing."""
        self.whole = False
        return Next.REFUSED if self._pages == 0 else Next.END

    def receive(self, reply: RawReply, list_field: str) -> Page:
        """A page came."""
        self._pages += 1
        if reply.result is not True:
            return self._refused(reply)
        found = self._list_of(reply, list_field)
        start, total = _number(reply.fields.get("from")), _number(reply.fields.get("count")) or 0
        if self._interrupted and self._lost_its_place(found, start):
            return self._again(found)
        self._interrupted = False
        if total > len(found):
            # else it may be the length of the page, which says nothing of the whole list
            self._total = max(self._total, total)
        if not found:
            return self._ended()
        if found in (self._last, self._first):
            self.whole = False
            return Page([], Next.END, "repeated page")
        self.records += self._count_of(found, start)
        if self._went_back(start):
            self.whole = False
            return Page(found, Next.END, "went back")
        self._first, self._last = self._first or found, found
        # of firmware that always says the same place, the place says nothing
        self._from = start if self._from is not None and start is not None and start > self._from else None
        if total > len(found) and self.records >= self._total:
            return Page(found, Next.END)
        if self._pages >= MOST_PAGES:
            self.whole = False
            return Page(found, Next.END, "too many pages")
        return Page(found, Next.MORE)

    def _refused(self, reply: RawReply) -> Page:
        said = str(reply.fields.get("msg", "")).lower()
        is_empty = any(words in said for words in _EMPTY_WORDS)
        if self._pages == 1:
            return Page([], Next.END if is_empty else Next.REFUSED)
        if self._interrupted and self._lost_its_place([], None):
            return self._again([])
        if is_empty or 0 < self._total <= self.records:
            return self._ended()
        self.whole = False
        return Page([], Next.END, "refused in the middle")

    def _ended(self) -> Page:
        """The terminal has no more; it may have had more."""
        if self.records >= self._total:
            return Page([], Next.END)
        self.whole = False
        return Page([], Next.END, "ended too early")

    def _lost_its_place(self, found: list[Any], start: int | None) -> bool:
        """Whether this is not the page that had to come after an interruption."""
        if not found:
            return self.records < self._total or self._total == 0
        if start is not None and self._from is not None and self._last:
            return start != self._from + len(self._last)
        return found in (self._last, self._first)

    def _list_of(self, reply: RawReply, list_field: str) -> list[Any]:
        """The records of a page, by whatever name; what is there and is no list may have been some."""
        names = (list_field, *codec.RECORD_ALIASES)
        found = next((reply.fields[name] for name in names if name in reply.fields), "")
        if isinstance(found, list):
            return found
        self.whole = self.whole and (isinstance(found, dict) or not found)
        return [found] if isinstance(found, dict) else []

    def _count_of(self, found: list[Any], start: int | None) -> int:
        """How many of these did not come before; between two pages some may be missing."""
        if start is None or self._from is None or not self._last or start <= self._from:
            return len(found)
        expected = self._from + len(self._last)
        self.whole = self.whole and start <= expected
        return max(0, len(found) - max(0, expected - start))

    def _went_back(self, start: int | None) -> bool:
        return start is not None and self._from is not None and start < self._from

    def _again(self, found: list[Any]) -> Page:
        """What came is not dropped: some lists can't be read twice."""
        self._restarts += 1
        if self._restarts > MOST_RESTARTS:
            self.whole = False
            return Page(found, Next.END, "interrupted too often")
        self._begin()
        return Page(found, Next.AGAIN, "lost its place")


def _number(value: object) -> int | None:
    try:
        return lenient.integer(value)
    except ValueError:
        return None
