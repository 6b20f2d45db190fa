"""A terminal's records on their way to the store, and the arguments that the script takes of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import msgspec

from tfserver.model import canonical_sn
from tfserver.store.keys import Keys

TOUCH_EVERY: Final = 3600
"""Seconds in which the life of a day's sets is not prolonged again; they live that much longer instead."""
MOST_DAYS: Final = 4
"""So many kinds of day a shelf remembers: two days, with and without a ``logindex``."""


class Record(msgspec.Struct, gc=False):
    """A punch ready to be kept: its identity, the day of its device time (``YYYYMMDD``), and its JSON."""

    uid: str
    member: int
    sighting: int | None
    day: str
    time: str
    body: bytes
    picture: str = ""


class Bad(NamedTuple):
    """A record that could not be read, for the quarantine."""

    why: str
    raw: bytes


class Kept(NamedTuple):
    """What became of a batch."""

    new: int
    known: int
    repeats: int


Done = Callable[[Kept | Exception], None]
"""Told once what became of a batch, perhaps before ``keep`` returns."""
Told = Callable[[list[tuple[Any, Kept | Exception]]], None]
"""Told of many at once: who asked, and what became of it."""


class Present:
    """When a call is made, and over which of the client's connections."""

    __slots__ = ("_made", "_since", "now")

    def __init__(self, now: float, made: int) -> None:
        self.now = now
        self._since = now - TOUCH_EVERY
        self._made = made

    def covers(self, sets: Sets) -> bool:
        """Whether these were touched within the hour, in a store that can't have lost them since."""
        touched = sets.touched
        return touched is not None and self._since < touched.now <= self.now and touched._made == self._made


class Sets:
    """The names of the sets that punches of one day go into, and when their lives began anew last."""

    __slots__ = ("known", "sighted", "touched")

    def __init__(self, known: str, sighted: str) -> None:
        self.known = known
        self.sighted = sighted
        """Empty for punches that came without a ``logindex``."""
        self.touched: Present | None = None


class Shelf:
    """Where the punches of one terminal go: all names are made once."""

    __slots__ = ("_known", "_sets", "_sighted", "sn", "told")

    def __init__(self, keys: Keys, sn: str) -> None:
        self.told = sn
        """The serial number as the terminal writes it."""
        self.sn = canonical_sn(sn)
        self._known = keys.known(sn)
        self._sighted = keys.sighted(sn)
        self._sets: dict[tuple[str, bool], Sets] = {}

    def sets(self, day: str, told: bool) -> Sets:
        """The sets of a day, for punches whose ``logindex`` was told or not."""
        found = self._sets.get((day, told))
        if found is None:
            if len(self._sets) >= MOST_DAYS:
                del self._sets[next(iter(self._sets))]
            found = Sets(self._known + day, self._sighted + day if told else "")
            self._sets[day, told] = found
        return found


class Frame(msgspec.Struct, gc=False):
    """What a terminal sent at once. ``told`` hears of it with ``asker``, together with others of its kind."""

    shelf: Shelf
    logindex: int | None
    records: list[Record]
    bad: list[Bad]
    told: Told
    asker: Any

    @property
    def size(self) -> int:
        """How much of a call it takes."""
        return len(self.records) + len(self.bad) + 1


Seal = Callable[[str, str], str]
"""Seals the picture of a punch, by its ``uid``."""


def write(
    frames: list[Frame], keys: Keys, present: Present, args: list[Any], seal: Seal | None = None
) -> list[tuple[int, Sets]]:
    """Add the frames to the arguments of the script; returns the sets it is to touch, each with its frame.
    Pictures are never kept in the open: without ``seal`` they are not kept."""
    touching: list[tuple[int, Sets]] = []
    for number, frame in enumerate(frames):
        records = frame.records
        if len(records) == 1 and not frame.bad:
            record, shelf = records[0], frame.shelf
            sighting = record.sighting
            sets = shelf.sets(record.day, sighting is not None)
            if present.covers(sets) and not record.picture:
                args += (
                    shelf.sn, _index(frame), "", sets.known, sets.sighted,
                    record.member, "" if sighting is None else sighting, record.time, record.body,
                )  # fmt: skip
                continue
        touching += [(number, sets) for sets in _write_runs(frame, keys, present, args, seal)]
    return touching


def _index(frame: Frame) -> int | str:
    return "" if frame.logindex is None else frame.logindex


def _write_runs(frame: Frame, keys: Keys, present: Present, args: list[Any], seal: Seal | None) -> list[Sets]:
    runs = _runs(frame.records)
    pictures = []
    if seal is not None:
        shown = [(record.uid, record.picture) for record in frame.records if record.picture]
        pictures = [(keys.image(uid), seal(uid, picture)) for uid, picture in shown]
    args += (frame.shelf.sn, _index(frame), len(runs), len(pictures), len(frame.bad))
    touching = []
    for run in runs:
        sets = frame.shelf.sets(run[0].day, run[0].sighting is not None)
        covered = present.covers(sets)
        args += (sets.known, sets.sighted, "" if covered else "1", len(run))
        args += [record.member for record in run]
        args += [record.sighting for record in run] if sets.sighted else [""] * len(run)
        args += [record.time for record in run]
        args += [record.body for record in run]
        if not covered:
            touching.append(sets)
    for picture in pictures:
        args += picture
    for bad in frame.bad:
        args += bad
    return touching


def _runs(records: list[Record]) -> list[list[Record]]:
    """Cut a frame where the day changes, and before a record that is in the run already."""
    runs: list[list[Record]] = []
    day, told = "", False
    members: set[int] = set()
    for record in records:
        same = record.day == day and (record.sighting is not None) is told
        if runs and same and record.member not in members:
            runs[-1].append(record)
            members.add(record.member)
        else:
            runs.append([record])
            day, told, members = record.day, record.sighting is not None, {record.member}
    return runs
