"""Pages of other origins: none may read the API unless its origin is listed, and never with credentials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from twisted.web.server import Request

ALLOWED: Final = "Authorization, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID"
SHOWN: Final = "ETag, Link, Location, Retry-After"
_REMEMBERED_SECONDS: Final = 600


class Cors:
    """The origins that are listed, exactly as browsers write them."""

    def __init__(self, origins: Sequence[str]) -> None:
        self._origins = frozenset(origins)

    def headers(self, request: Request) -> dict[str, str]:
        """What tells the browser that the page may read the answer; empty when CORS is off."""
        if not self._origins:
            return {}
        origin = (request.getHeader(b"Origin") or b"").decode("latin-1")
        if origin not in self._origins:
            return {"Vary": "Origin"}
        return {
            "Vary": "Origin",
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Expose-Headers": SHOWN,
        }

    def preflight(self, request: Request, allowed: str) -> dict[str, str]:
        """What tells the browser that the page may ask at all."""
        if "Access-Control-Allow-Origin" not in self.headers(request):
            return {}
        return {
            "Access-Control-Allow-Methods": allowed,
            "Access-Control-Allow-Headers": ALLOWED,
            "Access-Control-Max-Age": str(_REMEMBERED_SECONDS),
        }
