"""How much terminals use, kept day by day; and warnings of those that came nearly full."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from tfserver.store.people.rooms import Rooms

KIND: Final = "samples"
"""The kind of errand, and its name: there is one."""
EVERY_SECONDS: Final = 600.0
"""So often it is looked: a registration alone warns of nothing but logs."""


class Sampling:
    """Looks at all terminals. ``reactor`` gives the time."""

    def __init__(self, reactor: Any, rooms: Rooms) -> None:
        self._reactor = reactor
        self._rooms = rooms

    async def do(self, name: str) -> float | None:
        """The errand: look once, and come again."""
        await self._rooms.sample_all(datetime.fromtimestamp(self._reactor.seconds(), UTC).date())
        return EVERY_SECONDS
