"""What tests of one process share: it ends with the first test that starts servers of its own, which need the
machine for themselves, at the latest with the process."""

from __future__ import annotations

import atexit
from collections.abc import Callable

_ENDS: list[Callable[[], object]] = []


def keep(end: Callable[[], object]) -> None:
    """Something was started, and is ended by ``end``."""
    _ENDS.append(end)


@atexit.register
def let_go() -> None:
    """End all of it, the last one first."""
    while _ENDS:
        _ENDS.pop()()
