"""The secret that a terminal may have to say in the path it connects to: ``ws://host:7788/any/SECRET``.

It is typed at a keypad, so it has no capitals and no letters that look like digits; 100 random bits are
beyond guessing, so that a plain hash of it tells nothing.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from hashlib import sha256
from typing import Final

ALPHABET: Final = "abcdefghijkmnpqrstuvwxyz23456789"
LENGTH: Final = 20
_SECRET: Final = re.compile(f"[{ALPHABET}]{{{LENGTH}}}")


def new_secret(choice: Callable[[str], str] = secrets.choice) -> str:
    """A fresh one, in words of people."""
    return "".join(choice(ALPHABET) for _ in range(LENGTH))


def hash_of(secret: str) -> str:
    """What is kept of a secret."""
    return sha256(secret.encode()).hexdigest()


def said_in(path: str) -> str:
    """The hash of the secret that ends a path; empty when there is none, as with nearly all terminals."""
    last = path.partition("?")[0].rstrip("/").rpartition("/")[2].lower()
    return hash_of(last) if _SECRET.fullmatch(last) else ""
