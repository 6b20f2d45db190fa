"""The distribution's Chromium, driven by Playwright: one for the whole process, a fresh context a visit.

Playwright never downloads a browser here. Chromium runs without its own sandbox, which needs rights that a
container seldom gives: it only sees pages of ours, and no name but loopback's resolves for it.
"""

from __future__ import annotations

import atexit
import functools
import importlib.util
import os
import shutil
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from twisted.trial.unittest import SkipTest

from tests.dashboard.visit import Visit
from tests.real.scene import Scene

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome")
PACKAGES: Final = ("playwright", "axe_playwright_python")
REQUIRED: Final = "TFSERVER_REQUIRE_BROWSER"
"""Set in the environment, a missing browser fails its tests, which otherwise are skipped."""
MILLISECONDS: Final = 15_000.0
"""Playwright waits so long for anything, and no longer."""
ARGUMENTS: Final = (
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    "--disable-background-networking",
    "--disable-component-update",
    "--font-render-hinting=none",
)


class View(NamedTuple):
    """Who looks, and on what: size in CSS pixels, colours, language, and the viewer's time zone."""

    width: int = 1280
    height: int = 800
    scheme: str = "light"
    language: str = "en"
    timezone: str = "Europe/Zurich"
    is_touched: bool = False

    def of(self, **others: Any) -> View:
        """The same but for these."""
        return self._replace(**others)

    @property
    def name(self) -> str:
        """Short, for files and messages: ``phone-dark-ar``."""
        size = "phone" if self.is_touched else "desktop"
        return f"{size}-{self.scheme}-{self.language}"


DESKTOP: Final = View()
PHONE: Final = View(390, 844, is_touched=True)
ARABIC: Final = {"language": "ar", "timezone": "Asia/Riyadh"}
VIEWS: Final = tuple(
    size.of(scheme=scheme, **language)
    for size in (PHONE, DESKTOP)
    for scheme in ("light", "dark")
    for language in ({}, ARABIC)
)
"""Every way in which a page has to be fit to be seen."""


def chromium() -> str | None:
    """Where the program is, if it is installed."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


def what_is_missing() -> str:
    """Why no browser can be started, and what helps; empty when one can."""
    absent = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if absent:
        return f"no package {' and no '.join(absent)}: pip install -e '.[test]'"
    if chromium() is None:
        return f"no Chromium ({', '.join(PROGRAMS)}) on PATH: apt-get install chromium fonts-dejavu-core"
    return ""


@functools.cache
def browser() -> Browser:
    """The one of this process, started when it is asked for first and ended with the process."""
    from playwright.sync_api import sync_playwright

    driver = sync_playwright().start()
    found = driver.chromium.launch(executable_path=chromium(), args=[*ARGUMENTS])
    atexit.register(driver.stop)
    return found


def visit(url: str, view: View = DESKTOP, token: str = "") -> Visit:
    """Somebody who looks at the server at ``url`` and has seen nothing yet; with a token, signed in."""
    context = browser().new_context(
        viewport={"width": view.width, "height": view.height},
        color_scheme=view.scheme,  # type: ignore[arg-type]
        locale=view.language,
        timezone_id=view.timezone,
        has_touch=view.is_touched,
        is_mobile=view.is_touched,
        reduced_motion="reduce",
    )
    context.set_default_timeout(MILLISECONDS)
    found = Visit(context, url)
    if token:
        found.sign_in(token)
    return found


class BrowserScene(Scene):
    """A test that looks at pages in a real browser; skipped, and counted, where there is none."""

    def setUp(self) -> None:
        missing = what_is_missing()
        if missing and os.environ.get(REQUIRED):
            self.fail(f"{REQUIRED} is set: {missing}")
        if missing:
            raise SkipTest(f"BROWSER TESTS DID NOT RUN: {missing}")

    def visit(self, url: str, view: View = DESKTOP, token: str = "") -> Visit:
        """A visit that is over when the test is."""
        found = visit(url, view, token)
        self.addCleanup(found.close)
        return found
