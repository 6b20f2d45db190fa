"""What all pages have in common: who looks, and how the answer is made."""

from __future__ import annotations

from typing import Any

from tfserver.web.answer import Answer
from tfserver.web.call import Call
from tfserver.web.dashboard.screens import Screen, at
from tfserver.web.dashboard.viewer import viewer_of


def screen_for(call: Call) -> Screen:
    """The screen of who asks."""
    who = call.who if call.who.id else None
    viewer = viewer_of(call.request, who, call.cookie)
    return Screen(viewer, at(call.desk.reactor.seconds()), call.sources.zone)


def show(call: Call, template: str, here: str, **context: Any) -> Answer:
    """A page for who asks; ``here`` is the path of its entry in the navigation."""
    return screen_for(call).page(template, {"here": here, "since": call.since, **context})
