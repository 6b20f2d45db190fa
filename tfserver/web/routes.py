"""The table of routes: all that can be asked. Roles, site scope, OpenAPI and tests are read off it."""

from __future__ import annotations

from typing import Final

from tfserver.web.tables import completeness, feeds, orders, process, session, terminals, tokens, webhooks

ROUTES: Final = (
    *process.PROCESS,
    *terminals.TERMINALS,
    *orders.ORDERS,
    *feeds.FEEDS,
    *tokens.TOKENS,
    *session.SESSION,
    *webhooks.WEBHOOKS,
    *completeness.COMPLETENESS,
)
MOST_BODY_BYTES: Final = max(route.body.most_bytes for route in ROUTES if route.body is not None)
