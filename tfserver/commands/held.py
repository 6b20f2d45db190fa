"""What terminals tell of people, as what they have (docs/people.md)."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from tfserver.commands.context import Context
from tfserver.credentials import CARD, is_bare
from tfserver.model import UNRECOGNISED
from tfserver.person import Held, HeldPerson, Proof
from tfserver.wire import lenient, times
from tfserver.wire.expectation import MOST_INTEGER
from tfserver.wire.message import RawReply

MOST_BACKUPNUM: Final = 99
"""Beyond that nobody has seen any; it is not a credential that we know of."""


class Told(NamedTuple):
    """A person and what stands in a slot, empty for nothing; None is what was not said."""

    enrollid: int
    backupnum: int | None
    record: str
    name: str | None = None
    admin: int | None = None


def is_somebody(enrollid: int) -> bool:
    """Whether this is the number of a person."""
    return 0 < enrollid <= MOST_INTEGER and enrollid != UNRECOGNISED


def is_slot(backupnum: int | None) -> bool:
    """Whether this may be the number of a credential."""
    return backupnum is not None and 0 <= backupnum <= MOST_BACKUPNUM


async def keep_held(terminal: Context, told: Told, proof: Proof, person: HeldPerson | None = None) -> None:
    """The terminal has this. StoreError: that is not kept."""
    if not is_somebody(told.enrollid):
        return
    backupnum, held = told.backupnum, None
    if backupnum is not None and is_slot(backupnum) and not is_bare(backupnum, told.record):
        version = terminal.store.version_of(plain(backupnum, told.record))
        held = Held(proof, version, times.milliseconds(terminal.now()))
    about = person or HeldPerson(name=told.name, admin=told.admin)
    await terminal.store.holdings.told(terminal.sn, told.enrollid, backupnum if held else None, held, about)


async def keep_bare(terminal: Context, enrollid: int, backupnum: int, record: Any) -> None:
    """The terminal was asked for a credential; an empty one is none."""
    try:
        text = lenient.text(record)
    except ValueError:
        return
    if is_bare(backupnum, text):
        await terminal.store.holdings.gone(terminal.sn, enrollid, backupnum)


def plain(backupnum: int, record: str) -> str:
    """The same text for the same credential: terminals write cards with zeros before them, or without."""
    return str(int(record)) if backupnum == CARD and record.isdecimal() else record


def says_none(reply: RawReply) -> bool:
    """Whether a refusal means that it is not there: firmware says so in words, or only the general reason
    (protocol §5.1); one that is busy says something else."""
    said = str(reply.fields.get("msg", "")).lower()
    is_general = str(reply.fields.get("reason", 1)) == "1"
    return is_general and (not said or "can not find" in said or "no data" in said)
