"""What a round needs, and what it found."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from benchmarks.place import Place

MOST_OTHERS: Final = 0.15
"""Share of a core that other programs may use; a round with more is disturbed and run again."""


class Round(msgspec.Struct, frozen=True):
    """What a round found. CPU is in shares of a core (1.0), ``request_us`` is server CPU for each request."""

    figure: float
    cpu: dict[str, float]
    request_us: float
    latency: dict[str, float]
    wrong: dict[str, int]
    servers: int = 1
    late_ms: float = 0.0
    """99th percentile of what the load itself was late (offered); it is part of the latency."""
    more: dict[str, float] = {}
    """Its other figures by name, where a work has several."""

    @property
    def is_disturbed(self) -> bool:
        """Whether other programs took too much of the machine."""
        return self.cpu["others"] > MOST_OTHERS

    @property
    def is_load_bound(self) -> bool:
        """Whether the load's core was full and the server's was not: the server can do more."""
        load, server = self.cpu["load"] + self.cpu.get("store", 0.0), self.cpu["server"]
        return load >= 0.95 and server + self.cpu.get("other", 0.0) < 0.9

    def figure_of(self, name: str) -> float:
        """One of its figures; the first one has no name."""
        return self.more[name] if name else self.figure


class Scene(NamedTuple):
    """Where and how rounds happen: open files allowed, and the folder for profiles, if any are wanted."""

    place: Place
    files: int
    patience: float
    """Until when (monotonic) a disturbed round is run again."""
    profiles: Path | None = None
