"""How long to wait before a receiver is tried again: seconds at first, hours in the end, and for ever."""

from __future__ import annotations

from typing import Final

WAITS: Final = (1, 5, 30, 120, 300, 900, 1800, 3600, 7200, 14_400)
"""Seconds after the first failure in a row, the second, … the last stands for all behind it."""
JITTER: Final = 0.2
"""So far a wait is shortened or stretched, so that receivers which failed together are not tried together."""
MOST_SECONDS: Final = 14_400.0


def wait_after(failures: int, chance: float) -> float:
    """Seconds until the next try after so many failures in a row; ``chance`` is random in 0 … 1."""
    usual = WAITS[min(failures, len(WAITS)) - 1]
    return usual * (1 - JITTER + 2 * JITTER * chance)


def asked_wait(seconds: float) -> float:
    """The wait that a receiver asked for, within reason: it must not silence a webhook for days."""
    return min(max(seconds, 1.0), MOST_SECONDS)


def next_wait(asked: float | None, failures: int, chance: float) -> float:
    """The wait that a receiver asked for, or else the usual one."""
    return wait_after(failures, chance) if asked is None else asked_wait(asked)
