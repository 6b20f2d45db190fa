"""The table of routes: all that can be asked. Roles, site scope, OpenAPI and tests are read off it."""

from __future__ import annotations

from typing import Final

from tfserver.web.body import LARGE_BYTES
from tfserver.web.tables import (
    accounts,
    applying,
    capacity,
    completeness,
    dashboard,
    enrolments,
    erasures,
    feeds,
    imports,
    orders,
    people,
    photos,
    process,
    session,
    snapshots,
    sync,
    terminals,
    tokens,
    webhooks,
)

ROUTES: Final = (
    *process.PROCESS,
    *terminals.TERMINALS,
    *orders.ORDERS,
    *feeds.FEEDS,
    *tokens.TOKENS,
    *session.SESSION,
    *accounts.ACCOUNTS,
    *webhooks.WEBHOOKS,
    *completeness.COMPLETENESS,
    *people.PEOPLE,
    *capacity.CAPACITY,
    *sync.SYNC,
    *applying.APPLYING,
    *enrolments.ENROLMENTS,
    *erasures.ERASURES,
    *photos.PHOTOS,
    *snapshots.SNAPSHOTS,
    *imports.IMPORTS,
    *imports.PERSONAL,
)
PAGES: Final = dashboard.PAGES
"""What people see; no part of the API."""
MOST_BODY_BYTES: Final = max(
    route.body.most_bytes for route in ROUTES if route.body and route.body.most_bytes <= LARGE_BYTES
)
"""Of every body that is read before anybody looks at what it is for; a few take more."""
