"""Why one terminal does not appear, or does not what it should: read off what the server knows of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import Final

from tfserver.cli.findings import ATTENTION, OK, WRONG, Finding, ago
from tfserver.cli.output import Row
from tfserver.model import SN_PATTERN, SUSPECT_DRIFT_MS, canonical_sn

SILENT: Final = timedelta(minutes=5)
NO_PUNCH: Final = timedelta(days=1)
STUCK: Final = timedelta(minutes=1)
FULL_SHARE: Final = 0.8
MENU: Final = (
    "in its menu under Comm. set → Server: Server request = Yes, Server IP = this server's address, "
    "Server port = 7788 (some models: Domain name = ws://ADDRESS:7788); and is the network between them open?"
)
_MISREAD: Final = str.maketrans("OQILSBZ", "0011582")
"""Letters that are read off a label as digits, and the other way round."""


def not_known(sn: str, numbers: Sequence[str]) -> Iterator[Finding]:
    """A terminal that the server does not know, when it knows these."""
    if not SN_PATTERN.fullmatch(sn.strip()):
        said = f"'{sn}' is no serial number: 1 to 32 letters, digits, '.', '_' or '-'"
        yield Finding("terminal", WRONG, said, "read it off the terminal's menu (System info) or its label")
    else:
        yield Finding("terminal", WRONG, f"{sn} has never said here who it is", MENU)
    alike = similar(sn, numbers)
    if alike:
        yield Finding(
            "terminal",
            ATTENTION,
            f"known here: {', '.join(alike)}",
            "is one of them meant? Compare the label",
        )


def similar(sn: str, numbers: Sequence[str]) -> list[str]:
    """Serial numbers that may be meant: misread letters, one a part of the other, typing errors."""
    wanted = canonical_sn(sn)
    bare = _bare(wanted)
    found = [
        number
        for number in numbers
        if _bare(number) == bare or (len(bare) >= 4 and (bare in _bare(number) or _bare(number) in bare))
    ]
    near = get_close_matches(wanted, [canonical_sn(number) for number in numbers], 3, 0.8)
    found += [number for number in numbers if canonical_sn(number) in near and number not in found]
    return found[:5]


def claimed(rows: Sequence[Row], sn: str) -> Iterator[Finding]:
    """Other devices under this number, from the list of those in quarantine."""
    for row in rows:
        if canonical_sn(row["sn"]) == canonical_sn(sn):
            told = row["devinfo"]
            who = ", ".join(f"{name} {told[name]}" for name in ("address", "cpusn", "mac") if told.get(name))
            yield Finding(
                "number",
                WRONG,
                f"another device claims this number and is kept out ({who})",
                f"was the main board replaced? Then 'tfserver terminals approve {sn}'; else find that device",
            )


def known(terminal: Row, now: datetime) -> Iterator[Finding]:
    """A terminal as the server tells of it."""
    sn = terminal["sn"]
    if terminal["admission"] == "pending":
        yield Finding("admission", WRONG, "it waits for approval", f"tfserver terminals approve {sn}")
    elif terminal["admission"] == "denied":
        advice = f"if it may come in: tfserver terminals approve {sn}"
        yield Finding("admission", WRONG, "it was denied by somebody ('tfserver audit' tells who)", advice)
    elif terminal["admission"] == "quarantined":
        yield Finding("admission", WRONG, "it is in quarantine", f"tfserver terminals approve {sn}")
    else:
        yield Finding("admission", OK, "it is approved")
        yield from _connection(terminal, now)
    yield from _clock(terminal)
    yield from _memory(terminal)


def orders(terminal: Row, found: Sequence[Row], now: datetime) -> Iterator[Finding]:
    """Its orders that have not ended."""
    waiting = [order for order in found if order["state"] in ("queued", "sent")]
    if not waiting:
        yield Finding("orders", OK, "none waits")
        return
    oldest = min(order["created"] for order in waiting)
    said = f"{len(waiting)} not ended, the oldest from {ago(oldest, now)}"
    look = f"tfserver orders {terminal['sn']}"
    if not terminal["online"]:
        yield Finding("orders", ATTENTION, f"{said}: they wait until it comes, or expire", look)
    elif now - datetime.fromisoformat(oldest) > STUCK:
        advice = f"it answers late or not at all: {look}; a restart of the terminal often helps"
        yield Finding("orders", ATTENTION, said, advice)
    else:
        yield Finding("orders", OK, said)


def _connection(terminal: Row, now: datetime) -> Iterator[Finding]:
    heard = terminal["last_frame"]
    if not terminal["online"]:
        since = f"heard last {ago(heard, now)} ({heard})" if heard else "never heard since it is approved"
        advice = f"has it power and network? Can it reach this server? Else {MENU}"
        yield Finding("connection", WRONG, f"it is offline, {since}", advice)
    elif heard and now - datetime.fromisoformat(heard) > SILENT:
        said = f"it is connected, but silent: heard last {ago(heard, now)}"
        yield Finding("connection", ATTENTION, said, "if that lasts, restart it: some stop to talk")
    else:
        yield Finding("connection", OK, f"it is online since {terminal['connected_at']}")
    last = terminal["last_punch"]
    if last is None:
        said = "it has never sent one"
        advice = "let somebody punch; a terminal that stays silent may be set to send nothing (see its menu)"
        yield Finding("punches", ATTENTION, said, advice)
    elif now - datetime.fromisoformat(last) > NO_PUNCH:
        advice = f"if people did punch: tfserver backfill {terminal['sn']} --from DAY --to DAY"
        yield Finding("punches", ATTENTION, f"the last one came {ago(last, now)}", advice)
    else:
        yield Finding("punches", OK, f"the last one came {ago(last, now)}")


def _clock(terminal: Row) -> Iterator[Finding]:
    sn, off = terminal["sn"], terminal["clock_offset_ms"]
    if terminal["clock"] == "suspect" or (off is not None and abs(off) >= SUSPECT_DRIFT_MS):
        by = f": it was off by {off / 1000:+.0f} s" if off is not None else ""
        advice = (
            f"is its time zone right here? 'tfserver send {sn} settime' sets it; it may need a new battery"
        )
        yield Finding("clock", ATTENTION, f"its time can't be trusted{by}", advice)
    elif terminal["clock"] == "ok":
        yield Finding("clock", OK, "it goes right")
    elif not terminal["timezone"]:
        advice = f'PATCH /api/v1/terminals/{sn} {{"timezone":"Europe/Lisbon"}}'
        yield Finding("clock", ATTENTION, "nobody has confirmed its time zone", advice)


def _memory(terminal: Row) -> Iterator[Finding]:
    room = terminal["capacity"].get("log")
    if not room or not room["size"]:
        return
    share = room["used"] / room["size"]
    said = f"{room['used']} of {room['size']} logs used ({share:.0%})"
    if share > FULL_SHARE:
        advice = (
            "when it is full the terminal forgets, or refuses people: have the record whole, then cleanlog"
        )
        yield Finding("log memory", ATTENTION if share < 1 else WRONG, said, advice)
    else:
        yield Finding("log memory", OK, said)


def _bare(sn: str) -> str:
    return re.sub(r"[^0-9A-Z]", "", canonical_sn(sn)).translate(_MISREAD)
