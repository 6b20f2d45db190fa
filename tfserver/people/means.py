"""What carrying out a plan is done with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tfserver.commander import Commander
from tfserver.config import ModelProfile, People
from tfserver.model import Terminal
from tfserver.people.asking import Asker
from tfserver.people.looking import Looker
from tfserver.store.people.directory import Directory
from tfserver.store.people.groups import Groups
from tfserver.store.people.holdings import Holdings
from tfserver.store.people.plans import Plans
from tfserver.store.people.present import Present
from tfserver.store.terminals import Terminals


@dataclass(frozen=True, slots=True)
class Means:
    """The faces of the rest. ``local_of`` is the time that a terminal shows, ``YYYY-MM-DD HH:MM:SS``."""

    reactor: Any
    plans: Plans
    directory: Directory
    groups: Groups
    holdings: Holdings
    present: Present
    looker: Looker
    terminals: Terminals
    commander: Commander
    settings: People
    profiles: dict[str, ModelProfile]
    local_of: Callable[[Terminal], str]

    def asker(self, actor: str) -> Asker:
        """Orders in somebody's name."""
        return Asker(self.commander, actor)
