"""Pages that have to load themselves anew are told so one after the other: however many are open, what they
take of the process together is bounded. A few are told at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tfserver.web.dashboard.onlooker import AWAY, MISSED, Onlooker, event

AT_ONCE: Final = 10
A_SECOND: Final = 2.0
"""Beyond those: a page takes some 25 ms to make, so that is a twentieth of the process."""


class Calls:
    """Who waits longest is told first; meanwhile what happened to it is gathered."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._due: dict[Onlooker, frozenset[str]] = {}
        """What each has to be told happened; of nothing in particular: that it missed something."""
        self._put_off: set[Onlooker] = set()
        """Those of them that were told not to look as if they showed what is now."""
        self._room: float = AT_ONCE
        self._at = seconds()

    def hint(self, page: Onlooker, kinds: frozenset[str]) -> None:
        """This happened, which the page shows."""
        if not self.misses(page):
            self._due[page] = self._due.get(page, frozenset()) | kinds

    def miss(self, page: Onlooker) -> None:
        """It missed something."""
        self._due[page] = frozenset()

    def misses(self, page: Onlooker) -> bool:
        """Whether it is still to be told that: what comes before would look as if it were all."""
        return page in self._due and not self._due[page]

    def forget(self, page: Onlooker) -> None:
        """It is not open any more."""
        self._due.pop(page, None)
        self._put_off.discard(page)

    def tell(self) -> None:
        """Tell as many as there is room for by now."""
        now = self._seconds()
        self._room = min(AT_ONCE, self._room + A_SECOND * (now - self._at))
        self._at = now
        while self._due and self._room >= 1:
            page, kinds = next(iter(self._due.items()))
            self.forget(page)
            page.tell(event("hints", sorted(kinds)) if kinds else MISSED)
            self._room -= 1
        for page in self._due.keys() - self._put_off:
            if self.misses(page):
                self._put_off.add(page)
                page.tell(AWAY)
