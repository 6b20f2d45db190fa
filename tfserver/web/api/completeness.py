"""``/completeness``: until when everything is here, and whether a day is (docs/completeness.md)."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from http import HTTPStatus
from typing import Final
from zoneinfo import ZoneInfo

from msgspec.structs import asdict

from tfserver.model import SN_PATTERN, Admission, Gap, Terminal, canonical_sn
from tfserver.web.call import Call
from tfserver.web.problem import Problem
from tfserver.web.query import CURSOR, LIMIT, Parameter, instant, text
from tfserver.web.shapes import CompletenessPage, GapOf, TerminalCompleteness

MOST_EXCEPTED: Final = 100
MOST_GAPS: Final = 100
"""So many gaps are listed beside the terminals, which have all of theirs."""
_PAGE: Final = 200


def _day(given: str) -> date:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", given, re.ASCII):
        raise ValueError("expected a day as YYYY-MM-DD")
    try:
        found = date.fromisoformat(given)
    except ValueError as wrong:
        raise ValueError("expected a day that exists") from wrong
    if not date(1900, 1, 1) <= found <= date(9000, 1, 1):
        raise ValueError("expected a day from 1900-01-01 to 9000-01-01")
    return found


def _numbers(given: str) -> frozenset[str]:
    found = given.split(",")
    if len(found) > MOST_EXCEPTED or not all(map(SN_PATTERN.fullmatch, found)):
        raise ValueError(f"expected at most {MOST_EXCEPTED} serial numbers with commas between")
    return frozenset(map(canonical_sn, found))


_NUMBERS: Final = {"type": "string", "pattern": SN_PATTERN.pattern}
PARAMETERS: Final = (
    text("site", "only of terminals at this site"),
    text("sn", "only of this terminal, whether it is approved or not"),
    Parameter(
        "day", "whether this day of the terminals is complete", {"type": "string", "format": "date"}, _day
    ),
    Parameter(
        "except",
        "serial numbers of terminals that do not count",
        {"type": "array", "items": _NUMBERS, "maxItems": MOST_EXCEPTED},
        _numbers,
        frozenset(),
    ),
    LIMIT,
    CURSOR,
)
GAP_PARAMETERS: Final = (
    instant("until", "the end of the last gap that is not to be shown any more")._replace(is_required=True),
)


async def listing(call: Call) -> CompletenessPage:
    """The earliest moment of all terminals that count, whose it is, and a page of them."""
    after, limit = call.query["cursor"].upper(), call.query["limit"]
    found, rows, following = _Sum(), list[TerminalCompleteness](), None
    async for terminal in _counted(call):
        row = judged(terminal, call.query["day"], call.sources.zone)
        found.add(row)
        if canonical_sn(row.sn) > after:
            if len(rows) < limit:
                rows.append(row)
            else:
                following = following or canonical_sn(rows[-1].sn)
    is_complete = None if call.query["day"] is None else found.is_complete
    return CompletenessPage(
        until=found.until,
        why=found.why,
        complete=is_complete,
        gaps=found.gaps,
        terminals=rows,
        next=following,
    )


async def acknowledge(call: Call) -> TerminalCompleteness:
    """Show gaps no more that somebody knows of and can live with."""
    store, sn, until = call.sources.terminals, call.path["sn"], call.query["until"]
    before = await store.get(sn)
    if before is not None:
        gone = await store.marks.forget_gaps(sn, round(until.timestamp() * 1000))
        await call.note("done", {"until": until.isoformat(), "gaps": gone or 0})
    after = await store.get(sn)
    if after is None:
        raise Problem(HTTPStatus.NOT_FOUND, f"no terminal '{sn}' has ever registered here")
    return judged(after, None, call.sources.zone)


async def _counted(call: Call) -> AsyncIterator[Terminal]:
    """The terminals that count for who asks."""
    store, site, sn = call.sources.terminals, call.query["site"], call.query["sn"]
    if sn:
        one = await store.get(sn)
        if one is not None and call.sees(one.site) and site in ("", one.site):
            yield one
        return
    after, page = "", [Terminal("")]
    while page:
        page = await store.page(after, _PAGE)
        for terminal in page:
            after = canonical_sn(terminal.sn)
            is_meant = call.sees(terminal.site) and site in ("", terminal.site)
            if is_meant and terminal.admission is Admission.APPROVED and after not in call.query["except"]:
                yield terminal


@dataclass
class _Sum:
    """What terminals have in common. Of those without a moment the first is told."""

    until: str | None = None
    why: str = "no approved terminal is meant"
    gaps: list[GapOf] = field(default_factory=list)
    is_complete: bool = False
    _count: int = 0
    _is_told: bool = False

    def add(self, row: TerminalCompleteness) -> None:
        """Another one."""
        self._count += 1
        is_earlier = row.until is None or (self.until is not None and row.until < self.until)
        if self._count == 1 or (self.until is not None and is_earlier):
            self.until = row.until
            if not self._is_told:
                self.why = f"{row.sn}: {row.why}"
        if row.complete is False and not self._is_told:
            self.why, self._is_told = f"{row.sn}: {row.why}", True
        self.is_complete = row.complete is True and (self._count == 1 or self.is_complete)
        room = MOST_GAPS - len(self.gaps)
        self.gaps += [GapOf(sn=row.sn, **asdict(gap)) for gap in row.gaps[:room]]


def judged(terminal: Terminal, day: date | None, default_zone: str) -> TerminalCompleteness:
    """One terminal, and whether its day is complete."""
    known = terminal.completeness
    why = known.why if day is None else _not_complete(terminal, day, default_zone)
    return TerminalCompleteness(
        sn=terminal.sn,
        site=terminal.site,
        until=known.until,
        why=why or known.why,
        since=known.since,
        gaps=known.gaps,
        complete=None if day is None else why == "",
    )


def _not_complete(terminal: Terminal, day: date, default_zone: str) -> str:
    """Why a day of the terminal's is not complete, in words; empty when it is."""
    known, zone = terminal.completeness, terminal.timezone or default_zone
    begins, ends = midnight(day, zone, 0), midnight(day + timedelta(days=1), zone, 1)
    if known.until is None or datetime.fromisoformat(known.until) < ends:
        return known.why
    if known.since is not None and day.isoformat() < known.since:
        return f"its records are known from {known.since} on: a getalllog without dates reads all that it has"
    missing = [gap for gap in known.gaps if _overlaps(gap, begins, ends)]
    return (
        f"records from {missing[0].begin} to {missing[0].end} may be missing: {missing[0].why}"
        if missing
        else ""
    )


def _overlaps(gap: Gap, begins: datetime, ends: datetime) -> bool:
    return datetime.fromisoformat(gap.begin) < ends and begins < datetime.fromisoformat(gap.end)


def midnight(day: date, zone: str, fold: int) -> datetime:
    """When a day begins in a zone (empty: this machine's), in UTC; of two moments the earlier is fold 0."""
    naive = datetime.combine(day, time(fold=fold))
    return (naive.replace(tzinfo=ZoneInfo(zone)) if zone else naive).astimezone(UTC)
