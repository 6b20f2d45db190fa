"""Headers of requests that mean something to several routes."""

from __future__ import annotations

from typing import Final

from tfserver.web import exchange
from tfserver.web.route import Header

KEY: Final = Header(
    exchange.IDEMPOTENCY,
    "makes a repeat of the same request harmless for a day",
    exchange.KEY_PATTERN.pattern,
)
