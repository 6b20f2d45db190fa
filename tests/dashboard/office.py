"""An administrator who works with the server that tests share."""

from __future__ import annotations

from tests.dashboard.browser import DESKTOP, BrowserScene, View
from tests.dashboard.stage import usual
from tests.dashboard.visit import Visit


class OfficeScene(BrowserScene):
    """Tests that leave alone what others look at."""

    def look(self, path: str, view: View = DESKTOP) -> Visit:
        """An administrator at a page, who says yes to what is asked."""
        visit = self.visit(usual().url, view, usual().token)
        visit.page.on("dialog", lambda asked: asked.accept())
        visit.goto(path)
        return visit
