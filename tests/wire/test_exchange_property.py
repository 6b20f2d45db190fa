"""Whatever is ordered, however late a terminal answers: a reply ends the command that it belongs to."""

from __future__ import annotations

import json
from collections import deque
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from twisted.trial.unittest import SynchronousTestCase

from tests.wire.exchanging import reply
from tfserver.wire import codec
from tfserver.wire.exchange import Asking, Cut, End, Exchange, Finished, Say, Stage, Step

COMMANDS: dict[str, dict[str, Any]] = {
    "opendoor": {"cuts": True, "within": 5.0},
    "setuserinfo": {"within": 60.0},
    "getdevlock": {"aliases": ("setdevlock",)},
    "setdevlock": {},
    "getdevinfo": {},
}
WORDS = st.sampled_from(sorted(COMMANDS))


class Conversing(RuleBasedStateMachine):
    """A terminal that answers in order, as late as it likes or never, and somebody who orders."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.number = 0
        """Of the last command that was given."""
        self.ended: dict[int, Finished] = {}
        self.is_late = False
        """Whether what is to be written now can't be."""
        self.connect()

    def connect(self) -> None:
        """A connection of its own; what was said on the one before reaches nobody."""
        self.exchange = Exchange()
        self.heard: deque[tuple[str, int | None]] = deque()
        """What the terminal has not answered yet."""
        self.said: list[int] = []

    @property
    def is_open(self) -> bool:
        """Whether a command was given that has not ended."""
        return self.number > 0 and self.number not in self.ended

    @precondition(lambda self: self.exchange.is_free)
    @rule(
        word=st.sampled_from(sorted(COMMANDS)), lasts=st.sampled_from((1.0, 30.0, 1e9)), is_late=st.booleans()
    )
    def give(self, word: str, lasts: float, is_late: bool) -> None:
        """A command is given; now and then it can't be written."""
        assert not self.is_open, "never two in flight"
        self.number += 1
        payload = codec.encode_command(word, {"n": self.number})
        more = {"within": 20.0, **COMMANDS[word]}
        self.is_late = is_late and self.number % 4 == 0
        self._told(self.exchange.submit(Asking(word, payload, until=self.now + lasts, **more), self.now))
        self.is_late = False

    @precondition(lambda self: self.exchange.is_free)
    @rule(word=WORDS, following=WORDS)
    def give_two(self, word: str, following: str) -> None:
        """A command is not answered in time, and another one is given at once."""
        for each in (word, following):
            if self.exchange.is_free:
                self.give(each, 1e9, False)
            if each is word:
                self._wait(61.0)

    @precondition(lambda self: self.heard)
    @rule(is_answered=st.integers(0, 4), is_alias=st.booleans(), result=st.booleans(), is_late=st.booleans())
    def answer(self, is_answered: int, is_alias: bool, result: bool, is_late: bool) -> None:
        """The terminal answers the oldest message, or never will."""
        word, number = self.heard.popleft()
        if not is_answered:
            return
        if is_late:
            self._wait(21.0)
        if word == "getdevlock" and is_alias:
            word = "setdevlock"
        self._told(self.exchange.receive(reply(word, result=result, n=number), self.now))

    @rule(seconds=st.sampled_from((0.9, 5.0, 21.0, 21.0, 61.0)))
    def time_passes(self, seconds: float) -> None:
        """The clock goes on."""
        self._wait(seconds)

    def _wait(self, seconds: float) -> None:
        self.now += seconds
        self._told(self.exchange.tick(self.now))

    @rule(word=WORDS)
    def look_elsewhere(self, word: str) -> None:
        """Asking whether a word is expected changes nothing."""
        before = self.exchange.stage
        assert self.exchange.expects(word) <= (before in (Stage.ASKED, Stage.FENCED))
        assert self.exchange.stage is before

    @rule(is_fenced=st.booleans())
    def lose(self, is_fenced: bool) -> None:
        """The connection is lost now and then; the terminal comes again."""
        if is_fenced is (self.exchange.stage is Stage.FENCED):
            self._lost()

    def _lost(self) -> None:
        was_said = self.number in self.said
        was_open = self.is_open
        self._told(self.exchange.lost())
        if was_open:
            assert self.ended[self.number].end is (End.LOST if was_said else End.UNSENT)
        self.connect()

    def _told(self, steps: list[Step]) -> None:
        for step in steps:
            if isinstance(step, Say):
                self._write(step)
            elif isinstance(step, Finished):
                self._finished(step)
        if any(isinstance(step, Cut) for step in steps):
            self._lost()

    def _write(self, say: Say) -> None:
        if self.is_late or self.now >= say.until:
            self._told(self.exchange.unsaid())
            return
        message = json.loads(say.payload)
        number = message.get("n")
        assert number in (None, self.number), "only the command that was given, or a fence"
        if number is not None:
            assert number not in self.said, "nothing is said twice"
            self.said.append(number)
        self.heard.append((message["cmd"], number))

    def _finished(self, finished: Finished) -> None:
        assert self.is_open, "one end each"
        self.ended[self.number] = finished
        is_said = self.number in self.said
        assert is_said is not (finished.end is End.UNSENT), "unsent is what was not written"
        if finished.reply is not None:
            assert finished.end is End.REPLIED
            assert finished.reply.fields["n"] == self.number, "its own reply, not that of another"

    @invariant()
    def open_means_busy(self) -> None:
        """A command is in flight exactly as long as it has no end."""
        assert self.is_open is not self.exchange.is_free


class ExchangePropertyTests(SynchronousTestCase):
    """The machine above, many times."""

    def test_any_conversation(self) -> None:
        """One end each, never two in flight, and each reply ends the command it belongs to."""
        bounds = settings(
            derandomize=True, deadline=None, database=None, max_examples=300, stateful_step_count=40
        )
        run_state_machine_as_test(Conversing, settings=bounds)
