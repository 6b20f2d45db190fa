"""What the pages of punches have in common: the places within, and the sites that somebody sees."""

from __future__ import annotations

from typing import Any, Final

from tfserver.web.answer import Answer
from tfserver.web.call import Call
from tfserver.web.dashboard.languages import mark
from tfserver.web.dashboard.navigation import Place
from tfserver.web.dashboard.pages import show

HERE: Final = "/punches"


PLACES: Final = (
    Place(HERE, mark("As they come")),
    Place(f"{HERE}/search", mark("Search")),
    Place(f"{HERE}/day", mark("A day")),
    Place(f"{HERE}/clocks", mark("Clocks")),
    Place(f"{HERE}/quarantine", mark("Quarantine"), is_for_everywhere=True),
)


def show_inside(call: Call, template: str, place: str, **context: Any) -> Answer:
    """A page of punches; ``place`` is the path of its entry among them."""
    return show(call, f"punches/{template}", HERE, here_within=place, places=PLACES, **context)


async def sites(call: Call) -> list[str]:
    """The sites of terminals that somebody sees."""
    found = {each.terminal.site for each in await call.desk.roll.all()}
    return sorted(site for site in found if site and call.sees(site))
