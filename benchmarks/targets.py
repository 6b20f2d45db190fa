"""What is measured, and what is expected of it: the one table of targets and margins.

A ratio is tfserver's figure over the peer's, round by round, then the median of the rounds. A limit is
tfserver's own figure. Works of orders have no peer but several figures; some are ratios to what the same
round found of punches, and only those can be compared between machines. ``margin`` is the share by which a
figure may be worse before it counts: of a small run on a shared machine worse than the target, of any run
worse than the baseline it is compared with. A full run tells what it misses at all.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from benchmarks.contestants import (
    AUTOBAHN,
    FROM_ELSEWHERE,
    IN_BATCHES,
    IN_POSTGRES,
    IN_SQLITE,
    MANY_DOORS,
    NO_STORE,
    NODE,
    NODE_REDIS,
    ONE_DOOR,
    OVER_HTTP,
    PIPELINE,
    SENDER,
    TFSERVER,
    WEBSOCKETS,
    Contestant,
)

COMPARED: Final = float("inf")
"""The bound of a figure that is only compared with an earlier run."""
RATIO_MARGIN: Final = 0.4
"""Two servers of one round see the same machine, but not at the same moment: a third may be noise."""


class Load(NamedTuple):
    """What load.py, ordering.py or arriving.py is told; for ``period``, ``rate`` and ``amount`` see there."""

    mode: str
    terminals: int
    records: int = 1
    rate: float = 0.0
    amount: int = 0
    period: float = 3.0
    warm_up: float = 1.0
    seconds: float = 4.0
    is_fixed: bool = False
    """Whether the measured time is part of what is measured, and no option changes it."""


class Target(NamedTuple):
    """``bound`` of a ratio to a peer (at least), or of our own figure when ``against`` is empty: at most, or
    at least where ``is_floor``."""

    against: str
    bound: float
    margin: float
    most_fsync: float = 0.0
    """Only judged where the 99th percentile of fdatasync is at most this (ms); 0: always."""
    of: str = ""
    """Which of our figures; the first one has no name."""
    is_floor: bool = False
    is_local: bool = False
    """It says something of this machine only: a small run, which is compared with others', leaves it out."""

    is_steady: bool = False
    """A busy machine does not change it."""

    @property
    def wants_more(self) -> bool:
        """Whether more is better."""
        return self.is_floor or bool(self.against)

    @property
    def name(self) -> str:
        """What the figure is called among those of its work."""
        return self.against or self.of or "own"

    def is_met(self, found: float, margin: float = 0.0) -> bool:
        """Whether a figure is as good as the bound, give or take a share of it."""
        if self.wants_more:
            return found >= self.bound * (1 - margin)
        return found <= self.bound * (1 + margin)


class Work(NamedTuple):
    """One thing to measure with all who take part; ours is the first."""

    name: str
    title: str
    figure: str
    """``rate``, ``memory``, ``idle`` or ``p99``; of orders any name that ordering.py has for one."""
    contestants: tuple[Contestant, ...]
    load: Load
    small: Load | None
    targets: tuple[Target, ...]
    most_rounds: int = 100
    """More rounds than this say nothing new: the figure hardly spreads, and each takes long."""
    small_rounds: int = 3
    told: tuple[tuple[str, str], ...] = ()
    """Names of all its figures, where there are several, and how the table calls them."""

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


def _own(of: str) -> Target:
    return Target("", COMPARED, RATIO_MARGIN, of=of)


def _here(of: str, bound: float, is_floor: bool = False) -> Target:
    return Target("", bound, RATIO_MARGIN, of=of, is_floor=is_floor, is_local=True)


