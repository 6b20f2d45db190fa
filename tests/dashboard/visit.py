"""One viewer's page, and all that went wrong on it: the console, requests, and what its policy forbade."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, ConsoleMessage, Request, Response

EXPECTED: Final = ("net::ERR_ABORTED", "csp")
"""What becomes of a stream of events when the viewer goes on to another page, and what the policy told of."""
LISTENER: Final = """
document.addEventListener('securitypolicyviolation', (event) => window.toldOfPolicy(
  `${event.effectiveDirective} forbids ${event.blockedURI || 'inline'} `
  + `${event.sourceFile || ''}:${event.lineNumber} ${event.sample || ''}`
), true)
"""
"""Added by the browser, not by the page: it runs whatever the page's policy forbids."""
SECONDS: Final = 15
LOOK_MS: Final = 10.0
OURS: Final = ("http:", "https:", "ws:", "wss:")


class Visit:
    """A context of its own (cookies, language, size) with one page."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.context = context
        self.url = url.rstrip("/")
        self.wrong: list[str] = []
        """Everything that a clean page has not, as it came."""
        context.expose_binding("toldOfPolicy", self._policy)
        context.add_init_script(LISTENER)
        context.on("console", self._console)
        context.on("weberror", lambda error: self.wrong.append(f"error on the page: {error.error}"))
        context.on("request", self._request)
        context.on("requestfailed", self._failed)
        self.page = context.new_page()

    def sign_in(self, token: str) -> None:
        """As a page of ours does: the cookie is in the context after it."""
        answer = self.context.request.post(f"{self.url}/api/v1/session", data={"token": token})
        assert answer.status == 201, (answer.status, answer.text())

    def goto(self, path: str) -> Response:
        """Load a page of the server, and wait until its scripts ran; streams may go on."""
        answer = self.page.goto(self.url + path, wait_until="load")
        assert answer is not None, path
        return answer

    def forgive(self, pattern: str) -> int:
        """Leave out what a test brought about itself; how many there were."""
        self._settle()
        kept = [line for line in self.wrong if not re.search(pattern, line)]
        forgiven = len(self.wrong) - len(kept)
        self.wrong[:] = kept
        return forgiven

    def until(self, true: Callable[[], object], what: str) -> None:
        """Let the page go on until ``true()`` is; AssertionError names what did not happen."""
        deadline = time.monotonic() + SECONDS
        while not true():
            assert time.monotonic() < deadline, f"it did not happen in {SECONDS} s: {what}; {self.wrong}"
            self.page.wait_for_timeout(LOOK_MS)

    def assert_clean(self) -> None:
        """Nothing was complained of so far, and nothing left for another host."""
        self._settle()
        assert not self.wrong, f"{self.page.url}:\n  " + "\n  ".join(self.wrong)

    def close(self) -> None:
        """The viewer is gone."""
        self.context.close()

    def _settle(self) -> None:
        """What the browser told before this question is heard before its answer."""
        self.page.evaluate("() => new Promise(requestAnimationFrame)")

    def _policy(self, source: Any, told: str) -> None:
        self.wrong.append(f"policy: {told.strip()}")

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning", "assert"):
            at = message.location
            self.wrong.append(f"console {message.type}: {message.text} ({at['url']}:{at['lineNumber']})")

    def _request(self, request: Request) -> None:
        asked, own = urlsplit(request.url), urlsplit(self.url)
        if f"{asked.scheme}:" in OURS and asked.netloc != own.netloc:
            self.wrong.append(f"asked another host: {request.url}")

    def _failed(self, request: Request) -> None:
        if request.failure not in EXPECTED:
            self.wrong.append(f"request failed: {request.method} {request.url}: {request.failure}")
