"""``/terminals/{sn}/settings``: what people decided for a terminal, and what is known of its kind."""

from __future__ import annotations

import functools
from datetime import UTC, datetime
from zoneinfo import available_timezones

from tfserver.model import rfc3339
from tfserver.store.models import Learnt
from tfserver.web.answer import Answer
from tfserver.web.call import Call
from tfserver.web.dashboard.terminal import about


async def settings(call: Call) -> Answer:
    """Forms for what may be changed."""
    known, profile, everybody = await about.together(
        about.about(call), call.sources.commander.profile(call.path["sn"]), call.desk.roll.all()
    )
    learnt = await _learnt(call, known)
    return about.shown(
        call,
        "settings",
        known,
        zones=_zones(),
        sites=sorted({site for each in everybody if (site := each.terminal.site) and call.sees(site)}),
        profile=profile,
        profiles=call.sources.commander.profiles,
        learnt=learnt,
        looked_at=None if learnt.notes is None else _instant(learnt.notes.at),
    )


async def _learnt(call: Call, known: about.About) -> Learnt:
    told = known.terminal.devinfo
    model, firmware = (str(told.get(name) or "")[:200] for name in ("modelname", "firmware"))
    found: Learnt = await call.sources.terminals.models.get(model, firmware)
    return found


def _instant(ms: int) -> str:
    return rfc3339(datetime.fromtimestamp(ms / 1000, UTC))


@functools.cache
def _zones() -> list[str]:
    """All zones by their IANA names, without those that are there for other programs."""
    return sorted(name for name in available_timezones() if "/" in name or name == "UTC")
