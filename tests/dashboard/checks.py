"""Checks that every page has to pass, whatever it shows; each answers its complaints, none when all is well.

They run in a JavaScript world of their own, which the browser makes beside the page's: the page's policy
stays in force for the page, and the page cannot tell that it is looked at.
"""

from __future__ import annotations

import functools
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.dashboard.visit import Visit

if TYPE_CHECKING:
    from playwright.sync_api import CDPSession

MOST_STOPS: Final = 80
"""So many times Tab is pressed on a page; what stands further down is looked at without."""


@functools.cache
def _source() -> str:
    return Path(__file__).with_name("checks.js").read_text("utf-8")


@functools.cache
def _axe() -> str:
    # only its program is of use here: the package would run it in the page's own world
    return f"{files('axe_playwright_python').joinpath('axe.min.js').read_text('utf-8')}; 0"


class Checks:
    """The checks of the page as it stands; another page, or the same loaded again, needs others."""

    def __init__(self, visit: Visit) -> None:
        self._page = visit.page
        self._session: CDPSession = visit.context.new_cdp_session(visit.page)
        frame = self._session.send("Page.getFrameTree")["frameTree"]["frame"]["id"]
        world = {"frameId": frame, "worldName": "checks"}
        self._world: int = self._session.send("Page.createIsolatedWorld", world)["executionContextId"]
        self._run(_source())

    def layout(self) -> list[str]:
        """Nothing scrolls sideways, and no text is cut off or stands out of its box."""
        return self._told("layout()")

    def structure(self) -> list[str]:
        """Language and direction, one main heading, a title, a link past what is the same on each page."""
        return self._told("structure()")

    def accessibility(self) -> list[str]:
        """What axe finds by WCAG 2.2 A and AA, the size of what is touched among it."""
        self._run(_axe())
        return self._told("accessibility()")

    def keyboard(self, most: int = MOST_STOPS) -> list[str]:
        """Tab leads to everything that acts, and at each stop one sees where one is."""
        self._run("checks.begin()")
        wrong: list[str] = []
        whole = False
        for _ in range(most):
            self._page.keyboard.press("Tab")
            found = self._run("checks.stop()")
            if whole := found is None:
                break
            wrong += found
        return wrong + self._told(f"unreached({str(whole).lower()})")

    def everything(self) -> list[str]:
        """All of these."""
        return self.structure() + self.layout() + self.accessibility() + self.keyboard()

    def _told(self, call: str) -> list[str]:
        found: list[str] = self._run(f"checks.{call}")
        return found

    def _run(self, expression: str) -> Any:
        how = {"contextId": self._world, "awaitPromise": True, "returnByValue": True}
        answer = self._session.send("Runtime.evaluate", {"expression": expression, **how})
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")


def complaints(visit: Visit) -> list[str]:
    """All that every page has to be, of the page that a visit is at."""
    return Checks(visit).everything()
