"""Punches prove that people can pass with what terminals have of them; and they fill the terminals' memory.

Told with each batch before it is archived: what a process did not learn before it died is told again. Only
the first punch of a person at a terminal with a kind of credential on a day is news; only that is written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from twisted.logger import Logger

from tfserver.credentials import Kind
from tfserver.errors import StoreError
from tfserver.model import Kind as Told
from tfserver.store.archive.rows import Entry
from tfserver.store.people.holdings import Holdings, Mark

MOST_REMEMBERED: Final = 50_000
"""Marks that a process remembers: some megabytes."""
LOGS_SECONDS: Final = 60.0
"""How often terminals' memory of logs is counted on."""
MOST_LOGS: Final = 100_000
"""Records that are counted then at most, of all terminals."""
MOST_OF_ONE: Final = 10_000
FACE_MODE: Final = 8
"""A face on every device that shows it (protocol §3.3)."""
_WORDS: Final = {
    "fp": Kind.FINGERPRINT,
    "finger": Kind.FINGERPRINT,
    "fingerprint": Kind.FINGERPRINT,
    "pwd": Kind.PASSWORD,
    "password": Kind.PASSWORD,
    "pin": Kind.PASSWORD,
    "card": Kind.CARD,
    "rfid": Kind.CARD,
    "face": Kind.FACE,
    "palm": Kind.PALM,
}
"""What profiles call the kinds."""


class _Punch(msgspec.Struct, frozen=True):
    """What of a punch is looked at."""

    sn: str
    kind: Told
    enrollid: int
    received: str
    time: str | None = None
    utc: str | None = None
    mode: int = 0
    verify: str | None = None


_PUNCH: Final = msgspec.json.Decoder(_Punch)


class Recogniser:
    """Learns from batches of punches. ``reactor`` gives the time."""

    _log = Logger()

    def __init__(self, reactor: Any, holdings: Holdings) -> None:
        self._reactor = reactor
        self._holdings = holdings
        self._known: dict[tuple[str, int, str | None], str] = {}
        """The last day of each mark that is kept, the oldest first."""
        self._logs: defaultdict[str, list[int]] = defaultdict(list)
        self._many_logs = 0
        self._logged_at: float = reactor.seconds()
        self._told = ""

    async def learn(self, entries: Sequence[Entry]) -> None:
        """What a batch proves. It never fails: what can't be kept now is proven by a later punch."""
        try:
            marks = self._marks(entries)
            if marks:
                await self._holdings.recognised(marks)
                self._remember(marks)
            if self._reactor.seconds() - self._logged_at >= LOGS_SECONDS:
                await self._count()
            self._told = ""
        except StoreError as away:
            if str(away) != self._told:
                self._told = str(away)
                self._log.warn("it is not kept who was recognised: {away}", away=away)
        except Exception:
            self._log.failure("our own mistake while learning from punches")

    def _marks(self, entries: Sequence[Entry]) -> list[Mark]:
        """Those of a batch that are not known; its records are counted."""
        found: dict[tuple[str, int, str | None], Mark] = {}
        for _, text in entries:
            try:
                punch = _PUNCH.decode(text)
            except msgspec.DecodeError:
                # the archive puts it aside
                continue
            self._log_of(punch)
            if punch.kind is not Told.PUNCH:
                continue
            kind = _kind_of(punch)
            name, day = (punch.sn, punch.enrollid, kind), _day_of(punch)
            newest = max(self._known.get(name, ""), found[name].day if name in found else "")
            if day > newest:
                found[name] = Mark(*name, day)
        return list(found.values())

    def _remember(self, marks: list[Mark]) -> None:
        for mark in marks:
            name = (mark.sn, mark.enrollid, mark.kind)
            self._known.pop(name, None)
            self._known[name] = mark.day
        while len(self._known) > MOST_REMEMBERED:
            del self._known[next(iter(self._known))]

    def _log_of(self, punch: _Punch) -> None:
        if self._many_logs < MOST_LOGS and len(self._logs[punch.sn]) < MOST_OF_ONE:
            made = datetime.fromisoformat(punch.utc or punch.received)
            self._logs[punch.sn].append(round(made.timestamp() * 1000))
            self._many_logs += 1

    async def _count(self) -> None:
        """Tell how many records terminals made; those of a minute that could not be told are not counted."""
        self._logged_at = self._reactor.seconds()
        logs, self._logs, self._many_logs = self._logs, defaultdict(list), 0
        await self._holdings.rooms.logged(logs)


def _kind_of(punch: _Punch) -> str | None:
    """By what the terminal's profile says of its mode; a face is one everywhere."""
    said = _WORDS.get(punch.verify.strip().lower()) if punch.verify else None
    if said is None and punch.verify is None and punch.mode == FACE_MODE:
        said = Kind.FACE
    return said.value if said is not None else None


def _day_of(punch: _Punch) -> str:
    """The terminal's day; of a clock that runs ahead, or that nobody can read, the day on which it came."""
    is_ahead = punch.utc is None or punch.utc > punch.received
    return (punch.time or punch.received)[:10] if not is_ahead else punch.received[:10]
