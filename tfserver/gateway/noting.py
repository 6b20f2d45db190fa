"""What is noted of odd things that terminals do: each kind once a connection, in few words."""

from __future__ import annotations

from typing import Any, Final

from tfserver.wire.session import Note

MOST_NOTED: Final = 20
"""Kinds of a connection."""
MOST_WORD: Final = 64


def kind_of(note: Note) -> tuple[str, str]:
    """What makes it the same as another."""
    return note.what, str(note.detail.get("word"))[:MOST_WORD]


def short(detail: dict[str, Any]) -> dict[str, Any]:
    """What a terminal sent, short enough for the log."""
    return {key: v[:MOST_WORD] if isinstance(v, str) else v for key, v in detail.items()}
