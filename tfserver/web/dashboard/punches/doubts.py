"""``/punches/clocks`` and ``/punches/quarantine``: whose time is in doubt, and what could not be read."""

from __future__ import annotations

from typing import Any, Final

from tfserver.errors import ArchiveUnavailable
from tfserver.model import canonical_sn
from tfserver.store.archive.filter import Filter
from tfserver.store.doubt import DOUBTED, Doubted, by_terminal
from tfserver.web.answer import Answer
from tfserver.web.api import punches as api
from tfserver.web.call import Call
from tfserver.web.dashboard.listed import SLACK_MS
from tfserver.web.dashboard.punches.frame import HERE, show_inside, sites
from tfserver.web.query import integer, place, text

CLOCKS: Final = f"{HERE}/clocks"
QUARANTINE: Final = f"{HERE}/quarantine"
MOST_WRONG: Final = 100
CLOCKS_PARAMETERS: Final = (text("site", "only of terminals at this site"),)
RECORDS: Final = (
    integer("limit", "how many rows a page may have", 1, 100, 50),
    place("after", "only records behind this place"),
)
_HIDDEN: Final = ("id", "kind", "sn")


async def clocks(call: Call) -> Answer:
    """Terminals whose clock is wrong now, and punches that were taken by wrong clocks."""
    site = call.query["site"]
    seen = [
        each.terminal
        for each in await call.desk.roll.all()
        if call.sees(each.terminal.site) and site in ("", each.terminal.site)
    ]
    wrong = [each for each in seen if abs(each.clock_offset_ms or 0) > SLACK_MS or each.clock == "suspect"]
    wrong.sort(key=lambda each: -abs(each.clock_offset_ms or 0))
    doubted = await _doubted(call, site)
    return show_inside(
        call,
        "clocks.html",
        CLOCKS,
        wrong=wrong[:MOST_WRONG],
        wrong_count=len(wrong),
        doubted=None if doubted is None else doubted[:MOST_WRONG],
        doubted_count=len(doubted or ()),
        known={canonical_sn(each.sn): each for each in seen},
        site=site,
        sites=await sites(call),
    )


async def _doubted(call: Call, site: str) -> list[Doubted] | None:
    """By terminal, the most first; None while the archive is away."""
    wanted = Filter(site=site, sites=call.who.sites, clocks=DOUBTED, by_received=True)
    try:
        found = await by_terminal(call.sources.feed, call.sources.archive, wanted)
    except ArchiveUnavailable:
        return None
    return sorted(found, key=lambda each: (-each.count, each.sn))


async def quarantine(call: Call) -> Answer:
    """A page of records, oldest first, and devices under a number that is another's."""
    found: dict[str, Any] = await api.quarantine(call)
    records = found["quarantine"]
    return show_inside(
        call,
        "quarantine.html",
        QUARANTINE,
        records=records,
        more={each["id"]: {k: v for k, v in each.items() if k not in _HIDDEN} for each in records},
        following=found["next"] if len(records) == call.query["limit"] else "",
        last=found["next"] if records else "",
        claimants=await call.sources.terminals.claimants(),
        after=call.query["after"],
    )
