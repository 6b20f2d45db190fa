"""One terminal's conversation as a state machine: told what happens, tells what to do (protocol §1).

It performs nothing itself: no socket, no clock, no store. Requests are answered one after another in the
order they came; what a terminal sends meanwhile waits here, up to a bound, after which reading stops.
"""

from __future__ import annotations

import enum
import re
from collections import deque
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from tfserver.model import SN_PATTERN, canonical_sn
from tfserver.wire import codec
from tfserver.wire.codec import Frame, Noise, Rubbish
from tfserver.wire.exchange import Asking, Cut, Exchange, Finished, Say, Step, Stray
from tfserver.wire.message import Request, Response, Unknown
from tfserver.wire.table import HandlerTable


class State(enum.Enum):
    """Where a conversation stands."""

    NEW = "new"
    REGISTERING = "registering"
    REGISTERED = "registered"
    REFUSED = "refused"
    CLOSED = "closed"


class Event(enum.Enum):
    """What moves a conversation on."""

    REG = "reg"
    ADMITTED = "admitted"
    NOT_ADMITTED = "not admitted"
    LOST = "lost or closed"


TRANSITIONS: Final[dict[tuple[State, Event], State]] = {
    (State.NEW, Event.REG): State.REGISTERING,
    (State.REFUSED, Event.REG): State.REGISTERING,
    (State.REGISTERED, Event.REG): State.REGISTERING,
    (State.REGISTERING, Event.ADMITTED): State.REGISTERED,
    (State.REGISTERING, Event.NOT_ADMITTED): State.REFUSED,
    (State.NEW, Event.LOST): State.CLOSED,
    (State.REGISTERING, Event.LOST): State.CLOSED,
    (State.REGISTERED, Event.LOST): State.CLOSED,
    (State.REFUSED, Event.LOST): State.CLOSED,
}


_REGISTERED: Final = State.REGISTERED
MOST_PLAIN: Final = 16 * 1024
"""Bytes of a message that waits for the end of the turn, read, beside those of all other terminals."""
_ASKS: Final = re.compile(rb'\s*\{\s*"cmd"\s*:\s*"([a-z]{1,40})"')
_PLAIN: Final[tuple[Request, dict[str, Any]]] = (Request(), {})
"""Stands for a request that goes the short way."""


class Ask(msgspec.Struct, frozen=True, gc=False):
    """Let the handler answer this request; say it back with ``answer``."""

    request: Request
    unreadable: tuple[str, ...] = ()


class Send(msgspec.Struct, frozen=True, gc=False):
    """Write this message."""

    payload: bytes


class Hold(msgspec.Struct, frozen=True, gc=False):
    """Stop reading from the terminal."""


class Resume(msgspec.Struct, frozen=True, gc=False):
    """Read again."""


class Close(msgspec.Struct, frozen=True, gc=False):
    """End the connection with this close code (RFC 6455 §7.4)."""

    code: int
    reason: str


class Note(msgspec.Struct, frozen=True, gc=False):
    """Something for the log and the counters; ``detail`` holds no record, password or token."""

    what: str
    detail: dict[str, Any]


