"""How the values of the command line's options are read."""

from __future__ import annotations

import click

from tfserver.simulator.capacity import KINDS as CAPACITIES
from tfserver.simulator.dialects import ALL_CREDENTIALS
from tfserver.simulator.moods import Mood, MoodError, read_moods


def seconds(text: str) -> float:
    """A time above 0, and finite."""
    number = _float(text)
    if not 0 < number < float("inf"):
        raise click.BadParameter(f"'{text}': seconds above 0 expected")
    return number


def rate(text: str) -> float:
    """So many a second, perhaps none."""
    number = _float(text)
    if not 0 <= number < float("inf"):
        raise click.BadParameter(f"'{text}': 0 or more a second expected")
    return number


def moods(text: str) -> tuple[Mood, ...]:
    """How terminals answer otherwise than the documents say; see `read_moods`."""
    try:
        return read_moods(text)
    except MoodError as error:
        raise click.BadParameter(str(error)) from error


def credentials(text: str) -> tuple[int, ...]:
    """Slots, such as ``0,1,11,50``."""
    numbers = [int(part) if part.strip().isdecimal() else -1 for part in text.split(",")]
    if not ALL_CREDENTIALS.issuperset(numbers):
        raise click.BadParameter(f"'{text}': numbers of credentials expected, as in 0,1,11,50")
    return tuple(dict.fromkeys(numbers))


def capacities(text: str) -> dict[str, int]:
    """Sizes, such as ``user=500,fp=1000``."""
    pairs = [part.strip().partition("=") for part in text.split(",")]
    if not all(kind in CAPACITIES and size.isdecimal() for kind, _, size in pairs):
        raise click.BadParameter(f"'{text}': KIND=SIZE expected, the kinds are {', '.join(CAPACITIES)}")
    return {kind: int(size) for kind, _, size in pairs}


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")
