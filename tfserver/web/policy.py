"""What every answer tells browsers, and caches on the way: no frame, no script, no guess at its type."""

from __future__ import annotations

from typing import Final

NOTHING: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""What the pages may load that are no pages: JSON, texts and errors."""
PAGE: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""What a page of ours may load: its own files, nothing that stands in the page itself or is elsewhere. A
handler that answers with a page sends it as ``Content-Security-Policy``."""
CONTENT: Final = b"Content-Security-Policy"
SECURE_SECONDS: Final = 365 * 86_400
"""How long browsers ask over TLS only, once they did."""

ALWAYS: Final = {
    "Server": "tfserver",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
SECURE: Final = {"Strict-Transport-Security": f"max-age={SECURE_SECONDS}"}


def _lines(headers: dict[str, str]) -> bytes:
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode()


_BLOCKS: Final = {
    (is_secure, has_own): _lines(
        {
            **ALWAYS,
            **({} if has_own else {CONTENT.decode(): NOTHING}),
            **(SECURE if is_secure else {}),
        }
    )
    for is_secure in (False, True)
    for has_own in (False, True)
}


def lines(is_secure: bool, has_own: bool) -> bytes:
    """The lines that go into the head of every answer; ``has_own``: it says itself what it may load."""
    return _BLOCKS[is_secure, has_own]
