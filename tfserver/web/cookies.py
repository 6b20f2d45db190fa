"""How a browser shows that somebody signed in: a cookie that only pages of ours can use.

A page of ours proves that it is one with ``X-CSRF-Token``, which follows from the cookie. Pages of others
can neither read it nor send such a header; the browser tells of them in ``Origin`` and ``Sec-Fetch-Site``.
"""

from __future__ import annotations

import hashlib
from hmac import compare_digest
from http import HTTPStatus
from typing import Final

from twisted.web.http import Request as AnyRequest

from tfserver.web.problem import Problem
from tfserver.web.visitors import Visitor

PLAIN: Final = "tfs"
SECURE: Final = "__Host-tfs"
"""Browsers take this name only over TLS, for this host alone, and let no neighbour set it."""
CSRF: Final = "X-CSRF-Token"
_HERE: Final = (b"", b"same-origin")
_MOST: Final = 200


def name_for(visitor: Visitor) -> str:
    """What the cookie is called."""
    return SECURE if visitor.is_secure else PLAIN


def cookie_of(request: AnyRequest, visitor: Visitor) -> str:
    """What the browser was given when somebody signed in, empty without it."""
    found: bytes = request.received_cookies.get(name_for(visitor).encode(), b"")
    return found.decode("latin-1") if len(found) <= _MOST else ""


def set_cookie(value: str, seconds: int, visitor: Visitor) -> str:
    """The header that gives it to the browser; without a value, or for no seconds, it is taken away."""
    secure = "; Secure" if visitor.is_secure else ""
    return f"{name_for(visitor)}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"


def csrf_of(secret: str) -> str:
    """What a page of ours has to send along with changes."""
    return hashlib.sha256(b"csrf " + secret.encode("utf-8", "replace")).hexdigest()


def check_csrf(request: AnyRequest, secret: str) -> None:
    """Problem 403 for a change that no page of ours asked for."""
    given = request.getHeader(CSRF.encode()) or b""
    if not compare_digest(given, csrf_of(secret).encode()):
        told = f"send {CSRF} as GET /api/v1/session tells it"
        raise Problem(HTTPStatus.FORBIDDEN, told)


def is_ours(request: AnyRequest, visitor: Visitor) -> bool:
    """Whether a page of ours asks, or nobody's: as far as the browser tells."""
    if (request.getHeader(b"Sec-Fetch-Site") or b"").lower() not in _HERE:
        return False
    origin = (request.getHeader(b"Origin") or b"").lower()
    scheme = b"https://" if visitor.is_secure else b"http://"
    return not origin or origin == scheme + (request.getHeader(b"Host") or b"").lower()


def is_for_us(request: AnyRequest, visitor: Visitor) -> bool:
    """Whether a page of ours asks, or somebody who typed the address or kept it as a bookmark: no page of
    others makes a browser say ``none`` (Fetch Metadata)."""
    is_typed = (request.getHeader(b"Sec-Fetch-Site") or b"").lower() == b"none"
    return is_typed or is_ours(request, visitor)


def check_ours(request: AnyRequest, visitor: Visitor) -> None:
    """Problem 403 when a page of others asks."""
    if not is_ours(request, visitor):
        told = (
            "this is not for pages of another site; a proxy in front has to leave Host as it is and, with "
            "TLS, to send X-Forwarded-Proto and stand in limits.trusted_proxies"
        )
        raise Problem(HTTPStatus.FORBIDDEN, told)
