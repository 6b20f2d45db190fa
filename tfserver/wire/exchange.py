"""One command in flight: what is said, which reply is its own, and when to give up (protocol §1.3, §1.4).

The protocol has no correlation id. So after a time-out the same word is not said again until its late reply
came, or the reply to a harmless other word that was said after it (a fence): terminals answer in order.
"""

from __future__ import annotations

import enum
import math
from typing import Final

import msgspec

from tfserver.wire import codec, lenient
from tfserver.wire.codec import Frame
from tfserver.wire.message import RawReply

FENCES: Final = ("getdevinfo", "gettime", "getuserlock")
"""Harmless words, the first that is not itself in doubt."""
FENCE_SECONDS: Final = 20.0


class Stage(enum.Enum):
    """Where the exchange stands."""

    FREE = "free"
    FENCED = "fence said"
    ASKED = "command said"
    OVER = "over"


class Cue(enum.Enum):
    """What moves it on."""

    SUBMITTED = "command given"
    SUBMITTED_LATE = "command given whose late reply may still come"
    FENCE_HELD = "fence answered"
    REPLIED = "reply"
    SILENCE = "no reply in time"
    UNSAID = "too late to be said"
    LOST = "connection lost"


STAGES: Final[dict[tuple[Stage, Cue], Stage]] = {
    (Stage.FREE, Cue.SUBMITTED): Stage.ASKED,
    (Stage.FREE, Cue.SUBMITTED_LATE): Stage.FENCED,
    (Stage.FENCED, Cue.FENCE_HELD): Stage.ASKED,
    (Stage.FENCED, Cue.SILENCE): Stage.FREE,
    (Stage.FENCED, Cue.UNSAID): Stage.FREE,
    (Stage.ASKED, Cue.REPLIED): Stage.FREE,
    (Stage.ASKED, Cue.SILENCE): Stage.FREE,
    (Stage.ASKED, Cue.UNSAID): Stage.FREE,
    (Stage.FREE, Cue.LOST): Stage.OVER,
    (Stage.FENCED, Cue.LOST): Stage.OVER,
    (Stage.ASKED, Cue.LOST): Stage.OVER,
}


class End(enum.Enum):
    """How an exchange ended."""

    REPLIED = "replied"
    SILENT = "no reply in time"
    LOST = "the connection was lost after it was sent"
    UNSENT = "certainly not sent"


class Asking(msgspec.Struct, frozen=True, gc=False):
    """A command to be said: ``echo`` are numbers that the reply may repeat and must not contradict,
    ``within`` the seconds for the reply, ``until`` the moment after which it must not be said. A command that
    ``cuts`` ends the connection when no reply comes: then nothing of it can arrive later."""

    word: str
    payload: bytes
    within: float
    until: float = math.inf
    aliases: tuple[str, ...] = ()
    echo: dict[str, int] = {}
    cuts: bool = False

    @property
    def words(self) -> frozenset[str]:
        """What its reply may be called."""
        return frozenset((self.word, *self.aliases))


class Say(msgspec.Struct, frozen=True, gc=False):
    """Write this command, unless it is ``until`` by then or it can't be written: then tell ``unsaid``.

    What goes ``at_once`` is in the kernel's hands when the write returns, or the connection is ended.
    """

    payload: bytes
    until: float
    at_once: bool = False


class Finished(msgspec.Struct, frozen=True, gc=False):
    """The exchange ended."""

    end: End
    reply: RawReply | None = None


class Cut(msgspec.Struct, frozen=True, gc=False):
    """End the connection at once, so that nothing that was sent arrives later."""

    reason: str


class Stray(msgspec.Struct, frozen=True, gc=False):
    """A reply that nobody waits for, and what is odd about it."""

    what: str
    word: str


Step = Say | Finished | Cut | Stray


class Exchange:
    """The commands of one connection, one at a time. ``now`` is monotonic seconds wherever it is taken."""

    __slots__ = ("_asking", "_deadline", "_fence", "_late", "stage")

    def __init__(self) -> None:
        self.stage = Stage.FREE
        self._asking: Asking | None = None
        self._fence = ""
        self._deadline = math.inf
        self._late: frozenset[str] = frozenset()

    @property
    def is_free(self) -> bool:
        """Whether a command may be given."""
        return self.stage is Stage.FREE

    def submit(self, asking: Asking, now: float) -> list[Step]:
        """Say a command; only while it ``is_free``."""
        if not asking.words & self._late:
            self._asking = asking
            self._deadline = now + asking.within
            self._move(Cue.SUBMITTED)
            return [Say(asking.payload, asking.until, asking.cuts)]
        fence = next((word for word in FENCES if word not in self._late), None)
        if fence is None:
            return [Cut("no command is answered"), Finished(End.UNSENT)]
        self._asking, self._fence = asking, fence
        self._deadline = now + FENCE_SECONDS
        self._move(Cue.SUBMITTED_LATE)
        fields = {"enrollid": 1} if fence == "getuserlock" else {}
        return [Say(codec.encode_command(fence, fields), asking.until)]

    def expects(self, word: str) -> bool:
        """Whether a frame of this word may be the reply that is due."""
        if self.stage is Stage.FENCED:
            return word == self._fence
        return self.stage is Stage.ASKED and self._asking is not None and word in self._asking.words

    def receive(self, frame: Frame, now: float) -> list[Step]:
        """A reply came."""
        word = frame.word
        if not self.expects(word):
            was_late = word in self._late
            self._late -= {word}
            return [Stray("late reply" if was_late else "stray reply", word)]
        assert self._asking is not None
        if self.stage is Stage.FENCED:
            # it answers in order, so nothing that was said before can be answered any more
            self._late = frozenset()
            self._deadline = now + self._asking.within
            self._move(Cue.FENCE_HELD)
            return [Say(self._asking.payload, self._asking.until, self._asking.cuts)]
        if _contradicts(frame, self._asking.echo):
            return [Stray("reply about somebody else", word)]
        self._late = frozenset()
        return [self._finish(Cue.REPLIED, End.REPLIED, codec.reply_of(frame))]

    def tick(self, now: float) -> list[Step]:
        """Time passed."""
        if now < self._deadline:
            return []
        asking = self._asking
        assert asking is not None
        if self.stage is Stage.FENCED:
            return [Cut("no answer to a fence"), self._finish(Cue.SILENCE, End.UNSENT)]
        self._late |= asking.words
        finished = self._finish(Cue.SILENCE, End.SILENT)
        return [Cut("no answer before its end"), finished] if asking.cuts else [finished]

    def unsaid(self) -> list[Step]:
        """What was to be said was not written."""
        return [self._finish(Cue.UNSAID, End.UNSENT)]

    def lost(self) -> list[Step]:
        """The connection is gone."""
        was_said, is_open = self.stage is Stage.ASKED, self._asking is not None
        if self.stage is Stage.OVER:
            return []
        finished = self._finish(Cue.LOST, End.LOST if was_said else End.UNSENT)
        return [finished] if is_open else []

    def _finish(self, cue: Cue, end: End, reply: RawReply | None = None) -> Finished:
        self._move(cue)
        self._asking, self._deadline = None, math.inf
        return Finished(end, reply)

    def _move(self, cue: Cue) -> None:
        self.stage = STAGES[self.stage, cue]


def _contradicts(frame: Frame, echo: dict[str, int]) -> bool:
    """Whether the reply names another person or slot than the command did (protocol §1.3)."""
    for name, number in echo.items():
        if name in frame.fields:
            try:
                if lenient.integer(frame.fields[name]) != number:
                    return True
            except ValueError:
                continue
    return False
