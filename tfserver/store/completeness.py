"""Until when all records of a terminal are here: what readings say of it, and how people see it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, NamedTuple

import msgspec

from tfserver.model import Admission, Completeness, Gap, rfc3339
from tfserver.store.client import Client

TERMINALS_A_CALL: Final = 500
"""So many of them keep nobody else waiting for long."""
_GAPS: Final = {
    "full": "its log memory was full: the oldest records may have been overwritten before they were read",
    "gone": "records that were read before are gone from its memory: others may have been deleted with them",
}
_REFUSED: Final = {
    Admission.PENDING: "it waits for approval: nothing that it records is taken yet",
    Admission.DENIED: "it is denied: nothing that it records is taken",
    Admission.QUARANTINED: "it is in quarantine: nothing that it records is taken",
}


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """What a whole reading of a terminal's logs says of completeness.

    All records before ``until`` (UTC, ms) are here, from the terminal's day ``since`` on (empty: all it had);
    without ``until``, ``why`` not. ``watched`` is the time of the newest record of the reading before, empty
    if there was none, and ``found`` whether it came again. ``oldest`` (UTC, ms) and ``newest`` (as the
    terminal writes it) are of this reading; ``full`` is the terminal's memory. ``clears``: its logs are
    deleted next.
    """

    until: int | None
    why: str = ""
    since: str = ""
    watched: str = ""
    found: bool = False
    oldest: int | None = None
    newest: str = ""
    full: bool = False
    clears: bool = False


class Sum(NamedTuple):
    """Of some terminals: their earliest mark (UTC, ms), how many have none, and their gaps."""

    earliest_ms: int | None
    without: int
    gaps: int


class _Gap(msgspec.Struct, frozen=True):
    """A gap as it is kept: UTC (ms), and why by its short name."""

    begin: int = msgspec.field(name="from")
    end: int = msgspec.field(name="to")
    at: int
    why: str


_KEPT: Final = msgspec.json.Decoder(tuple[_Gap, ...])


class Marks:
    """The marks of terminals in the store; ``Terminals.prove`` moves them."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def hold(self, sn: str, connection: str, why: str) -> bool:
        """Remember why a mark could not be moved; False when the lease is not this connection's any more."""
        key = self._client.keys.terminal(sn)
        return bool(await self._client.run("proof", [key], ["hold", connection, why]))

    async def forget_gaps(self, sn: str, until_ms: int) -> int | None:
        """Show gaps that end by then no more. How many there were; None: there is no such terminal."""
        found = await self._client.run("proof", [self._client.keys.terminal(sn)], ["forget", until_ms])
        return None if found < 0 else int(found)

    async def sum(self, sns: list[str]) -> Sum:
        """How far the records of these terminals are whole."""
        earliest: list[int] = []
        without = gaps = 0
        for start in range(0, len(sns), TERMINALS_A_CALL):
            keys = [self._client.keys.terminal(sn) for sn in sns[start : start + TERMINALS_A_CALL]]
            mark, none, found = await self._client.read_script("completeness", keys, [])
            earliest += [int(mark)] if mark else []
            without, gaps = without + none, gaps + found
        return Sum(min(earliest, default=None), without, gaps)


def completeness_of(fields: dict[str, str], online: bool, heard: str | None) -> Completeness:
    """How people see it, from what is kept of a terminal; ``heard`` is when it was, RFC 3339."""
    kept = _KEPT.decode(fields["gaps"]) if "gaps" in fields else ()
    return Completeness(
        until=_shown(fields["until"]) if "until" in fields else None,
        why=_why(fields, online, heard),
        since=fields.get("since") or None,
        gaps=tuple(Gap(_shown(gap.begin), _shown(gap.end), _shown(gap.at), _GAPS[gap.why]) for gap in kept),
    )


def _shown(ms: str | int) -> str:
    return rfc3339(datetime.fromtimestamp(int(ms) / 1000, UTC))


def _why(fields: dict[str, str], online: bool, heard: str | None) -> str:
    admission = Admission(fields["admission"])
    if admission is not Admission.APPROVED:
        return _REFUSED[admission]
    held = fields.get("held", "")
    if not online:
        away = f"it is not connected since {heard}" if heard else "it has not connected since it is approved"
        return f"{away}; when its logs were asked for last: {held}" if held else away
    if held:
        return held
    if "dirty" in fields:
        return f"records since {fields['dirty']} may be missing: its logs are read, or that was cut short"
    if "until" not in fields:
        return "its logs were never read yet: that begins some time after it registered"
    return f"its logs were read at {_shown(fields['whole'])}; the next reading brings the mark further"
