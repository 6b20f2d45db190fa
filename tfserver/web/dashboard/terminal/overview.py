"""``/terminals/{sn}``: how a terminal is, its punches as they come, its room, how far its record is whole."""

from __future__ import annotations

from typing import Final

from tfserver.web.answer import Answer
from tfserver.web.call import Call
from tfserver.web.dashboard.names import names_of
from tfserver.web.dashboard.screens import at
from tfserver.web.dashboard.terminal import about, chart, recent, words

MOST_BACKFILLS: Final = 5


async def overview(call: Call) -> Answer:
    """The terminal as it is now."""
    known = await about.about(call)
    terminal = known.terminal
    punches, history, changes, (backfills, _) = await about.together(
        recent.newest(call, terminal),
        call.sources.people.holdings.rooms.history(terminal.sn),
        call.sources.terminals.changes(terminal.sn),
        call.sources.commander.backfills(terminal.sn, MOST_BACKFILLS, ""),
    )
    return about.shown(
        call,
        "",
        known,
        punches=punches,
        lines=chart.lines(history),
        box=(chart.WIDTH, chart.HEIGHT),
        backfills=backfills,
        names=await names_of(call.sources, call.who.sites, (punch.enrollid for punch in punches)),
        changes=[(at(each.at / 1000).isoformat(), each) for each in changes if each.name in words.IDENTITY],
        identity=[(name, terminal.devinfo[name]) for name in words.IDENTITY if terminal.devinfo.get(name)],
    )
