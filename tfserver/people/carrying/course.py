"""How carrying out a plan at one terminal stands at this moment: what makes it go on, wait, or end."""

from __future__ import annotations

from typing import Final

from tfserver.people.carrying.steps import End, Outcome

MOST_SILENT: Final = 3
"""Orders in a row that a terminal leaves unanswered; then it is left in peace for a while."""
PEACE_SECONDS: Final = 300.0


class Course:
    """Shared by all steps that are under way. ``tried``: something that is still open was said to the
    terminal in this attempt, so that the next one counts."""

    def __init__(self) -> None:
        self.tried = False
        self.is_stopped = False
        self.is_leaving = False
        self.words = ""
        self.again = 0.0
        self.is_silent = False
        """Whether it leaves because the terminal answers nothing, and answered nothing before."""
        self._silent = 0
        self._has_answered = False

    def leave(self, seconds: float, words: str) -> None:
        """Put nothing more now, and come again so many seconds later."""
        if not self.is_leaving:
            self.is_leaving, self.again, self.words = True, seconds, words

    def stop(self, words: str) -> None:
        """Put nothing more at all."""
        self.is_leaving = self.is_stopped = True
        self.words = words

    def heard(self, outcome: Outcome) -> None:
        """An order has ended so."""
        if outcome.is_silent:
            self._silent += 1
        elif outcome.end in (End.ACCEPTED, End.REFUSED, End.AGAIN):
            self._silent = 0
            self._has_answered = True
        if self._silent >= MOST_SILENT and not self.is_leaving:
            self.is_silent = not self._has_answered
            self.leave(PEACE_SECONDS, f"it left {MOST_SILENT} orders in a row unanswered: tried again later")
