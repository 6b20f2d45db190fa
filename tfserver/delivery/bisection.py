"""Which message of several a receiver refuses, and whether it is the message's fault or the receiver's.

A refused batch is halved until the message stands alone that is refused. That goes to the dead letters,
unless ``AT_ONCE`` went there in a row: then it may be the receiver that is at fault (a wrong path, an
expired token), and none goes there before a message behind it was accepted. Until then the line stands
before the first of them, and a bounded number of messages behind it is tried.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from tfserver.delivery.message import Message

AT_ONCE: Final = 2
FIRST_LOOK: Final = 3
MOST_LOOK: Final = 96


class Judged(NamedTuple):
    """What is settled, from the first message on: these are refused for good, so many behind accepted."""

    accepted: int
    refused: Sequence[Message]


def look_ahead(failures: int) -> int:
    """How many messages in a row may be refused before a try is given up: twice as many at every try, so that
    a long run of messages that nobody wants does not hold the rest for ever."""
    return int(min(FIRST_LOOK * 2 ** min(failures, 10), MOST_LOOK))


class Bisection:
    """One try. ``in_a_row`` messages went to the dead letters since one was accepted."""

    def __init__(self, in_a_row: int, look: int) -> None:
        self._in_a_row = in_a_row
        self._look = look
        self._parts: list[Sequence[Message]] = []
        self.suspects: list[Message] = []
        """Refused alone, and nothing was accepted since."""

    @property
    def is_given_up(self) -> bool:
        """Whether so much was refused that it must be the receiver's fault."""
        return len(self.suspects) >= self._look

    @property
    def part(self) -> Sequence[Message] | None:
        """What has to be sent next; None when there is nothing, or it was given up."""
        return self._parts[-1] if self._parts and not self.is_given_up else None

    def add(self, messages: Sequence[Message]) -> None:
        """More messages, behind all others; only when there is no other part left."""
        self._parts.append(messages)

    def accepted(self) -> Judged:
        """The part was accepted: so the receiver is well, and what it refused before was for good."""
        part = self._parts.pop()
        refused, self.suspects = self.suspects, []
        self._in_a_row = 0
        return Judged(len(part), refused)

    def refused(self) -> Judged | None:
        """The part was refused; None when nothing is settled by that."""
        part = self._parts.pop()
        if len(part) > 1:
            middle = len(part) // 2
            self._parts += (part[middle:], part[:middle])
            return None
        if self.suspects or self._in_a_row >= AT_ONCE:
            self.suspects += part
            return None
        self._in_a_row += 1
        return Judged(0, part)
