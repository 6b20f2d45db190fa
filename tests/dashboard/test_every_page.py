"""Every page of the table in a real browser: whole, reachable, quiet, and in every way people look at it."""

from __future__ import annotations

import re
from typing import Any

from tests.dashboard.browser import ARABIC, DESKTOP, PHONE, BrowserScene, View
from tests.dashboard.checks import MOST_STOPS, Checks
from tests.dashboard.stage import Stage, usual
from tfserver.web.route import Route
from tfserver.web.routes import PAGES

SHOWN = [route for route in PAGES if route.is_page]
MIRRORED = (PHONE.of(**ARABIC), DESKTOP.of(scheme="dark", **ARABIC))
VIEWS = (PHONE.of(scheme="dark"), *MIRRORED, DESKTOP)
"""Each size, colour and direction, each pair of them that tells something new."""
STOPS = {PHONE.of(scheme="dark"): 30, DESKTOP: MOST_STOPS}
"""How often Tab is pressed on a page; what stands further down on a phone is the same as at a desk."""

ACCOUNT = "walker"
FORGOTTEN = 999
"""Nobody of the stage has this number."""


def places(stage: Stage) -> dict[str, str]:
    """Something of the stage for each place in a path."""
    body = {"name": ACCOUNT, "password": "seven quiet harbours", "role": "reader"}
    status, _ = stage.server.post("/accounts", body)
    assert status in (201, 409), status
    webhook = stage.server.get("/webhooks")[1]["webhooks"][0]["id"]
    return {
        "sn": stage.live[0],
        "account": ACCOUNT,
        "enrollid": "7",
        "name": "staff",
        "webhooks/id": webhook,
        "plans/id": _made(stage, "/sync/plan", {"groups": ["staff"], "read": "never"}),
        "enrolments/id": _made(stage, "/enrolments", {"sn": stage.live[0], "enrollid": 7, "backupnum": 9}),
        "erasures/id": _made(
            stage, "/erasures", {"enrollid": FORGOTTEN, "reason": "left", "confirm": str(FORGOTTEN)}
        ),
        "imports/id": _imported(stage),
    }


def _made(stage: Stage, path: str, body: dict[str, Any]) -> str:
    """The id of what is made once for all who walk."""
    status, answer = stage.server.post(path, body, idempotency_key="walk")
    assert status in (200, 201, 202), (path, status, answer)
    return str(answer["id"])


def _imported(stage: Stage) -> str:
    """A trial with a row that is wrong."""
    rows = b"enrollid,name\r\n7,Ines\r\nx,Nobody\r\n"
    more = {"content_type": "text/csv", "idempotency_key": "walk"}
    status, answer = stage.server.ask("POST", "/imports?dry_run=true", rows, **more)
    assert status == 202, (status, answer)
    return str(answer["id"])


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
        for place, route in enumerate(SHOWN):
            path = filled(route, known)
            answer = visit.goto(path)
            checks = Checks(visit)
            found = [*checks.structure(), *checks.layout()]
            # of the same colours from right to left axe tells nothing new: there each page has it once
            if view not in MIRRORED or MIRRORED[place % 2] == view:
                found += checks.accessibility()
            if view in STOPS:
                found += checks.keyboard(STOPS[view])
            if answer.status != 200:
                found.append(f"answers {answer.status}")
            wrong += [f"{path}: {each}" for each in found]
        self.assertEqual(wrong, [], "\n".join(wrong))
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