_GROWTH: Final = Target("", 16.0, 0.5, of="grown", is_steady=True)
"""MiB: pages under way, and what waits for the collector of cycles; more logs need no more."""
_FLAT: Final = Target("", 32.0, 0.5, of="csv grown", is_steady=True)
"""MiB: what is under way of a file; more rows need no more."""
_BY_PEER: Final = Target("", 1.0, RATIO_MARGIN, of="by peer", is_floor=True)
DOORS_TOLD: Final = (
    ("p50", "from the moment it was due to its end, p50 (ms)"),
    ("p99", "the same, p99 (ms)"),
    ("offered", "offered a second"),
    ("achieved", "achieved a second"),
    ("ack", "a punch at this rate is acknowledged within, p50 (ms)"),
    ("by ack", "p50 of a door ÷ p50 of a punch"),
)
ORDERS_TOLD: Final = (
    ("rate", "orders a second, from the first put to the last end"),
    ("put", "of these put a second"),
    ("punches", "punches a second meanwhile"),
    ("calm", "p99 (ms) of their answers without orders"),
    ("busy", "p99 (ms) of their answers beside orders"),
    ("grown", "p99 beside orders ÷ p99 without"),
    ("acks", "punches a second at most, without orders"),
    ("by ack", "an order takes as long as so many punches"),
)
PULL_TOLD: Final = (
    ("rate", "records a second, all of them new"),
    ("known", "records a second, all of them known"),
    ("before", "memory of the server before (MiB)"),
    ("grown", "more at its peak (MiB)"),
    ("left", "more afterwards (MiB)"),
    ("push", "records a second that the same terminal pushes, 50 a message"),
    ("by push", "a record pulled takes as long as so many pushed"),
)
WEBHOOKS_TOLD: Final = (
    ("rate", "punches a second to the receiver"),
    ("sizes", "punches in a request"),
    ("beside", "punches a second to it beside 2,000 that come"),
    ("calm", "p99 (ms) of answers at 2,000 punches a second, nothing delivered"),
    ("following", "p99 (ms), all delivered as they come"),
    ("busy", "p99 (ms), beside a backlog that is delivered"),
    ("followed", "p99, delivered as they come ÷ p99, nothing delivered"),
    ("grown", "p99 beside a backlog ÷ p99, nothing delivered"),
)
END_TO_END_TOLD: Final = (
    ("p50", "from the frame to the receiver, p50 (ms)"),
    ("p99", "p99 (ms)"),
    ("ack", "from the frame to its acknowledgement, p50 (ms)"),
    ("by ack", "p50 to the receiver ÷ p50 of the acknowledgement"),
)
ARCHIVE_TOLD: Final = (
    ("rate", "rows a second into the archive"),
    ("peer", "rows a second of redis-py + SQLAlchemy"),
    ("by peer", "rows a second ÷ the peer's"),
    ("csv", "rows a second as CSV"),
    ("csv grown", "more memory of the server at its peak (MiB)"),
    ("ndjson", "rows a second as NDJSON"),
    ("ndjson grown", "more memory of the server at its peak (MiB)"),
)
MONTH_TOLD: Final = (
    ("p50", "a person's month, p50 (ms)"),
    ("p99", "p99 (ms)"),
    ("rows", "punches in it"),
    ("ack", "a punch is acknowledged within, p50 (ms)"),
    ("by ack", "p50 of a month ÷ p50 of an acknowledgement"),
)

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
        (Target("", 4.0, 0.10, is_steady=True),),
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
    Work(
        "doors",
        "opendoor over HTTP at one server, terminals at another, 200/s: time without the terminal's own",
        "p50",
        (MANY_DOORS, ONE_DOOR),
        Load("doors", 50, rate=200.0, seconds=10.0),
        Load("doors", 50, rate=200.0, warm_up=0.5, seconds=2.0),
        (_here("p50", 5.0), _here("p99", 25.0), _own("by ack")),
        most_rounds=3,
        small_rounds=1,
        told=DOORS_TOLD,
    ),
    Work(
        "orders",
        "{terminals} terminals get 20 credentials each through one process, beside 2,000 punches/s",
        "rate",
        (FROM_ELSEWHERE, OVER_HTTP),
        Load("orders", 1_000, rate=2000.0, amount=20, seconds=5.0),
        Load("orders", 150, rate=2000.0, amount=20, warm_up=0.5, seconds=1.5),
        (_here("rate", 3_000, is_floor=True), _here("grown", 1.5), _own("by ack")),
        most_rounds=3,
        small_rounds=1,
        told=ORDERS_TOLD,
    ),
    Work(
        "pull",
        "all logs of a terminal read by getalllog",
        "rate",
        (TFSERVER,),
        Load("pull", 1, amount=100_000, is_fixed=True),
        Load("pull", 1, amount=20_000, warm_up=0.5, is_fixed=True),
        (_here("rate", 20_000, is_floor=True), _GROWTH, _own("by push")),
        most_rounds=3,
        small_rounds=1,
        told=PULL_TOLD,
    ),
    Work(
        "webhooks",
        "punches to a receiver of webhooks in requests of 100, as fast as it goes",
        "rate",
        (IN_BATCHES, SENDER),
        Load("deliver", 300, amount=120_000, seconds=5.0),
        Load("deliver", 300, amount=25_000, warm_up=0.5, seconds=1.5),
        (
            Target(SENDER.name, 1.0, RATIO_MARGIN),
            _here("rate", 5_000, is_floor=True),
            _here("grown", 1.5),
            _own("followed"),
        ),
        most_rounds=3,
        small_rounds=1,
        told=WEBHOOKS_TOLD,
    ),
    Work(
        "end-to-end",
        "a punch now and then: from the terminal's frame to the receiver of a webhook",
        "p50",
        (IN_BATCHES, SENDER),
        Load("arrive", 50, rate=20.0, seconds=15.0),
        Load("arrive", 50, rate=20.0, warm_up=0.5, seconds=2.5),
        (_here("p50", 20.0), _own("by ack")),
        most_rounds=3,
        small_rounds=1,
        told=END_TO_END_TOLD,
    ),
    Work(
        "archive",
        "punches into PostgreSQL, and out again as a file",
        "rate",
        (IN_POSTGRES,),
        Load("archive", 1, amount=500_000, is_fixed=True),
        None,
        (_here("rate", 10_000, is_floor=True), _here("csv", 100_000, is_floor=True), _FLAT, _BY_PEER),
        most_rounds=3,
        told=ARCHIVE_TOLD,
    ),
    Work(
        "archive-sqlite",
        "punches into SQLite, and out again as a file",
        "rate",
        (IN_SQLITE,),
        Load("archive", 1, amount=500_000, is_fixed=True),
        Load("archive", 1, amount=40_000, is_fixed=True),
        (_here("rate", 10_000, is_floor=True), _here("csv", 100_000, is_floor=True), _FLAT, _BY_PEER),
        most_rounds=3,
        small_rounds=1,
        told=ARCHIVE_TOLD,
    ),
    Work(
        "month",
        "one person's 30 days out of many punches in PostgreSQL, over HTTP",
        "p50",
        (IN_POSTGRES,),
        Load("month", 1, amount=10_000_000, is_fixed=True),
        None,
        (_here("p50", 50.0), _own("by ack")),
        most_rounds=1,
        told=MONTH_TOLD,
    ),
    Work(
        "month-sqlite",
        "one person's 30 days out of many punches in SQLite, over HTTP",
        "p50",
        (IN_SQLITE,),
        Load("month", 1, amount=10_000_000, is_fixed=True),
        None,
        (_here("p50", 50.0), _own("by ack")),
        most_rounds=1,
        told=MONTH_TOLD,
    ),
)
