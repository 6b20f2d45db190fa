"""What is no person: checks of what people say about people, wherever they say it."""

from __future__ import annotations

import re
from typing import Final

from tfserver.commands.fields import is_real
from tfserver.person import GROUP_NAME, MOST_GROUPS, Validity

MOST_EXTERNAL_ID: Final = 64
MOST_NOTE: Final = 1000
Problems = list[tuple[str, str]]
"""Each a field and what was expected there; never what came."""
_GROUP: Final = re.compile(GROUP_NAME.strip("^$"))
_FIRST, _LAST = " 00:00:00", " 23:59:59"


def external_id_problems(field: str, given: str) -> Problems:
    """Whether another system can call somebody so."""
    if 1 <= len(given) <= MOST_EXTERNAL_ID and given == given.strip() and given.isprintable():
        return []
    told = f"text of 1 to {MOST_EXTERNAL_ID} characters without control characters and spaces around it"
    return [(field, f"expected {told}")]


def groups_problems(field: str, names: list[str] | tuple[str, ...]) -> Problems:
    """Whether these can be names of groups, and not too many."""
    if len(set(names)) > MOST_GROUPS:
        return [(field, f"expected at most {MOST_GROUPS} groups")]
    return [(field, "expected names of groups")] if not all(map(_GROUP.fullmatch, names)) else []


def note_problems(field: str, note: str) -> Problems:
    """Whether a note is short enough."""
    return [] if len(note) <= MOST_NOTE else [(field, f"expected at most {MOST_NOTE} characters")]


def bound_problems(field: str, bound: str | None) -> Problems:
    """Whether one end of a validity is a day or a moment that exists."""
    if bound is None or is_real(_whole(bound, _FIRST), "%Y-%m-%d %H:%M:%S"):
        return []
    return [(field, "expected a day or a moment that exists, as YYYY-MM-DD or YYYY-MM-DD HH:MM:SS")]


def order_problems(field: str, validity: Validity) -> Problems:
    """Whether the end is behind the beginning; ``field`` is that of the end."""
    if validity.begin is None or validity.end is None:
        return []
    is_right = _whole(validity.begin, _FIRST) <= _whole(validity.end, _LAST)
    return [] if is_right else [(field, "expected nothing before the beginning")]


def _whole(bound: str, rest: str) -> str:
    return bound if " " in bound else bound + rest
