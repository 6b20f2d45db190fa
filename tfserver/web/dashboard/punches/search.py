"""``/punches/search``: punches that fit, the newest first, as a page and as a file; and a person's days."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Any, Final, NamedTuple

import msgspec

from tfserver.model import Clock, Kind, canonical_sn
from tfserver.store.archive.filter import Filter
from tfserver.store.archive.forms import Form
from tfserver.store.archive.latest import ZONES
from tfserver.store.archive.rows import Entry
from tfserver.store.lookback import Lookback
from tfserver.store.search import milliseconds
from tfserver.web.answer import Answer, Streamed
from tfserver.web.api import punches as api
from tfserver.web.api.completeness import midnight
from tfserver.web.call import Call
from tfserver.web.dashboard.happened import LivePunch
from tfserver.web.dashboard.moments import zone_of
from tfserver.web.dashboard.names import names_of
from tfserver.web.dashboard.punches import words
from tfserver.web.dashboard.punches.frame import HERE, show_inside, sites
from tfserver.web.query import Parameter, choices, integer, place, text

PLACE: Final = f"{HERE}/search"
PAGE: Final = 50
MOST_OF_A_MONTH: Final = 2000
"""Punches of a person that one page shows."""
_ONE_DAY: Final = timedelta(days=1)
_PUNCH: Final = msgspec.json.Decoder(LivePunch)


def day_of(given: str) -> date:
    """A day as a browser's field writes it."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", given, re.ASCII):
        raise ValueError("expected a day as YYYY-MM-DD")
    found = date.fromisoformat(given)
    if not date(1900, 1, 1) <= found <= date(9000, 1, 1):
        raise ValueError("expected a day from 1900-01-01 to 9000-01-01")
    return found


def day(name: str, told: str) -> Parameter:
    """A day, None when it was not given."""
    return Parameter(name, told, {"type": "string", "format": "date"}, day_of)


def _month(given: str) -> date:
    if not re.fullmatch(r"\d{4}-\d\d", given, re.ASCII):
        raise ValueError("expected a month as YYYY-MM")
    return day_of(f"{given}-01")


FILTERS: Final = (
    integer("person", "only of this person", 0, 2**63 - 1),
    text("sn", "only of this terminal"),
    text("site", "only of terminals that were at this site"),
    choices("kind", "only of these kinds", tuple(kind.value for kind in Kind)),
    day("since", "from this day on"),
    day("until", "up to this day"),
    choices("clock", "only those whose clock was so", (Clock.SUSPECT.value, Clock.UNKNOWN.value)),
    choices("repeats", "only double taps", ("true",)),
)
PARAMETERS: Final = (*FILTERS, place("before", "only those before this place"))
MONTH: Final = (Parameter("month", "which month", {"type": "string"}, _month),)


class Found(NamedTuple):
    """A punch and its place in the feed."""

    place: str
    punch: LivePunch


def _found(entries: list[Entry]) -> list[Found]:
    return [Found(at, _PUNCH.decode(told)) for at, told in entries]


async def search(call: Call) -> Answer:
    """A page of what fits."""
    zone = await _zone(call)
    before = call.query["before"]
    looked = await _lookback(call).page("" if before == "0" else before, PAGE, _filter(call, zone))
    found = _found(looked.entries)
    people, terminals = (each.punch.enrollid for each in found), (each.punch.sn for each in found)
    return show_inside(
        call,
        "search.html",
        PLACE,
        found=found,
        following=looked.following,
        is_cut=looked.is_cut,
        names=await names_of(call.sources, call.who.sites, people, terminals),
        given=call.query.given,
        sites=await sites(call),
        zone=str(zone_of(zone)),
        told=words,
    )


async def export(call: Call) -> Answer | Streamed:
    """All that fits as a file, the oldest first."""
    return await api.export(call, Form.CSV, _filter(call, await _zone(call)), "0")


def _lookback(call: Call) -> Lookback:
    return Lookback(call.sources.feed, call.sources.archive)


async def _zone(call: Call) -> str:
    """In which days begin: that of the terminal which was asked for, else that of terminals without one
    (empty: this machine's)."""
    sn = call.query["sn"].strip()
    decided = await call.sources.terminals.decided(sn) if sn else None
    return (decided.timezone if decided and call.sees(decided.site) else "") or call.sources.zone


def _filter(call: Call, zone: str) -> Filter:
    query = call.query
    return Filter(
        sn=canonical_sn(query["sn"]),
        enrollid=query["person"],
        site=query["site"],
        sites=call.who.sites,
        kinds=query["kind"],
        since_ms=_begin(query["since"], zone),
        until_ms=_begin(query["until"] + _ONE_DAY if query["until"] else None, zone),
        clocks=query["clock"],
        by_received=True,
        repeats=bool(query["repeats"]),
    )


def _begin(day: date | None, zone: str) -> int | None:
    if day is None:
        return None
    return milliseconds(midnight(day, zone, 0))


class Day(NamedTuple):
    """A day of somebody, its punches in order."""

    day: str
    found: list[Found]


async def person(call: Call) -> Answer:
    """A month of one person, day by day, in the time that each terminal showed."""
    enrollid = int(call.path["enrollid"])
    now = datetime.fromtimestamp(call.desk.reactor.seconds(), UTC)
    today = now.astimezone(zone_of(call.sources.zone)).date()
    first = call.query["month"] or today.replace(day=1)
    following = (first + 31 * _ONE_DAY).replace(day=1)
    month = first.isoformat()[:7]
    found, is_cut = await _of_person(call, enrollid, first, following)
    dated = [each for each in found if (each.punch.time or "").startswith(month)]
    undated = [each for each in found if not each.punch.time]
    dated.sort(key=lambda each: each.punch.time or "")
    days = [Day(day, [*each]) for day, each in groupby(dated, key=lambda each: (each.punch.time or "")[:10])]
    return show_inside(
        call,
        "person.html",
        PLACE,
        enrollid=enrollid,
        names=await names_of(call.sources, call.who.sites, [enrollid], (each.punch.sn for each in found)),
        days=days,
        undated=undated,
        is_cut=is_cut,
        month=month,
        before=(first - _ONE_DAY).isoformat()[:7],
        after=following.isoformat()[:7] if following <= today else "",
    )


async def _of_person(call: Call, enrollid: int, first: date, following: date) -> tuple[list[Found], bool]:
    """What came of a person about a month, and whether some is left out."""
    wanted = Filter(
        enrollid=enrollid,
        sites=call.who.sites,
        kinds=(Kind.PUNCH.value,),
        since_ms=milliseconds(_midnight(first) - ZONES),
        until_ms=milliseconds(_midnight(following) + ZONES),
        by_received=True,
    )
    entries, before = list[Any](), ""
    for _ in range(MOST_OF_A_MONTH // PAGE):
        looked = await _lookback(call).page(before, MOST_OF_A_MONTH - len(entries), wanted)
        entries += looked.entries
        before = looked.following
        if not before or len(entries) >= MOST_OF_A_MONTH:
            return _found(entries), bool(before) or looked.is_cut
    return _found(entries), True


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
