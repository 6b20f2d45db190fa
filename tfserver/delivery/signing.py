"""Signatures of webhooks, by Standard Webhooks 1.0 (https://www.standardwebhooks.com).

A receiver computes them over the very bytes that it got, so nothing may encode a body when it is signed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Callable, Sequence
from typing import Final

PREFIX: Final = "whsec_"
LEAST_BYTES, MOST_BYTES = 24, 64
_MADE_BYTES: Final = 32


class BadSecret(ValueError):
    """This is no secret of a webhook; the text says what was expected, and never what was given."""


def new_secret(random: Callable[[int], bytes] = os.urandom) -> str:
    """A fresh secret as text: ``whsec_`` and base64."""
    return PREFIX + base64.b64encode(random(_MADE_BYTES)).decode()


def secret_bytes(secret: str) -> bytes:
    """The key in a secret; BadSecret when it is none."""
    try:
        found = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if not secret.startswith(PREFIX) or not LEAST_BYTES <= len(found) <= MOST_BYTES:
        raise BadSecret(f"expected {PREFIX} and base64 of {LEAST_BYTES} to {MOST_BYTES} bytes")
    return found


def signed(message: str, seconds: int, body: bytes, secrets: Sequence[str]) -> dict[str, str]:
    """The headers that go with a body: ``message`` is its id, the same at every attempt, ``seconds`` the time
    of this attempt (Unix). Of several secrets, while one takes the place of another, each has its signature.
    """
    if not message or "." in message or not message.isascii() or not message.isprintable():
        # a dot would let two different messages have the same signature
        raise ValueError("the id of a message has no dots, and only visible ASCII characters")
    if not secrets:
        raise ValueError("a message is signed with at least one secret")
    content = f"{message}.{seconds}.".encode() + body
    return {
        "webhook-id": message,
        "webhook-timestamp": str(seconds),
        "webhook-signature": " ".join(_signature(content, secret) for secret in secrets),
    }


def _signature(content: bytes, secret: str) -> str:
    digest = hmac.new(secret_bytes(secret), content, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"
