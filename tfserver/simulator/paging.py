"""A list that is given out page by page (protocol §6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

USERS_A_PAGE = 40
LOGS_A_PAGE = 50
PAGED = frozenset({"getuserlist", "getallusers", "getnewlog", "getalllog"})
"""The words whose lists are read page by page."""


@dataclass(slots=True)
class Cursor:
    """Where the reading of a list stands; the terminal keeps one, for the word that began it.

    ``items`` is the list as it was at the first page, and stays the same object to the last.
    """

    word: str
    items: Sequence[Any]
    page: int
    position: int = 0
    begins_at: int = 0
    """For logs: the position in the log book of the first item."""

    def turn(self) -> tuple[int, Sequence[Any]]:
        """Give out the next page: position of its first item, and the items (none at the end)."""
        start = self.position
        found = self.items[start : start + self.page]
        self.position = start + len(found)
        return start, found
