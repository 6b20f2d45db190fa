"""What may lie open and what may not: no template, password or picture leaves its sealed place."""

from __future__ import annotations

from typing import Any, Final

import msgspec

MOST_OPEN: Final = 512
"""Bytes of a value nobody described. Templates and pictures are longer, and have no business in the open."""
MOST_NAME: Final = 4096

PRIVATE: Final = frozenset(
    {
        "card",
        "pwd",
        "password",
        "pin",
        "image",
        "photo",
        "picture",
        "face",
        "fp",
        "palm",
        "template",
        "record",
    }
)
"""Keys, in lower case, whose values are never kept in the open, whatever firmware means by them."""


def is_private(name: str) -> bool:
    """Whether the value of a field may never lie open."""
    return name.strip().lower() in PRIVATE


def redacted(value: Any) -> dict[str, Any]:
    """What stands in the place of a value: how many bytes it has as JSON."""
    return {"redacted": True, "bytes": len(msgspec.json.encode(value))}


def opened(fields: dict[str, Any]) -> dict[str, Any]:
    """An object as it may lie open, at every depth: what is private or long is told by its size."""
    return {
        name[:MOST_NAME]: redacted(value) if is_private(name) else short(value)
        for name, value in fields.items()
    }


def short(value: Any) -> Any:
    """A value without a private name: objects and lists are looked through, long ones told by their size."""
    if isinstance(value, dict):
        value = opened(value)
    elif isinstance(value, list):
        value = [short(item) for item in value]
    elif value is None or isinstance(value, bool | int | float):
        return value
    return redacted(value) if len(msgspec.json.encode(value)) > MOST_OPEN else value
