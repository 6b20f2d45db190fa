"""Where the dashboard leads: the entries of its navigation."""

from __future__ import annotations

from typing import Final, NamedTuple

from tfserver.web.dashboard.languages import mark


class Place(NamedTuple):
    """An entry: its path, its name, and the role that it takes."""

    path: str
    name: str
    role: str = "reader"


NAVIGATION: Final = (
    Place("/", mark("Fleet")),
    Place("/punches", mark("Punches")),
    Place("/system", mark("System"), "operator"),
)
