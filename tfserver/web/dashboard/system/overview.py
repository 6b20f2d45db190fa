"""``/system``: processes, the store and the archive. It is looked at when something is wrong, and so is there
whatever else is not."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, gatherResults

from tfserver.model import rfc3339
from tfserver.web.answer import Answer
from tfserver.web.call import Call
from tfserver.web.dashboard.screens import at
from tfserver.web.dashboard.system.frame import HERE, show_inside


async def overview(call: Call) -> Answer:
    """How all of it fares."""
    sources = call.sources
    health = sources.health
    asked = (health.processes(), health.store(), health.archive())
    found: list[Any] = await gatherResults([Deferred.fromCoroutine(one) for one in asked])
    processes, store, archive = found
    return show_inside(
        call,
        "overview.html",
        HERE,
        processes=processes,
        store=store,
        archive=archive,
        unready=sources.unready(),
        is_draining=sources.draining(),
        is_pressed=sources.pressure.is_high,
        now=call.desk.reactor.seconds(),
        instant=lambda seconds: rfc3339(at(seconds)),
    )
