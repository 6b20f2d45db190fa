"""Browsers that are signed in and told of what changes, for tests."""

from __future__ import annotations

import json
from typing import Any

from tests.web.dashboard.html import Page
from tests.web.in_memory import OPERATOR, TOKENS, Connection, PagesCase, joined
from tests.web.samples import SN
from tfserver.config import LimitSettings
from tfserver.model import Admission, Terminal
from tfserver.store.events import Ends, Event
from tfserver.store.principals import Role
from tfserver.store.sessions import Opened
from tfserver.store.tokens import Token
from tfserver.web.dashboard import live, turns

PROXY = ["192.168.0.0/16"]
BOUND = Token("b", Role.READER, 1, "Bo", ("south",))


class LiveCase(PagesCase):
    """Browsers that are signed in, by way of a trusted proxy."""

    limits = LimitSettings(trusted_proxies=PROXY, exempt=PROXY)

    def setUp(self) -> None:
        """Two sessions: one of an operator, one bound to the south."""
        super().setUp()
        self.happened: list[Event] = []
        self.known = {
            "all": Opened(TOKENS[OPERATOR], 3_600_000, "a" * 64),
            "south": Opened(BOUND, 3_600_000, "b" * 64),
        }
        used = {opened.digest: opened for opened in self.known.values()}
        self.sessions.given.update(find=self.known.get, use=used.get)
        self.used = used
        self.events.given.update(ends=self.ends, page=self.page)
        self.put(SN, "north")
        # a slow machine is no reason for another turn, or for looking later
        self.set_bound(turns, "TURN_SECONDS", 1e9)
        self.set_bound(live, "SHARE", 1e9)

    def put(self, sn: str, site: str, **more: Any) -> None:
        """Let there be one terminal."""
        self.with_terminals(Terminal(sn, site=site, admission=Admission.APPROVED, **more))

    def ends(self) -> Ends:
        """Where both feeds end."""
        return Ends(f"{len(self.feed.rows)}-0", f"{len(self.happened)}-0")

    def page(self, after: str, limit: int) -> list[Event]:
        """Events behind a place."""
        return self.happened[int(after.partition("-")[0]) :][:limit]

    def happen(self, kind: str = "terminal", **told: Any) -> None:
        """Something happens."""
        self.happened.append(Event(f"{len(self.happened) + 1}-0", kind, json.dumps({"sn": SN, **told})))

    def look(self, query: str, who: str = "all") -> Connection:
        """Somebody opens a page."""
        headers = {"X_Forwarded_Proto": "https", "Cookie": f"__Host-tfs={who}"}
        return self.begin("GET", f"/live?{query}", b"", None, **headers)

    def told(self, page: Connection, seconds: float = 1.2) -> list[tuple[str, Any]]:
        """What a page was told in all, after a while."""
        for _ in range(round(seconds / live.LOOK_SECONDS)):
            self.clock.advance(live.LOOK_SECONDS)
        text = joined(page.data.partition(b"\r\n\r\n")[2]).decode()
        found = []
        for block in text.split("\n\n"):
            if block.startswith("event: "):
                kind, data = block.split("\n")
                found.append((kind[7:], json.loads(data[6:])))
        return found

    def place(self) -> str:
        """What a page says that is made now."""
        page = Page(self.get("/", OPERATOR).raw.decode())
        (state,) = [each for each in page.elements if "data-live-state" in each.given]
        return state.given["data-since"]
