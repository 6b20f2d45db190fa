"""What the pages are made from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tfserver.commander import Commander
from tfserver.metrics import Metrics
from tfserver.store.audit import Audit
from tfserver.store.events import Events
from tfserver.store.punches import Punches
from tfserver.store.terminals import Terminals
from tfserver.store.tokens import Tokens


@dataclass(frozen=True, slots=True)
class Sources:
    """The faces of the rest. ``unready`` says why no punch would be taken now, or None."""

    terminals: Terminals
    punches: Punches
    tokens: Tokens
    commander: Commander
    audit: Audit
    events: Events
    metrics: Metrics
    unready: Callable[[], str | None]
    draining: Callable[[], bool]
