"""Where the dashboard leads: the entries of its navigation, and of the bars within parts of it."""

from __future__ import annotations

from typing import Final, NamedTuple

from tfserver.web.dashboard.languages import mark
from tfserver.web.dashboard.viewer import Viewer


class Place(NamedTuple):
    """An entry: its path, its name, the role that it takes, and whether it is only for who is bound to no
    site; ``bound`` is where others are led instead."""

    path: str
    name: str
    role: str = "reader"
    is_for_everywhere: bool = False
    bound: str = ""

    def is_for(self, viewer: Viewer) -> bool:
        """Whether it leads somebody to what they may see."""
        return viewer.may(self.role) and (viewer.is_everywhere or not self.is_for_everywhere)

    def path_for(self, viewer: Viewer) -> str:
        """Where it leads somebody."""
        return self.bound if self.bound and not viewer.is_everywhere else self.path


NAVIGATION: Final = (
    Place("/", mark("Fleet")),
    Place("/punches", mark("Punches")),
    Place("/people", mark("People"), bound="/people/enrolments"),
    Place("/system", mark("System"), "operator"),
)
