"""``/punches/day``: whether a day of a site is complete, and how many punches there were, when and where."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple

from tfserver.model import Admission, Kind, canonical_sn
from tfserver.store.archive.filter import Filter
from tfserver.store.archive.latest import ZONES
from tfserver.store.lookback import Counted, Lookback
from tfserver.web.answer import Answer
from tfserver.web.api.completeness import judged
from tfserver.web.call import Call
from tfserver.web.dashboard.listed import Entry
from tfserver.web.dashboard.moments import zone_of
from tfserver.web.dashboard.punches.frame import HERE, show_inside, sites
from tfserver.web.dashboard.punches.search import day
from tfserver.web.query import text
from tfserver.web.shapes import TerminalCompleteness

PLACE: Final = f"{HERE}/day"
PARAMETERS: Final = (day("day", "which day"), text("site", "only of terminals at this site"))
MOST_INCOMPLETE: Final = 100
MOST_BARS: Final = 20
WIDTH: Final = 720
HEIGHT: Final = 120
_HOURS: Final = 24
_LONGEST: Final = timedelta(days=1) + ZONES


class Bar(NamedTuple):
    """A bar of a chart in a box of ``WIDTH`` by ``HEIGHT``."""

    hour: int
    number: int
    x: float
    y: float
    width: float
    height: float


class Busy(NamedTuple):
    """A terminal and how many punches it sent; without ``sn`` all others together."""

    sn: str
    name: str
    number: int


async def a_day(call: Call) -> Answer:
    """A day of all that somebody sees, or of a site."""
    site, shown = call.query["site"], call.query["day"] or _today(call)
    seen = [
        each
        for each in await call.desk.roll.all()
        if call.sees(each.terminal.site) and site in ("", each.terminal.site)
    ]
    counted = await _counted(call, shown, site)
    is_over = shown < _today(call)
    missing, of = await _missing(call, seen, shown) if is_over else ([], 0)
    return show_inside(
        call,
        "day.html",
        PLACE,
        day=shown,
        site=site,
        sites=await sites(call),
        before=shown - timedelta(days=1),
        after=shown + timedelta(days=1) if is_over else None,
        is_over=is_over,
        missing=missing[:MOST_INCOMPLETE],
        missing_count=len(missing),
        of=of,
        known={canonical_sn(each.terminal.sn): each.terminal for each in seen},
        counted=counted,
        bars=bars(counted),
        box=(WIDTH, HEIGHT),
        busy=busy(counted, seen),
    )


def _today(call: Call) -> date:
    now = datetime.fromtimestamp(call.desk.reactor.seconds(), UTC)
    return now.astimezone(zone_of(call.sources.zone)).date()


async def _counted(call: Call, shown: date, site: str) -> Counted:
    wanted = Filter(site=site, sites=call.who.sites, kinds=(Kind.PUNCH.value,))
    return await Lookback(call.sources.feed, call.sources.archive).by_hour(shown, wanted)


async def _missing(call: Call, seen: Sequence[Entry], shown: date) -> tuple[list[TerminalCompleteness], int]:
    """Terminals whose day is not complete, and of how many."""
    ours = [each.terminal for each in seen if each.terminal.admission is Admission.APPROVED]
    found: list[TerminalCompleteness] = []
    # what was read in brief tells that all is here of most: only the others are read whole
    ends = _ends(shown)
    doubtful = [
        one.sn
        for one in ours
        if one.has_gaps or one.until is None or one.until < ends or (one.since or "") > shown.isoformat()
    ]
    for start in range(0, len(doubtful), MOST_INCOMPLETE):
        terminals = await call.sources.terminals.these(doubtful[start : start + MOST_INCOMPLETE])
        rows = [judged(each, shown, call.sources.zone) for each in terminals if call.sees(each.site)]
        found += [row for row in rows if not row.complete]
    return found, len(ours)


def _ends(shown: date) -> int:
    """When a day is over in every zone (UTC, ms)."""
    return round(1000 * (datetime(shown.year, shown.month, shown.day, tzinfo=UTC) + _LONGEST).timestamp())


def bars(counted: Counted) -> list[Bar]:
    """A bar for each hour."""
    most = max(counted.hours.values(), default=0) or 1
    width = WIDTH / _HOURS
    found = []
    for hour in range(_HOURS):
        height = HEIGHT * counted.hours[hour] / most
        found.append(Bar(hour, counted.hours[hour], hour * width + 2, HEIGHT - height, width - 4, height))
    return found


def busy(counted: Counted, seen: Sequence[Entry]) -> list[Busy]:
    """The terminals with the most punches, and the others together."""
    names = {canonical_sn(each.terminal.sn): each.terminal.name for each in seen}
    most = counted.terminals.most_common(MOST_BARS)
    found = [Busy(sn, names.get(canonical_sn(sn), ""), count) for sn, count in most]
    rest = counted.all - sum(each.number for each in found)
    return [*found, Busy("", "", rest)] if rest else found
