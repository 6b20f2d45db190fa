"""Requests to every route, made from the table of routes itself."""

from __future__ import annotations

import re
from typing import Any

from tests.web.import_samples import an_import
from tests.web.in_memory import Answer, PagesCase, encoded
from tests.web.people import BACKUPNUM, ENROLLID, GROUP
from tests.web.samples import (
    BODIES,
    ORDER_ID,
    SN,
    a_backfill,
    a_dead_letter,
    a_record,
    a_row,
    a_webhook,
    an_order,
)
from tfserver.model import Admission, Terminal
from tfserver.store.events import Event
from tfserver.web.body import media_of
from tfserver.web.route import Route

STREAM = "stream"
PATHS = {
    "sn": SN,
    "id": ORDER_ID,
    "enrollid": str(ENROLLID),
    "backupnum": str(BACKUPNUM),
    "name": GROUP,
    "account": "ines",
}
QUERIES = {"clear_quarantine": "?until=5-0", "acknowledge_gaps": "?until=2026-04-02T08:00:00Z"}
"""What routes have to be asked with, where they ask for something."""


def filled(path: str, **other: str) -> str:
    """A path of the table with something in each of its places."""
    return re.sub(r"{(\w+)}", lambda match: {**PATHS, **other}[match[1]], path)


class EveryRouteCase(PagesCase):
    """Stores in which there is one of each thing, at the site north."""

    site_of_all = "north"

    def setUp(self) -> None:
        """One terminal, with its orders, punches, records and events."""
        super().setUp()
        self.fill(self.site_of_all)

    def fill(self, site: str) -> None:
        """Let everything be at this site."""
        self.with_terminals(Terminal(SN, name="found-me", site=site, admission=Admission.APPROVED))
        self.feed.rows[:] = [a_row(site=site, clock="suspect")]
        order = an_order()
        self.commander.given.update(
            get=lambda order_id: order if order_id == ORDER_ID else None,
            listing=([order], None),
            backfill=a_backfill(),
            backfills=([a_backfill()], None),
        )
        self.audit.given["page"] = lambda before, since, limit: [a_record("5-0")] if before == "+" else []
        webhook = a_webhook(*([site] if site else []))
        self.webhooks.given.update(
            all=[webhook],
            get=lambda webhook_id: webhook if webhook_id == ORDER_ID else None,
            change=webhook,
            dead_letters=([a_dead_letter()], None),
            redeliver=1,
        )
        self.people.imports.given["get"] = an_import()
        happened = Event("3-0", "command", f'{{"id":"{ORDER_ID}","sn":"{SN}","cmd":"x","state":"done"}}')
        self.events.given["page"] = lambda after, limit: [happened] if after == "0-0" else []

    def request(self, route: Route, token: str | None, **headers: str) -> Answer:
        """A request that this route takes; what a stream says within a second is its answer."""
        path = filled(route.path)
        path += QUERIES.get(route.name, "")
        body: Any = b"" if route.body is None else BODIES[route.body.name]
        if route.body is not None:
            headers.setdefault("Content_Type", media_of(route.body)[-1])
        if route.name != STREAM:
            return self.ask(route.method, path, encoded(body), token, **headers)
        watching = self.begin(route.method, path, b"", token, **headers)
        self.clock.advance(1)
        self.assert_promised(route.method, path, watching.answer().status)
        watching.leave()
        self.clock.advance(1)
        return watching.answer()
