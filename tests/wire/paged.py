"""A terminal that gives a list page by page, for tests: all conventions there are (protocol §6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tfserver.wire.message import RawReply
from tfserver.wire.paging import Next, Page, Paging

MOST_ASKED = 1000


def page(records: list[Any] | None = None, result: bool | None = True, **fields: Any) -> RawReply:
    """A page as it is read from the wire."""
    return RawReply("getalllog", result, fields if records is None else {"record": records, **fields})


@dataclass
class Terminal:
    """How many records there are, how many it gives at once, and how it tells where it stands.

    ``moves`` says that it gives each record only once, whatever is asked.
    """

    records: int
    size: int = 50
    to: str = "inclusive"
    count: str = "total"
    start: str = "place"
    end: str = "empty"
    loses: str = "nothing"
    moves: bool = False

    def __post_init__(self) -> None:
        self._place: int | None = 0
        self._base = 0

    def ask(self, is_first: bool) -> RawReply:
        """The first page, or the next one."""
        if is_first:
            self._base = self._place or 0 if self.moves else 0
            self._place = self._base
        if self._place is None or self._place >= self.records:
            return self._over()
        first, self._place = self._place, min(self._place + self.size, self.records)
        found: list[Any] = [{"n": number} for number in range(first, self._place)]
        last = self._place - self._base - (self.to == "inclusive")
        return page(found, **self._told(first - self._base, last, len(found)))

    def disturb(self) -> None:
        """Another command came in between."""
        if self.loses == "counting":
            self._base = self._place or 0
        elif self.loses != "nothing":
            self._place = 0 if self.loses == "starts again" else None

    def _told(self, first: int, last: int, length: int) -> dict[str, Any]:
        counts = {
            "total": {"count": self.records - self._base},
            "page": {"count": length},
            "zero": {"count": 0},
        }
        starts = {"place": {"from": first, "to": last}, "zero": {"from": 0, "to": length}}
        return {**counts.get(self.count, {}), **starts.get(self.start, {})}

    def _over(self) -> RawReply:
        if self.end == "no list":
            return page(count=0)
        if self.end == "words":
            return page(result=False, reason=1, msg="can not find logs")
        if self.end == "false":
            return page(result=False, reason=1)
        return page([], **{"count": 0, "from": 0, "to": 0})


@dataclass
class Reading:
    """What came of a reading: all records that were to be kept, those since it began last, what was odd."""

    kept: list[int]
    listed: list[int]
    odd: list[str]
    asked: int
    paging: Paging
    last: Next = Next.END


def read(terminal: Terminal, disturbed: frozenset[int] = frozenset()) -> Reading:
    """Read the whole list; before the pages that are ``disturbed`` something else is said."""
    found = Reading([], [], [], 0, Paging())
    is_first = True
    while found.asked < MOST_ASKED:
        if found.asked in disturbed:
            terminal.disturb()
            found.paging.interrupted()
        found.asked += 1
        judged = found.paging.receive(terminal.ask(is_first), "record")
        numbers = [record["n"] for record in judged.records]
        found.kept += numbers
        found.listed += numbers
        found.odd += [judged.odd] if judged.odd else []
        found.last = judged.next
        if judged.next in (Next.END, Next.REFUSED):
            return found
        is_first = judged.next is Next.AGAIN
        if is_first:
            found.listed = []
    raise AssertionError("the reading does not end")


def judge(*replies: RawReply) -> tuple[Paging, list[Page]]:
    """A reading of these pages, and what was said of each."""
    paging = Paging()
    return paging, [paging.receive(reply, "record") for reply in replies]
