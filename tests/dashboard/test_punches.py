"""The pages of punches in a real browser, with real punches."""

from __future__ import annotations

import csv
from pathlib import Path

from tests.dashboard.browser import BrowserScene
from tests.dashboard.office import OfficeScene
from tests.dashboard.stage import usual
from tests.real.client import log
from tfserver.web.dashboard.punches.day import WIDTH


class WallTests(BrowserScene):
    """Somebody who watches."""

    def test_live(self) -> None:
        """A punch comes to the wall by itself, in front of all others; what a terminal says of it is text."""
        stage = usual()
        visit, client = self.visit(stage.url, token=stage.token), stage.server.client()
        self.addCleanup(client.shut)
        assert client.register("WALL00000001")["result"]
        visit.goto("/punches")
        visit.page.wait_for_selector("[data-live-state=on]")
        visit.page.evaluate("window.isSame = true")
        words = "<img src=x onerror=alert(1)>"
        record = {
            "enrollid": 4711,
            "time": "2026-04-02 08:15:04",
            "mode": 1,
            "inout": 0,
            "event": 0,
            "name": words,
        }
        assert client.ask(cmd="sendlog", count=1, record=[record])["result"]
        row = visit.page.locator("[data-wall] tr").first
        visit.until(lambda: "4711" in row.inner_text(), "the punch is on the wall")
        self.assertIn("WALL00000001", row.inner_text())
        self.assertTrue(visit.page.evaluate("window.isSame === true"))
        visit.assert_clean()


class FoundTests(OfficeScene):
    """Somebody who looks back."""

    SITE = "Depot"

    def push(self, sn: str, *records: tuple[int, str]) -> None:
        """Let a terminal of their site have recorded this."""
        client = usual().server.client()
        self.addCleanup(client.shut)
        assert client.register(sn)["result"]
        status, answer = usual().server.patch(f"/terminals/{sn}", {"site": self.SITE})
        assert status == 200, answer
        told = [log(enrollid, when) for enrollid, when in records]
        assert client.ask(cmd="sendlog", count=len(told), record=told)["result"]

    def test_search(self) -> None:
        """Who, where and when find punches, the newest first; the file has the same; a number leads on."""
        sn = "BACK00000001"
        self.push(sn, (7, "2026-03-02 08:00:00"), (8, "2026-03-02 08:01:00"), (7, "2026-03-03 17:00:00"))
        visit = self.look("/punches/search")
        visit.page.get_by_label("Person (number)").fill("7")
        visit.page.get_by_label("Terminal", exact=True).fill(sn)
        visit.page.get_by_role("button", name="Search").click()
        visit.page.wait_for_url("**person=7**")
        rows = visit.page.locator("tbody tr")
        found = rows.all_inner_texts()
        self.assertEqual(["17:00:00" in text for text in found], [True, False])
        self.assertEqual(["08:00:00" in text for text in found], [False, True])
        with visit.page.expect_download() as file:
            visit.page.get_by_role("link", name="All of these as CSV").click()
        with Path(file.value.path()).open(encoding="utf-8-sig") as lines:
            listed = [(row["enrollid"], row["device_time"]) for row in csv.DictReader(lines)]
        self.assertCountEqual(listed, [("7", "2026-03-02 08:00:00"), ("7", "2026-03-03 17:00:00")])
        visit.assert_clean()

    def test_day(self) -> None:
        """A day of a site has its punches by hour and by terminal, and says whether all of it is here."""
        sn = "BACK00000002"
        self.push(sn, (7, "2026-03-04 08:00:00"), (8, "2026-03-04 08:30:00"), (7, "2026-03-04 17:00:00"))
        visit = self.look("/punches/day?day=2026-03-04")
        visit.page.get_by_label("Site").select_option(self.SITE)
        visit.page.get_by_role("button", name="Show").click()
        visit.page.wait_for_url("**site=Depot**")
        counted = visit.page.evaluate(
            "[...document.querySelectorAll('svg title')].map((each) => each.textContent)"
        )
        self.assertEqual([each for each in counted if not each.endswith(": 0")], ["08: 2", "17: 1"])
        widths = "[...document.querySelectorAll('.bars .hour')].map((each) => each.getBBox().width)"
        self.assertLess(max(visit.page.evaluate(widths)), WIDTH / 24)
        self.assertIn(sn, visit.page.inner_text("table.busy"))
        self.assertIn(sn, visit.page.locator("table", has_text="Not complete").inner_text())
        visit.page.get_by_role("link", name="2026-03-03").click()
        visit.page.wait_for_url("**day=2026-03-03**")
        visit.assert_clean()
