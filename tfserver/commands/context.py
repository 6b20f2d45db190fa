"""What a handler may know: its terminal, the store, the settings and the time."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from tfserver.config import Settings
from tfserver.metrics import Metrics
from tfserver.model import Admission, ClockEntry, Registration
from tfserver.store.punches import Punches
from tfserver.store.terminals import Terminals
from tfserver.store.users import Users
from tfserver.wire import times


@dataclass(frozen=True, slots=True)
class Stores:
    """One face of the store for each subject."""

    terminals: Terminals
    punches: Punches
    users: Users


@dataclass(frozen=True, slots=True)
class Services:
    """What all terminals of a process share. ``now`` is the aware present."""

    store: Stores
    settings: Settings
    metrics: Metrics
    now: Callable[[], datetime]
    leases: Iterator[int] = field(default_factory=itertools.count)
    """Numbers the leases of this process in the order the store gave them."""


@dataclass(slots=True)
class Context:
    """One terminal's connection, as its handlers see it."""

    services: Services
    connection: str
    address: str
    sn: str = ""
    leased: int = -1
    devinfo: dict[str, Any] = field(default_factory=dict)
    registration: Registration = field(default_factory=lambda: Registration(Admission.PENDING))
    timeline: tuple[ClockEntry, ...] = ()

    @property
    def store(self) -> Stores:
        """The store."""
        return self.services.store

    @property
    def settings(self) -> Settings:
        """The settings."""
        return self.services.settings

    def now(self) -> datetime:
        """The present, aware."""
        return self.services.now()

    def offset(self, now: datetime) -> int:
        """Seconds the terminal's clock is set ahead of UTC: its zone's, its own, or the default zone's."""
        registration = self.registration
        if not registration.timezone and registration.echo is not None:
            return registration.echo
        return times.offset_in(registration.timezone or self.settings.terminals.timezone, now)

    @property
    def zone_is_guessed(self) -> bool:
        """Whether the terminal keeps an offset it brought along, which nobody has confirmed."""
        return not self.registration.timezone and self.registration.echo is not None

    def clock_is_kept(self, now: datetime) -> bool:
        """Whether the next ``cloudtime`` only says what the timeline has already."""
        return bool(self.timeline) and self.timeline[-1].offset == self.offset(now)

    async def keep_clock(self, now: datetime, drift: int | None = None) -> None:
        """Remember the offset that the next ``cloudtime`` sets, before it is sent (design §3.4)."""
        timeline = times.extended(self.timeline, times.milliseconds(now), self.offset(now), drift)
        if timeline != self.timeline:
            await self.store.terminals.set_clock(self.sn, timeline, self.registration.echo)
            self.timeline = timeline

    def settle(self, site: str, timezone: str, model_profile: str) -> None:
        """Take over what people decided for this terminal meanwhile."""
        self.registration = msgspec.structs.replace(
            self.registration, site=site, timezone=timezone, model_profile=model_profile
        )

    def cloudtime(self) -> str:
        """The terminal's local time, as it goes on the wire."""
        now = self.now()
        return times.wire_time(now, self.offset(now))
