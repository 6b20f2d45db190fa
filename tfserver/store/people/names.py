"""Names of people: as they are kept, and as they are compared."""

from __future__ import annotations

import unicodedata
from typing import Final

MOST_NAME: Final = 64
"""Bytes: no terminal shows more (protocol §2.2)."""


def plain_name(name: str) -> str:
    """A name without spaces around it and control characters, as long as terminals take it."""
    printable = "".join(letter for letter in name if unicodedata.category(letter) not in ("Cc", "Cs"))
    return printable.encode()[:MOST_NAME].decode("utf-8", "ignore").strip()


def folded(name: str) -> str:
    """What two spellings of one name have in common: small letters, one way to write an accent, one space."""
    small = unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
    return " ".join(plain_name(small).split())
