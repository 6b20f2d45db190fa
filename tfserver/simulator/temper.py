"""One terminal's moods: which of them act on a command, and how often they still will."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from tfserver.simulator.acts import Obey, Turn
from tfserver.simulator.answers import Answer, Asked, Message, ReplyFunction
from tfserver.simulator.moods import KINDS, Kind, Mood
from tfserver.simulator.paging import PAGED


class Temper:
    """The moods of one terminal; they stay over reconnects."""

    __slots__ = ("_before", "_left", "_moods", "_numbers", "pushes")

    def __init__(self, moods: Sequence[Mood] = ()) -> None:
        order = list(KINDS)
        self._moods = sorted(moods, key=lambda mood: order.index(mood.kind))
        self._left = [mood.times for mood in self._moods]
        self._numbers: Counter[str] = Counter()
        self._before: tuple[str, Answer] | None = None
        self.pushes = all(KINDS[mood.kind].pushes for mood in moods)

    def answer(self, asked: Asked, function: ReplyFunction) -> Answer:
        """Obey a command by its function, as far as the moods let it."""
        obey: Obey = partial(function, asked)
        if not self._moods:
            return obey()
        word = asked.command["cmd"]
        self._interrupt(asked, word)
        turn = self._turn(asked, word)
        for place, mood, kind in self._standing(word):
            if kind.act is not None and kind.acts(mood.value, turn):
                self._left[place] -= 1
                obey = partial(kind.act, mood.value, turn, obey)
        answer = obey()
        self._before = word, answer
        return answer

    def form(self, command: Message, reply: dict[str, Any]) -> dict[str, Any] | bytes:
        """The reply as it leaves the terminal; bytes when it is no message any more."""
        spoilt: dict[str, Any] | bytes = reply
        for place, mood, kind in self._standing(command["cmd"]):
            if kind.form is not None and not isinstance(spoilt, bytes):
                self._left[place] -= 1
                spoilt = kind.form(mood.value, command, spoilt)
        return spoilt

    def delay(self, word: str) -> float:
        """Seconds until an answer is given."""
        seconds = 0.0
        for place, mood, kind in self._standing(word):
            if kind.delay is not None:
                self._left[place] -= 1
                seconds += kind.delay(mood.value)
        return seconds

    def _interrupt(self, asked: Asked, word: str) -> None:
        """A command between two pages of a list may cost the cursor (protocol §6.1)."""
        cursor = asked.memory.cursor
        if cursor is None or cursor.word == word or not cursor.position:
            return
        for place, mood, kind in self._standing(cursor.word):
            if kind.between is not None:
                self._left[place] -= 1
                kind.between(mood.value, asked.memory)

    def _turn(self, asked: Asked, word: str) -> Turn:
        if asked.command.get("stn"):
            self._numbers[word] = 0
        self._numbers[word] += 1
        before = self._before[1] if self._before is not None and self._before[0] == word else None
        return Turn(asked, self._numbers[word], before)

    def _standing(self, word: str) -> Iterator[tuple[int, Mood, Kind]]:
        """The moods about a word that have not worn off."""
        for place, mood in enumerate(self._moods):
            kind = KINDS[mood.kind]
            if self._left[place] > 0 and mood.word in (None, word) and _is_about(kind, word):
                yield place, mood, kind


def _is_about(kind: Kind, word: str) -> bool:
    return (word in PAGED or not kind.paged) and (word in kind.only or not kind.only)
