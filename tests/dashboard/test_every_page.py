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


ACCOUNT = "walker"


def places(stage: Stage) -> dict[str, str]:
    """Something of the stage for each place in a path."""
    body = {"name": ACCOUNT, "password": "seven quiet harbours", "role": "reader"}
    status, _ = stage.server.post("/accounts", body)
    assert status in (201, 409), status
    webhook = stage.server.get("/webhooks")[1]["webhooks"][0]["id"]
    return {"sn": stage.live[0], "account": ACCOUNT, "webhooks/id": webhook}


def filled(route: Route, known: dict[str, str]) -> str:
    """The path of a page; an id is one of what stands before it."""

    def value(found: re.Match[str]) -> str:
        """What is put into one place."""
        name = found[2] if found[2] != "id" else f"{found[1]}/id"
        return f"{found[1]}/{known[name]}"

    return re.sub(r"(\w+)/{(\w+)}", value, route.path)


class EveryPageTests(BrowserScene):
    """One visit for each way of looking, through all pages."""

    def walk(self, view: View) -> None:
        """Look at all pages; what is wrong is told of all of them together."""
        stage = usual()
        known = places(stage)
        visit = self.visit(stage.url, view, stage.token)
        wrong = []
        for route in SHOWN:
            path = filled(route, known)
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
