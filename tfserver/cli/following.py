"""Waiting for work that the server does by itself, with a progress bar."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from tfserver.cli.output import Row, Tell, progress

LOOK_SECONDS: Final = 1.0

Look = Callable[[], Row]
HasEnded = Callable[[Row], bool]
Far = Callable[[Row], tuple[int, int | None]]
"""How much is done, and of how much if that is known."""


def followed(what: str, found: Row, look: Look, has_ended: HasEnded, far: Far) -> Row:
    """What ``look`` finds when it has ended; ``found`` is how it was at the beginning."""
    with progress(what) as tell:
        return _until_ended(found, look, has_ended, far, tell)


def _until_ended(found: Row, look: Look, has_ended: HasEnded, far: Far, tell: Tell) -> Row:
    while True:
        tell(*far(found))
        if has_ended(found):
            return found
        time.sleep(LOOK_SECONDS)
        found = look()


def far_in(stage: object) -> tuple[int, int | None]:
    """How far ``person 26 of 300`` is."""
    words = str(stage).split()
    if len(words) == 4 and words[1].isdigit() and words[3].isdigit():
        return int(words[1]), int(words[3])
    return 0, None
