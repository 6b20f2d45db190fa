"""Until when all records of a terminal are here, by what a whole reading of its logs brought
(docs/completeness.md)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tfserver.commands.context import Context
from tfserver.gateway.times_of import Times
from tfserver.model import SUSPECT_DRIFT_MS
from tfserver.store.completeness import Mark
from tfserver.store.proven import Proof
from tfserver.wire import times
from tfserver.wire.exchange import End
from tfserver.wire.message import Command
from tfserver.wire.reasons import refusal

if TYPE_CHECKING:
    from tfserver.gateway.reading import Result

MARGIN_MS: Final = 60_000
"""So long a terminal may take until what happened stands in its list."""
_FROZEN: Final = (
    "several of its records came under one time, so its clock may have stood still; that is forgotten when "
    "it registers anew"
)
_NO_ZONE: Final = "nobody has confirmed its time zone: set it, and the next reading counts"
_UNKNOWN: Final = "its clock is not known: it told no time when it registered, and does not answer gettime"


class Ran(NamedTuple):
    """How far a terminal's clock is off (ms, either way) while its logs are read; None: that is not known, or
    too far to say what its records are dated, and ``why``."""

    off: int | None
    why: str = ""


class Read(NamedTuple):
    """A reading: what was known before it began, how the clock ran, when it began (UTC, ms), from which day
    of the terminal on it asked (empty: for everything)."""

    known: Proof
    ran: Ran
    began_ms: int
    first: str


def ran(terminal: Context, known: Proof, asked: int | None = None) -> Ran:
    """How the clock runs, by the time that the terminal was just asked for, else by that of its ``reg``."""
    if known.is_frozen:
        return Ran(None, _FROZEN)
    if terminal.guessed:
        return Ran(None, _NO_ZONE)
    off = known.drift_ms if asked is None else asked
    if off is None:
        return Ran(None, _UNKNOWN)
    if abs(off) >= SUSPECT_DRIFT_MS:
        told = f"its clock was wrong by {_lasting(off)}: only a reading after it was set right counts"
        return Ran(None, told)
    return Ran(abs(off))


def as_far(known: Proof, ran: Ran) -> Proof:
    """What is known, in doubt since the mark was moved last if this reading can move it: those since then
    that could not may have looked for the records on wrong days."""
    return known if ran.off is None else known._replace(proven_ms=known.whole_ms)


def mark(terminal: Context, reading: Read, result: Result) -> Mark:
    """What a whole reading says."""
    known, off = reading.known, reading.ran.off
    if off is None:
        return Mark(until=None, why=reading.ran.why)
    found = result.kept.times
    is_full = _is_full(known, result.kept.records)
    return Mark(
        until=reading.began_ms - off - MARGIN_MS,
        since=_since(reading.first, found) if is_full else reading.first,
        watched=known.anchor,
        found=found.has_watched,
        oldest=_instant(terminal, found.oldest),
        newest=found.newest,
        full=is_full,
    )


def why_not(command: Command[Any], result: Result | None) -> str:
    """Why a reading was not whole, in words; None: the terminal was not asked, as it never answers."""
    word = command.word()
    if result is None or (result.end is End.SILENT and not result.kept.pages):
        return f"it does not answer {word}"
    if result.refused is not None:
        return f"it refuses {word}: {refusal(command, result.refused).message}"
    return f"its logs came, but perhaps not all of them: {word} did not come to its end for certain"


def _is_full(known: Proof, records: int) -> bool:
    room = known.log
    return room is not None and room.size > 0 and max(room.used, records) >= room.size


def _since(first: str, found: Times) -> str:
    """Of a memory that is full the oldest record is the end of what was overwritten."""
    if not found.oldest:
        return first
    return max(first, (date.fromisoformat(found.oldest[:10]) + timedelta(days=1)).isoformat())


def _instant(terminal: Context, text: str) -> int | None:
    read = times.when(text, terminal.timeline, terminal.now()) if text else None
    return None if read is None or read.utc is None else read.utc_ms


def _lasting(ms: int) -> str:
    """How long that is, in its largest unit."""
    seconds = abs(ms) // 1000
    for unit, size in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} seconds"
