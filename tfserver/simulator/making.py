"""Making the terminals of a fleet from a plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from random import Random

from tfserver.simulator.dialects import CHOICES, Dialect
from tfserver.simulator.memory import Memory, populate, populate_alike
from tfserver.simulator.moods import Mood
from tfserver.simulator.push import Timers
from tfserver.simulator.registration import identity_of
from tfserver.simulator.terminal import Terminal


@dataclass(frozen=True, slots=True)
class Plan:
    """How many terminals of which kind; ``dialect`` is a key of `CHOICES`, numbers are for each terminal.

    ``history`` are logs that it holds and that were acknowledged long ago, ``backlog`` those that were not.
    With ``credentials`` everybody has these; ``sizes`` and ``fpalgo`` take the place of the dialect's.
    """

    terminals: int = 1
    dialect: str = "documented"
    users: int = 5
    history: int = 0
    backlog: int = 0
    batch: int = 20
    sn_prefix: str = "SIMT"
    timers: Timers = field(default_factory=Timers)
    moods: tuple[Mood, ...] = ()
    credentials: tuple[int, ...] = ()
    sizes: Mapping[str, int] = field(default_factory=dict)
    fpalgo: str = ""


def make_terminals(plan: Plan, now: float, offset: float, random: Random) -> list[Terminal]:
    """All terminals of a plan, with people and backlog; their clocks show ``now`` plus ``offset`` seconds."""
    dialects = CHOICES[plan.dialect]
    return [
        make_terminal(plan, index, dialects[index % len(dialects)], now, offset, random)
        for index in range(plan.terminals)
    ]


def make_terminal(
    plan: Plan, index: int, dialect: Dialect, now: float, offset: float, random: Random
) -> Terminal:
    """The terminal number ``index`` (from 0) of a plan."""
    if plan.fpalgo:
        dialect = replace(dialect, fpalgo=plan.fpalgo)
    memory = Memory(offset, {**dialect.sizes, **plan.sizes})
    if plan.credentials:
        stored = tuple(slot for slot in plan.credentials if slot in dialect.storable)
        populate_alike(memory, plan.users, stored)
    else:
        populate(memory, plan.users, dialect.credentials)
    memory.backlog(plan.history + plan.backlog, now, dialect.modes, random)
    memory.logs.settle(min(plan.history, len(memory.logs)))
    identity = identity_of(plan.sn_prefix, index)
    return Terminal(identity, dialect, memory, plan.timers, plan.batch, plan.moods)
