"""What the clocks of terminals show."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from tfserver.model import Terminal
from tfserver.wire import times


def clocks(reactor: Any, zone: str) -> Callable[[Terminal], str]:
    """Tells the time of a terminal now, ``YYYY-MM-DD HH:MM:SS``; those for which nobody chose a zone are in
    this one, and if it is empty in that of this machine."""

    def local_of(terminal: Terminal) -> str:
        """Of one terminal."""
        now = datetime.fromtimestamp(reactor.seconds(), UTC)
        ahead = times.offset_in(terminal.timezone or zone, now)
        return (now + timedelta(seconds=ahead)).strftime(times.WIRE)

    return local_of
