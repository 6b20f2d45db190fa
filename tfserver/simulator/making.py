"""Making the terminals of a fleet from a plan."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from tfserver.simulator.dialects import CHOICES, Dialect
from tfserver.simulator.memory import Memory, populate
from tfserver.simulator.push import Timers
from tfserver.simulator.registration import identity_of
from tfserver.simulator.terminal import Terminal


@dataclass(frozen=True, slots=True)
class Plan:
    """How many terminals of which kind; ``dialect`` is a key of `CHOICES`, numbers are for each terminal."""

    terminals: int = 1
    dialect: str = "documented"
    users: int = 5
    backlog: int = 0
    batch: int = 20
    sn_prefix: str = "SIMT"
    timers: Timers = field(default_factory=Timers)


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
    memory = Memory(offset)
    populate(memory, plan.users, dialect.credentials)
    memory.backlog(plan.backlog, now, dialect.modes, random)
    return Terminal(identity_of(plan.sn_prefix, index), dialect, memory, plan.timers, plan.batch)
