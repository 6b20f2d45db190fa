"""Who is in the middle of something: a message that was begun, or answers that are not read.

Only those are listed, and one sweep goes over them: no timer for each connection.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol

from tfserver.config import LimitSettings

PROGRESS_BYTES: Final = 4096
"""A reader who took so much since the last look is slow, but reads."""


class Stalling(Protocol):
    """A connection as it looks from here: a link."""

    heard_at: float

    @property
    def is_held(self) -> bool:
        """Whether it is not read from now."""

    @property
    def unsent_bytes(self) -> int:
        """What it has not read yet."""

    def now(self) -> float:
        """Monotonic seconds."""

    def cut_off(self, why: str) -> None:
        """End it at once."""


class Stalls:
    """``unread`` has for each link since when, and how much at that time."""

    def __init__(self, limits: LimitSettings) -> None:
        self._limits = limits
        self._unread: dict[Any, tuple[float, int]] = {}
        self._messages: dict[Any, float] = {}
        self._frames: dict[Any, float] = {}
        self._swept_at = 0.0

    def full(self, link: Stalling) -> None:
        """Its answers wait to be read."""
        self._unread[link] = (link.now(), link.unsent_bytes)

    def read(self, link: Stalling) -> None:
        """It took all of them."""
        self._unread.pop(link, None)

    def begun(self, link: Stalling) -> None:
        """A message begins; that of before, if there was one, is whole."""
        self._messages[link] = link.now()

    def rest(self, link: Stalling, in_message: bool, in_frame: bool) -> None:
        """What it sent ends within a message, within a frame, or with the end of one."""
        if not in_message:
            self._messages.pop(link, None)
        if in_message or not in_frame:
            self._frames.pop(link, None)
        else:
            self._frames.setdefault(link, link.now())

    def forget(self, link: Stalling) -> None:
        """It is gone."""
        for listed in (self._unread, self._messages, self._frames):
            listed.pop(link, None)

    def sweep(self, now: float) -> None:
        """Cut off those that take too long."""
        passed, self._swept_at = now - self._swept_at, now
        # whatever else it says meanwhile: pings come between the parts of a message
        self._sweep_unfinished(self._messages, passed, lambda link, begun: now - begun)
        # what was heard since came before this frame, whole
        self._sweep_unfinished(self._frames, passed, lambda link, begun: now - max(begun, link.heard_at))
        for link, (since, size) in list(self._unread.items()):
            left = link.unsent_bytes
            if left <= size - PROGRESS_BYTES:
                since, size = now, left
            self._unread[link] = (since, max(size, left))
            if now - since >= self._limits.unread_seconds:
                self._cut(link, "unread answers")

    def _sweep_unfinished(
        self, begun: dict[Any, float], passed: float, age: Callable[[Any, float], float]
    ) -> None:
        for link, since in list(begun.items()):
            if link.is_held:
                # the rest may wait in the system's buffers: that time is ours
                begun[link] = since + passed
            elif age(link, since) >= self._limits.message_seconds:
                self._cut(link, "unfinished message")

    def _cut(self, link: Stalling, why: str) -> None:
        self.forget(link)
        link.cut_off(why)
