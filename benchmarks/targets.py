"""What is measured, and what is expected of it: the one table of targets and margins.

A ratio is tfserver's figure over the peer's, round by round, then the median of the rounds. A limit is
tfserver's own figure. ``margin`` is the share by which a figure may be worse before it counts: of a small run
on a shared machine worse than the target, of any run worse than the baseline it is compared with. A full run
tells what it misses at all.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from benchmarks.contestants import (
    AUTOBAHN,
    NO_STORE,
    NODE,
    NODE_REDIS,
    PIPELINE,
    TFSERVER,
    WEBSOCKETS,
    Contestant,
)

RATIO_MARGIN: Final = 0.4
"""Two servers of one round see the same machine, but not at the same moment: a third may be noise."""


class Load(NamedTuple):
    """What load.py is told; for ``period`` and ``rate`` see there."""

    mode: str
    terminals: int
    records: int = 1
    rate: float = 0.0
    period: float = 3.0
    warm_up: float = 1.0
    seconds: float = 4.0
    is_fixed: bool = False
    """Whether the measured time is part of what is measured, and no option changes it."""


class Target(NamedTuple):
    """``bound`` of a ratio to a peer (at least), or of our own figure (at most) when ``against`` is empty."""

    against: str
    bound: float
    margin: float
    most_fsync: float = 0.0
    """Only judged where the 99th percentile of fdatasync is at most this (ms); 0: always."""

    def is_met(self, found: float, margin: float = 0.0) -> bool:
        """Whether a figure is as good as the bound, give or take a share of it."""
        return found >= self.bound * (1 - margin) if self.against else found <= self.bound * (1 + margin)


class Work(NamedTuple):
    """One thing to measure with all who take part; ours is the first."""

    name: str
    title: str
    figure: str
    """``rate``, ``memory``, ``idle`` or ``p99``."""
    contestants: tuple[Contestant, ...]
    load: Load
    small: Load | None
    targets: tuple[Target, ...]
    most_rounds: int = 100
    """More rounds than this say nothing new: the figure hardly spreads, and each takes long."""

    def taking_part(self, is_small: bool, has_node: bool) -> list[Contestant]:
        """Who is measured: in a small run only we and those that a target names."""
        named = {self.contestants[0].name, *(target.against for target in self.targets)}
        return [
            each
            for each in self.contestants
            if (has_node or not each.needs_node) and (each.name in named or not is_small)
        ]


def _brief(terminals: int, records: int = 1) -> Load:
    return Load("closed", terminals, records, warm_up=0.5, seconds=1.5)


def _storm(terminals: int) -> Load:
    return Load("storm", terminals, is_fixed=True)


def _silent(terminals: int) -> Load:
    # one ping in the whole time: the mode is there for the memory
    return Load("idle", terminals, period=60.0, seconds=3.0, is_fixed=True)


def _pinging(terminals: int, seconds: float) -> Load:
    return Load("idle", terminals, warm_up=3.0, seconds=seconds, is_fixed=True)


def _offered(terminals: int, seconds: float) -> Load:
    return Load("offered", terminals, rate=2000.0, warm_up=2.0, seconds=seconds)


WORKS: Final = (
    Work(
        "no-store",
        "sendlog of 1 record, store a no-op, {terminals} terminals: a second",
        "rate",
        (NO_STORE, AUTOBAHN, NODE),
        Load("closed", 64),
        _brief(64),
        (Target(AUTOBAHN.name, 5.0, RATIO_MARGIN), Target(NODE.name, 1.2, RATIO_MARGIN)),
    ),
    Work(
        "durable",
        "sendlog of 1 record, synced to disk, {terminals} terminals: a second",
        "rate",
        (TFSERVER, NODE_REDIS, WEBSOCKETS),
        Load("closed", 100),
        _brief(100),
        (Target(NODE_REDIS.name, 1.1, RATIO_MARGIN), Target(WEBSOCKETS.name, 6.0, RATIO_MARGIN)),
    ),
    Work(
        "durable-10",
        "sendlog of 10 records, synced to disk, {terminals} terminals: records a second",
        "rate",
        (TFSERVER, NODE_REDIS, WEBSOCKETS, PIPELINE),
        Load("closed", 100, records=10),
        _brief(100, records=10),
        (Target(NODE_REDIS.name, 1.5, RATIO_MARGIN), Target(WEBSOCKETS.name, 12.0, RATIO_MARGIN)),
    ),
    Work(
        "storm",
        "connect and reg of {terminals} terminals, synced to disk (the peer has no store): a second",
        "rate",
        (TFSERVER, AUTOBAHN),
        _storm(10_000),
        _storm(3_000),
        (Target(AUTOBAHN.name, 4.0, RATIO_MARGIN),),
    ),
    Work(
        "memory",
        "{terminals} terminals connected and idle: KiB of the server's memory for each",
        "memory",
        (TFSERVER, AUTOBAHN, NODE),
        _silent(20_000),
        _silent(5_000),
        (Target("", 4.0, 0.10),),
        most_rounds=3,
    ),
    Work(
        "pings",
        "{terminals} idle terminals that ping every 3 s: % of a core",
        "idle",
        (TFSERVER, AUTOBAHN, NODE),
        _pinging(10_000, 12.0),
        None,
        (Target("", 10.0, 0.20),),
        most_rounds=3,
    ),
    Work(
        "latency",
        "p99 (ms) of a synced answer, 2,000 punches/s offered, {terminals} connected",
        "p99",
        (TFSERVER, NODE_REDIS),
        _offered(10_000, 10.0),
        None,
        (Target("", 10.0, 1.0, most_fsync=1.0),),
        most_rounds=3,
    ),
)
