"""``/punches``: the newest punches, and each as it comes."""

from __future__ import annotations

from typing import Final

import msgspec

from tfserver.web.answer import Answer
from tfserver.web.call import Call
from tfserver.web.dashboard.happened import LivePunch
from tfserver.web.dashboard.names import names_of
from tfserver.web.dashboard.punches.frame import HERE, show_inside, sites
from tfserver.web.query import text

SHOWN: Final = 50
LOOKED_AT: Final = 500
"""Where only some are meant: those of one site among so many of the last."""
PARAMETERS: Final = (text("site", "only of terminals that were at this site"),)
_PUNCH: Final = msgspec.json.Decoder(LivePunch)


async def wall(call: Call) -> Answer:
    """The wall as it begins; what comes later is told as it happens."""
    site = call.query["site"]
    is_some = bool(site or call.who.sites)
    told = await call.sources.feed.last(LOOKED_AT if is_some else SHOWN)
    seen = [punch for punch in map(_PUNCH.decode, told) if call.sees(punch.site)]
    shown = [punch for punch in seen if site in ("", punch.site)][:SHOWN]
    people, terminals = (each.enrollid for each in shown), (each.sn for each in shown)
    names = await names_of(call.sources, call.who.sites, people, terminals)
    context = {"punches": shown, "names": names, "site": site, "sites": await sites(call)}
    return show_inside(call, "wall.html", HERE, **context)
