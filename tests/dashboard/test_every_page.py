"""Every page of the table in a real browser: whole, reachable, quiet, and in every way people look at it."""

from __future__ import annotations

import re

from tests.dashboard.browser import ARABIC, DESKTOP, PHONE, BrowserScene, View
from tests.dashboard.checks import Checks
from tests.dashboard.stage import Stage, usual
from tfserver.web.route import Route
from tfserver.web.routes import PAGES

SHOWN = [route for route in PAGES if route.is_page]
VIEWS = (
    PHONE.of(scheme="dark"),
    PHONE.of(**ARABIC),
    DESKTOP.of(scheme="dark", **ARABIC),
    DESKTOP,
)
"""Each size, colour and direction, each pair of them that tells something new."""


def filled(route: Route, stage: Stage) -> str:
    """The path of a page, with something of the stage in each of its places."""
    places = {"sn": stage.live[0], "enrollid": "1", "cmd": "opendoor", "date": "2026-11-20", "name": "staff"}
    return re.sub(r"{(\w+)}", lambda found: places[found[1]], route.path)


class EveryPageTests(BrowserScene):
    """One visit for each way of looking, through all pages."""

    def walk(self, view: View) -> None:
        """Look at all pages; what is wrong is told of all of them together."""
        stage = usual()
        visit = self.visit(stage.url, view, stage.token)
        wrong = []
        for route in SHOWN:
            path = filled(route, stage)
            answer = visit.goto(path)
            checks = Checks(visit)
            found = [*checks.structure(), *checks.layout(), *checks.accessibility()]
            if view in (PHONE.of(scheme="dark"), DESKTOP):
                found += checks.keyboard()
            if answer.status != 200:
                found.append(f"answers {answer.status}")
            wrong += [f"{path}: {each}" for each in found]
        self.assertEqual(wrong, [])
        visit.assert_clean()

    def test_phone_dark(self) -> None:
        """On a phone in the dark, by keyboard as well."""
        self.walk(VIEWS[0])

    def test_phone_right_to_left(self) -> None:
        """On a phone, from right to left."""
        self.walk(VIEWS[1])

    def test_desktop_dark_right_to_left(self) -> None:
        """At a desk in the dark, from right to left."""
        self.walk(VIEWS[2])

    def test_desktop(self) -> None:
        """At a desk, by keyboard as well."""
        self.walk(VIEWS[3])