Tell = Ask | Send | Hold | Resume | Close | Note | Say | Finished | Cut


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one conversation: seconds, frames, bytes."""

    reg_within: float = 60.0
    refused_for: float = 60.0
    waiting_frames: int = 16
    waiting_bytes: int = 4 * 1024 * 1024
    bad_frames: int = 20
    stranger_bytes: int = 256 * 1024


class Session:
    """A conversation. ``now`` is monotonic seconds wherever it is taken."""

    __slots__ = (
        "_asked",
        "_bad",
        "_exchange",
        "_held",
        "_limits",
        "_since",
        "_table",
        "_waiting",
        "_waiting_bytes",
        "claimed",
        "sn",
        "state",
    )

    def __init__(self, table: HandlerTable, now: float, limits: Limits = Limits()) -> None:
        self.state = State.NEW
        self.sn = ""
        self.claimed = ""
        self._table = table
        self._limits = limits
        self._since = now
        self._asked: tuple[Request, dict[str, Any]] | None = None
        self._waiting: deque[tuple[Frame, int]] | None = None
        # made when it is needed: an empty one takes 600 bytes
        self._waiting_bytes = 0
        self._held = False
        self._bad = 0
        self._exchange: Exchange | None = None
        # made with the first command

    def receive(self, payload: bytes, now: float) -> list[Tell]:
        """A data frame came."""
        if self.state is State.CLOSED:
            return []
        if len(payload) > self._limits.stranger_bytes and self._is_stranger:
            return self._unread(payload)
        frame = codec.decode(payload)
        if isinstance(frame, Noise):
            return []
        if isinstance(frame, Rubbish):
            return self._rubbish(frame)
        self._bad = 0
        if self._is_reply(frame):
            return self._replied(frame, now)
        if self._asked is not None or self._waiting:
            return self._wait(frame, len(payload))
        return self._take(frame)

    @property
    def _is_stranger(self) -> bool:
        """Whether it is not admitted, and nothing is asked that has to be answered first."""
        return self.state is not _REGISTERED and self._asked is None and not self._waiting

    def _unread(self, payload: bytes) -> list[Tell]:
        """A stranger says more than any ``reg`` does: its request is refused unread, all else is rubbish."""
        asked = _ASKS.match(payload)
        if asked is None:
            return self._rubbish(Rubbish("too long for a stranger", len(payload), ""))
        refused = Send(codec.encode_response(asked[1].decode(), Response(False), {}, None))
        return [Note("too long for a stranger", {"size": len(payload)}), refused]

    def put_off(self, payload: bytes, unrefused: frozenset[str]) -> list[Tell] | None:
        """Refuse a request without reading it: the terminal keeps it and comes again. None when it has to be
        received all the same: it is no plain request, one of these words, or others wait before it."""
        asked = _ASKS.match(payload)
        word = asked[1].decode() if asked else ""
        is_free = self.state is _REGISTERED and self._asked is None and not self._waiting
        if not word or word in unrefused or not is_free:
            return None
        return [Send(codec.encode_response(word, Response(False), {}, None))]

    @property
    def waiting_bytes(self) -> int:
        """How long the messages were that wait for their turn."""
        return self._waiting_bytes

    @property
    def is_free(self) -> bool:
        """Whether a command may be given: the terminal is admitted, and none is in flight."""
        return self.state is _REGISTERED and (self._exchange is None or self._exchange.is_free)

    def submit(self, asking: Asking, now: float) -> list[Tell]:
        """Give the terminal a command; only while it ``is_free``. Its end is told by ``Finished``."""
        if self._exchange is None:
            self._exchange = Exchange()
        return _told(self._exchange.submit(asking, now))

    def unsaid(self) -> list[Tell]:
        """A command could not be written, or not in time."""
        return [] if self._exchange is None else _told(self._exchange.unsaid())

    def tick_command(self, now: float) -> list[Tell]:
        """Time passed for the command in flight."""
        return [] if self._exchange is None else _told(self._exchange.tick(now))

    def _is_reply(self, frame: Frame) -> bool:
        """Replies never wait behind requests; some firmware says ``cmd`` for ``ret`` (protocol §1.3)."""
        if not frame.asks:
            return True
        if self._exchange is None or not self._exchange.expects(frame.word):
            return False
        return self._table.type_of(frame.word) is Unknown and self._table.row_of(frame.word) is None

    def _replied(self, frame: Frame, now: float) -> list[Tell]:
        mended = [Note("mended frame", {"word": frame.word, "mended": frame.mended})] if frame.mended else []
        if self._exchange is None:
            return [*mended, Note("stray reply", {"word": frame.word})]
        return [*mended, *_told(self._exchange.receive(frame, now))]

    def take_plain(self, payload: bytes) -> Any:
        """Take a message that may go the short way: its answer is told by ``served``.

        None, or ``leave_plain``, when it has to be received as any other.
        """
        if self.state is not _REGISTERED or self._asked is not None or self._waiting:
            return None
        if len(payload) > MOST_PLAIN:
            return None
        plain = self._table.plain
        if plain is None or not payload.startswith(plain.beginning):
            return None
        try:
            found = plain.decode(payload)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return None
        if found.sn != self.sn and found.sn:
            return None
        self._bad = 0
        self._asked = _PLAIN
        return found

    def leave_plain(self, payload: bytes) -> list[Tell]:
        """It could not go the short way after all: it goes the common one, before all that waits."""
        self._asked = None
        frame = codec.decode(payload)
        if self.state is State.CLOSED or not isinstance(frame, Frame):
            return []
        tells = self._take(frame)
        return tells if self._asked is not None else tells + self._next()

    def served(self) -> list[Tell]:
        """What went the short way is answered."""
        self._asked = None
        return self._next() if self._waiting or self._held else []

    def answer(self, response: Response, now: float, cloudtime: str | None) -> list[Tell]:
        """The handler answered what was asked; ``cloudtime`` is the terminal's local time now."""
        if self._asked is None or self.state is State.CLOSED:
            return []
        request, fields = self._asked
        self._asked = None
        if self.state is State.REGISTERING:
            self._move(Event.ADMITTED if response.result else Event.NOT_ADMITTED)
            self._since = now
            self.sn = request.sn if response.result else ""
        echo = codec.receipt(fields, request.echo)
        word = request.word()
        time = cloudtime if request.tells_time else None
        tells: list[Tell] = [Send(codec.encode_response(word, response, echo, time))]
        return tells + self._next() if self._waiting or self._held else tells

    def tick(self, now: float) -> list[Tell]:
        """Time passed: end conversations that lead nowhere."""
        if self.state is State.NEW and now - self._since >= self._limits.reg_within:
            return [Close(1008, "no reg came")]
        if self.state is State.REFUSED and now - self._since >= self._limits.refused_for:
            return [Close(1008, "not admitted; try again")]
        return []

    def lost(self) -> list[Tell]:
        """The connection is gone; what is still to be told concerns the command that was in flight."""
        if self.state is not State.CLOSED:
            self._move(Event.LOST)
        self._waiting = None
        self._held = False
        self._asked = None
        return [] if self._exchange is None else _told(self._exchange.lost())

    def _move(self, event: Event) -> None:
        self.state = TRANSITIONS[self.state, event]

    def _rubbish(self, frame: Rubbish) -> list[Tell]:
        self._bad += 1
        note = Note("unreadable frame", {"why": frame.why, "size": frame.size, "digest": frame.digest})
        if self._bad >= self._limits.bad_frames:
            return [note, Close(1008, "too many unreadable frames")]
        return [note]

    def _wait(self, frame: Frame, size: int) -> list[Tell]:
        if self._waiting is None:
            self._waiting = deque()
        self._waiting.append((frame, size))
        self._waiting_bytes += size
        full = (
            len(self._waiting) >= self._limits.waiting_frames
            or self._waiting_bytes >= self._limits.waiting_bytes
        )
        if full and not self._held:
            self._held = True
            return [Hold()]
        return []

    def _next(self) -> list[Tell]:
        """Take what waited until something has to be asked."""
        tells: list[Tell] = []
        while self._waiting and self._asked is None:
            frame, size = self._waiting.popleft()
            self._waiting_bytes -= size
            tells += self._take(frame)
        if not self._waiting:
            self._waiting = None
        if self._held and not self._waiting:
            self._held = False
            tells.append(Resume())
        return tells

    def _take(self, frame: Frame) -> list[Tell]:
        tells: list[Tell] = []
        if frame.mended:
            tells.append(Note("mended frame", {"word": frame.word, "mended": frame.mended}))
        kind = self._table.type_of(frame.word)
        request, unreadable = codec.read(kind, frame)
        request.sn = request.sn.strip()
        if unreadable:
            tells.append(Note("unreadable fields", {"word": frame.word, "fields": unreadable}))
        if frame.word == "reg":
            return tells + self._register(request, frame, unreadable)
        return tells + self._serve(request, frame, unreadable)

    def _register(self, request: Request, frame: Frame, unreadable: tuple[str, ...]) -> list[Tell]:
        if not SN_PATTERN.fullmatch(request.sn):
            return self._refuse(frame, "serial number not accepted", "bad serial number")
        if self.state is State.REGISTERED and self._is_foreign(request.sn):
            return self._refuse(frame, 1, "foreign serial number")
        self._move(Event.REG)
        self.claimed = request.sn
        return self._ask(request, frame, unreadable)

    def _serve(self, request: Request, frame: Frame, unreadable: tuple[str, ...]) -> list[Tell]:
        """What is not ``reg``: only after it, and only under the same serial number (protocol §1.2)."""
        if self.state is not State.REGISTERED:
            return self._refuse(frame, 1, "request before reg")
        if request.sn and self._is_foreign(request.sn):
            return self._refuse(frame, 1, "foreign serial number")
        if not isinstance(request, Unknown):
            return self._ask(request, frame, unreadable)
        row = self._table.row_of(frame.word)
        response = row.response if row else Response()
        sent = Send(codec.encode_response(frame.word, response, {}, None))
        return [sent] if row else [Note("unknown word", {"word": frame.word}), sent]

    def _ask(self, request: Request, frame: Frame, unreadable: tuple[str, ...]) -> list[Tell]:
        self._asked = (request, frame.fields)
        return [Ask(request, unreadable)]

    def _refuse(self, frame: Frame, reason: str | int, why: str) -> list[Tell]:
        payload = codec.encode_response(frame.word, Response(False, reason), {}, None)
        return [Note(why, {"word": frame.word}), Send(payload)]

    def _is_foreign(self, sn: str) -> bool:
        return canonical_sn(sn) != canonical_sn(self.sn)


def _told(steps: list[Step]) -> list[Tell]:
    return [Note(step.what, {"word": step.word}) if isinstance(step, Stray) else step for step in steps]
