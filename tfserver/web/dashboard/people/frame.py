"""What the pages of people have in common: the places within."""

from __future__ import annotations

from typing import Any, Final

from tfserver.web.answer import Answer
from tfserver.web.call import Call
from tfserver.web.dashboard.languages import mark
from tfserver.web.dashboard.navigation import Place
from tfserver.web.dashboard.pages import show

HERE: Final = "/people"
PLACES: Final = (
    Place(HERE, mark("Directory"), is_for_everywhere=True),
    Place(f"{HERE}/groups", mark("Groups"), is_for_everywhere=True),
    Place(f"{HERE}/plans", mark("Plans"), is_for_everywhere=True),
    Place(f"{HERE}/differences", mark("Differences"), is_for_everywhere=True),
    Place(f"{HERE}/forecast", mark("Room"), is_for_everywhere=True),
    Place(f"{HERE}/enrolments", mark("Enrolment")),
    Place(f"{HERE}/imports", mark("Imports"), is_for_everywhere=True),
    Place(f"{HERE}/erasures", mark("Erasures"), "operator", is_for_everywhere=True),
)


def show_inside(call: Call, template: str, place: str, **context: Any) -> Answer:
    """A page of people; ``place`` is the path of its entry among them."""
    return show(call, f"people/{template}", HERE, here_within=place, places=PLACES, **context)
