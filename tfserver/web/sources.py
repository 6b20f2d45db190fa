"""What the pages are made from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tfserver.commander import Commander
from tfserver.config import Settings
from tfserver.delivery.names import Names
from tfserver.health import Health
from tfserver.metrics import Metrics
from tfserver.people.faces import Faces
from tfserver.pressure import Pressure
from tfserver.store.accounts import Accounts
from tfserver.store.archive.database import Archive
from tfserver.store.audit import Audit
from tfserver.store.events import Events
from tfserver.store.feed import Feed
from tfserver.store.inquiries import Inquiries
from tfserver.store.punches import Punches
from tfserver.store.sessions import Sessions
from tfserver.store.terminals import Terminals
from tfserver.store.tokens import Tokens
from tfserver.store.webhooks import Webhooks


@dataclass(frozen=True, slots=True)
class Sources:
    """The faces of the rest. ``unready`` says why no punch would be taken now, or None."""

    terminals: Terminals
    punches: Punches
    tokens: Tokens
    sessions: Sessions
    accounts: Accounts
    commander: Commander
    audit: Audit
    events: Events
    metrics: Metrics
    unready: Callable[[], str | None]
    draining: Callable[[], bool]
    webhooks: Webhooks
    names: Names
    feed: Feed
    archive: Archive
    inquiries: Inquiries
    people: Faces
    zone: str = field(default="", kw_only=True)
    """Of terminals for which nobody chose one; empty: this machine's."""
    pressure: Pressure = field(default_factory=Pressure, kw_only=True)
    health: Health = field(kw_only=True)
    settings: Settings = field(default_factory=Settings, kw_only=True)
    """As they were loaded; pages mask what is secret."""
