"""The generations of a store: a new one begins when what was acknowledged last may be gone.

Replicas are behind: one that is promoted lacks what its primary kept last. So does a server that was started
anew and had not synced each write. The replication id tells of both (``scripts/generation.lua``). Nothing is
written over a connection before that was looked at.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from tfserver.config import Durability
from tfserver.store.keys import Keys
from tfserver.store.script import Script

LEAP_MS: Final = 60_000
"""The ids of streams leap so far beyond every moment that the old primary can have told."""
LAG_SECONDS: Final = 10
"""A replica that has confirmed nothing for longer does not keep up."""
_NEVER_PROMOTED: Final = "0" * 40


class Generation(NamedTuple):
    """Which generation of the store this is. Of two with the same ``number`` the ``lineage`` differs when one
    was forgotten by a second failover. ``is_new``: it began with this question; ``is_due``: a new one has to
    begin, and could not. ``refused``: why the store takes no writes now."""

    number: int
    lineage: str
    is_new: bool = False
    is_due: bool = False
    was_replicated: bool = False
    refused: str = ""


class Generations:
    """Asks in which generation a store is, and begins one. ``now`` is UTC (s), ``clock`` only goes on."""

    def __init__(
        self, keys: Keys, now: Callable[[], float], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.known = 0
        """The last generation that this process was in."""
        self._keys = keys
        self._now = now
        self._clock = clock
        self._script = Script("generation")
        self._ahead_ms = 0.0
        """How far the clock of the store is ahead of ours, which only goes on."""
        self._leapt_ms = 0
        """How far streams leapt at the last failover we heard of: ids were given out from there on, whatever
        clocks say, and the next primary may know nothing of it."""

    async def ask(
        self, connection: Any, info: dict[str, str], where: str, durability: Durability
    ) -> Generation:
        """The generation of the store behind a connection, by what it told of itself."""
        keys = self._keys
        streams = [keys.punches, keys.quarantine, keys.events, keys.audit, keys.news]
        before = info.get("master_replid2", _NEVER_PROMOTED)
        found = await connection.execute_command(
            *("EVAL", self._script.text, 2 + len(streams), keys.meta, keys.news, *streams),
            *(info.get("master_replid", ""), "" if before == _NEVER_PROMOTED else before),
            *(info.get("run_id", ""), where, "1" if durability is Durability.ALWAYS else ""),
            *(self._latest_ms(), self.known, LEAP_MS, replicas_of(info) or 0),
        )
        number, lineage, news, now_ms, replicated, refused, leapt = found
        self._ahead_ms = int(now_ms) - self._clock() * 1000
        self._leapt_ms = max(self._leapt_ms, int(leapt.partition("-")[0] or 0))
        return Generation(int(number), lineage, news == "new", news == "due", bool(replicated), refused)

    def _latest_ms(self) -> int:
        """No clock that gave out ids told a later moment: ours, and what the store's must say by now; and no
        leap went further."""
        stores = self._ahead_ms + self._clock() * 1000 if self._ahead_ms else 0
        return round(max(self._now() * 1000, stores, self._leapt_ms))


def replicas_of(info: dict[str, str]) -> int | None:
    """How many replicas keep up, by what a store tells of itself; None when it does not tell."""
    if "connected_slaves" not in info:
        return None
    lines = (value for name, value in info.items() if name.startswith("slave") and name[5:].isdigit())
    fields = (dict(part.partition("=")[::2] for part in line.split(",")) for line in lines)
    return sum(one.get("state") == "online" and _lag_of(one) <= LAG_SECONDS for one in fields)


def _lag_of(fields: dict[str, str]) -> int:
    text = fields.get("lag", "0")
    return int(text) if text.isdigit() else 0
