"""The wall of punches in a real browser, with real punches."""

from __future__ import annotations

from tests.dashboard.browser import BrowserScene
from tests.dashboard.stage import usual


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
