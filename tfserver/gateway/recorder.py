"""The flight recorder: the last messages of each terminal, both ways, in the memory of this process.

While a message is on its way nothing is done but to keep the bytes that are there anyway; they are read, and
freed of what is private, when somebody asks (``recorded``). Of a long message, so of every photo, only word
and size are kept.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple, Protocol

from tfserver.model import canonical_sn

MOST_KEPT: Final = 1024
"""Bytes of a message that is kept as it is."""
MOST_BYTES: Final = 64 * 1024 * 1024
"""Of all messages of a process. They are counted now and then: there may be thrice as many for a moment."""
EACH_BYTES: Final = 144
"""What an entry takes beside its message."""
USUAL_BYTES: Final = 512
"""A message and its answer take less, mostly."""
MOST_ENDED: Final = 1000
"""Terminals, or addresses without one, that are remembered when they have gone; the last ones to go."""
MOST_VISITS: Final = 5
"""Connections of one terminal that are remembered after their end."""
MOST_FAILURES: Final = 500
_WORD: Final = re.compile(rb'\s*\{\s*"(cmd|ret)"\s*:\s*"\s*([^"\\\s]{1,32})[\s"]')
_QUOTED: Final = re.compile(r"""(['"]).*\1""", re.DOTALL)


class Cut(NamedTuple):
    """What is kept of a long message."""

    beginning: bytes
    size: int


class Closed(NamedTuple):
    """The end of a connection: who ended it, with which code, and why."""

    by: str
    code: int | None
    why: str


Entry = tuple[float, bool | None, Any]
"""When (Unix s), whether the terminal said it (None: neither of us, something happened), and what."""


class Talker(Protocol):
    """What is asked of a link."""

    @property
    def claimed_sn(self) -> str:
        """The serial number the terminal said last, admitted or not."""


class Ring:
    """The last messages of one connection."""

    __slots__ = (
        "_clock",
        "_entries",
        "_full",
        "_link",
        "_recorder",
        "address",
        "began",
        "bytes",
        "connection",
        "name",
    )

    def __init__(
        self, recorder: Recorder, link: Talker, connection: str, address: str, clock: Callable[[], float]
    ) -> None:
        self.address = address
        self.connection = connection
        self.began = clock()
        self.bytes = 0
        self.name = ""
        """Whose it was, once the connection has ended."""
        self._recorder = recorder
        self._link: Talker | None = link
        self._clock = clock
        self._entries: list[Entry] = []
        self._full = 2

    def heard(self, payload: bytes) -> None:
        """The terminal said this."""
        entries = self._entries
        entries.append((self._clock(), True, payload if len(payload) <= MOST_KEPT else cut(payload)))
        if len(entries) >= self._full:
            self.settle()

    def said(self, payload: bytes) -> None:
        """We said this to the terminal."""
        entries = self._entries
        entries.append((self._clock(), False, payload if len(payload) <= MOST_KEPT else cut(payload)))
        if len(entries) >= self._full:
            self.settle()

    def settle(self) -> None:
        """Forget the oldest and count the rest: now and then, not for each message, unless there are so many
        terminals that a message is all that each may have."""
        recorder = self._recorder
        del self._entries[: max(0, len(self._entries) - recorder.frames)]
        self.account()
        if recorder.bytes > MOST_BYTES:
            self.shrink(recorder.share)
            recorder.make_room()
        self._full = len(self._entries) + recorder.uncounted

    def shrink(self, most_bytes: int) -> None:
        """Keep the newest that fit into so many bytes."""
        while self._entries and self.bytes > most_bytes:
            self.bytes -= _weight(self._entries[0])
            self._recorder.bytes -= _weight(self._entries.pop(0))

    def account(self) -> None:
        """Tell the recorder how much there is."""
        weight = EACH_BYTES * len(self._entries) + sum([len(what) for _, _, what in self._entries])
        self._recorder.bytes += weight - self.bytes
        self.bytes = weight

    def close(self, closed: Closed) -> None:
        """The connection has ended."""
        link, self._link = self._link, None
        if link is not None:
            self.name = canonical_sn(link.claimed_sn)
            self._entries.append((self._clock(), None, closed))
            self.account()
            self._recorder.ended(self)

    def is_of(self, name: str) -> bool:
        """Whether this terminal talks here, or did."""
        if self._link is None:
            return self.name == name
        return canonical_sn(self._link.claimed_sn) == name

    def entries(self) -> Iterator[Entry]:
        """All that is remembered, oldest first."""
        yield (self.began, None, "connected")
        yield from self._entries


class Failure:
    """Connections from one address that never became a WebSocket, for one reason."""

    __slots__ = ("first", "last", "times")

    def __init__(self, now: float) -> None:
        self.first = self.last = now
        self.times = 0


class Recorder:
    """All rings of a process; ``frames`` is how many messages are remembered of a connection."""

    def __init__(self, frames: int, clock: Callable[[], float]) -> None:
        self.frames = frames
        self.bytes = 0
        self.share = MOST_BYTES
        """Bytes that each of the connections may have when they are too many for all."""
        self.uncounted = 1
        """Messages of a connection that may come before it is counted again."""
        self.failures: OrderedDict[tuple[str, str], Failure] = OrderedDict()
        """By address and reason."""
        self._clock = clock
        self._live: OrderedDict[Ring, None] = OrderedDict()
        self._ended: OrderedDict[str, list[Ring]] = OrderedDict()

    def begin(self, link: Talker, connection: str, address: str) -> Ring | None:
        """A connection was made; None when nothing is to be remembered."""
        if not self.frames:
            return None
        ring = Ring(self, link, connection, address, self._clock)
        self._live[ring] = None
        self._divide()
        return ring

    def ended(self, ring: Ring) -> None:
        """A connection has ended: remember it under its terminal's name, or its address."""
        self._live.pop(ring, None)
        self._divide()
        name = ring.name or f"@{ring.address}"
        visits = self._ended.setdefault(name, [])
        visits.append(ring)
        self._ended.move_to_end(name)
        for old in visits[:-MOST_VISITS]:
            old.shrink(0)
        del visits[:-MOST_VISITS]
        while len(self._ended) > MOST_ENDED:
            self._forget_longest_gone()
        self.make_room()

    def make_room(self) -> None:
        """Keep to the bound: forget who has gone, then what each of the others said first."""
        while self.bytes > MOST_BYTES and self._ended:
            self._forget_longest_gone()
        for _ in range(len(self._live)):
            if self.bytes <= MOST_BYTES:
                return
            ring, _ = self._live.popitem(last=False)
            self._live[ring] = None
            ring.shrink(self.share)

    def failed(self, address: str, why: str) -> None:
        """A connection came to nothing before it was a WebSocket. What it said itself is not repeated."""
        if not self.frames:
            return
        told, now = _QUOTED.sub("…", why)[:200], self._clock()
        failure = self.failures.pop((address, told), None) or Failure(now)
        failure.times, failure.last = failure.times + 1, now
        self.failures[address, told] = failure
        if len(self.failures) > MOST_FAILURES:
            self.failures.popitem(last=False)

    def rings(self, sn: str) -> list[Ring]:
        """Connections of a terminal that are there, or were; the oldest first."""
        name = canonical_sn(sn)
        return [*self._ended.get(name, ()), *(ring for ring in self._live if ring.is_of(name))]

    def _divide(self) -> None:
        self.share = MOST_BYTES // (len(self._live) or 1)
        self.uncounted = max(1, min(self.frames // 2, self.share // USUAL_BYTES))

    def _forget_longest_gone(self) -> None:
        _, visits = self._ended.popitem(last=False)
        for ring in visits:
            ring.shrink(0)


def cut(payload: bytes) -> Cut:
    """Of a long message its word, if that stands at the beginning, and its size."""
    found = _WORD.match(payload[:128])
    return Cut(b'{"%b":"%b"}' % (found[1], found[2]) if found else b"", len(payload))


def _weight(entry: Entry) -> int:
    return EACH_BYTES + len(entry[2])
