"""What a handler may know: its terminal, the store, the settings and the time."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec

from tfserver.commands.meaning import Meaning, meaning_of
from tfserver.config import ModelProfile, Settings
from tfserver.metrics import Metrics
from tfserver.model import Admission, ClockEntry, Decided, Registration
from tfserver.pressure import Pressure
from tfserver.store.outbox import Outbox
from tfserver.store.people.holdings import Holdings
from tfserver.store.punches import Punches
from tfserver.store.shelf import Shelf
from tfserver.store.terminals import Terminals
from tfserver.store.users import Users
from tfserver.wire import times


@dataclass(frozen=True, slots=True)
class Stores:
    """One face of the store for each subject."""

    terminals: Terminals
    punches: Punches
    users: Users
    outbox: Outbox
    holdings: Holdings
    version_of: Callable[[str], str]
    """What a credential is compared by (``Vault.version_of``)."""


class Make(NamedTuple):
    """What kind of terminal it is: credentials fit only others of their kind."""

    model: str = ""
    firmware: str = ""
    fpalgo: str = ""


_NO_MAKE: Final = Make()
UNREGISTERED: Final = Registration(Admission.PENDING)


@dataclass(frozen=True, slots=True)
class Services:
    """What all terminals of a process share."""

    store: Stores
    settings: Settings
    metrics: Metrics
    present: times.Present
    leases: Iterator[int] = field(default_factory=itertools.count)
    """Numbers the leases of this process in the order the store gave them."""
    pressure: Pressure = field(default_factory=Pressure)
    external_ids: Mapping[int, str] = field(default_factory=dict)
    """What other systems call people, by their numbers."""


class Context:
    """One terminal's connection, as its handlers see it. ``path`` is the hash of the secret path it said.

    ``meaning`` labels its punches, None when there is nothing to say beside what is sent;
    ``guessed`` says that the terminal keeps an offset it brought along, which nobody has confirmed;
    ``stretch`` is the last one of its timeline, as far as ordinary records are read by it.
    """

    __slots__ = (
        "_clock_kept_at",
        "_registration",
        "_shelf",
        "_sn",
        "_timeline",
        "address",
        "connection",
        "guessed",
        "leased",
        "make",
        "meaning",
        "path",
        "services",
        "site",
        "stretch",
    )

    def __init__(self, services: Services, connection: str, address: str, path: str = "") -> None:
        self.services = services
        self.connection = connection
        self.address = address
        self.path = path
        self._sn = ""
        self.leased = -1
        self.make = _NO_MAKE
        self.site = ""
        self.guessed = False
        self.meaning: Meaning | None = None
        self.stretch: times.Stretch | None = None
        self._registration = UNREGISTERED
        self._timeline: tuple[ClockEntry, ...] = ()
        self._clock_kept_at = -1
        self._shelf: Shelf | None = None

    @property
    def about(self) -> dict[str, Any]:
        """What a line of the log about this terminal has to say beside its words (``jsonlog``)."""
        return {"sn": self._sn, "connection": self.connection, "address": self.address}

    @property
    def store(self) -> Stores:
        """The store."""
        return self.services.store

    @property
    def settings(self) -> Settings:
        """The settings."""
        return self.services.settings

    @property
    def sn(self) -> str:
        """The serial number, as the terminal writes it."""
        return self._sn

    @sn.setter
    def sn(self, sn: str) -> None:
        """It says who it is."""
        self._sn = sn
        self._shelf = None

    @property
    def registration(self) -> Registration:
        """What is known of the terminal."""
        return self._registration

    @registration.setter
    def registration(self, registration: Registration) -> None:
        """It was admitted, or something was decided."""
        self._registration = registration
        self.meaning = meaning_of(registration.direction, self.profile, self.settings.punches, self.meaning)
        self.site = registration.site
        self.guessed = not registration.timezone and registration.echo is not None
        self._clock_kept_at = -1

    @property
    def profile(self) -> ModelProfile:
        """What its kind can do."""
        return self.settings.profile(self._registration.model_profile)

    @property
    def timeline(self) -> tuple[ClockEntry, ...]:
        """By which offsets the terminal's clock ran."""
        return self._timeline

    @timeline.setter
    def timeline(self, timeline: tuple[ClockEntry, ...]) -> None:
        """Its clock was set."""
        self._timeline = times.shared(timeline)
        self.stretch = times.last_stretch(timeline)
        self._clock_kept_at = -1

    @property
    def shelf(self) -> Shelf:
        """Where the terminal's punches go; made with the first."""
        if self._shelf is None:
            self._shelf = self.services.store.punches.shelf(self.sn)
        return self._shelf

    def now(self) -> datetime:
        """The present, aware."""
        return self.services.present.read().at

    def offset(self, now: datetime) -> int:
        """Seconds the terminal's clock is set ahead of UTC: its zone's, its own, or the default zone's."""
        registration = self._registration
        if not registration.timezone and registration.echo is not None:
            return registration.echo
        return times.offset_in(registration.timezone or self.settings.terminals.timezone, now)

    def clock_is_kept(self, moment: times.Moment) -> bool:
        """Whether a ``cloudtime`` now only says what the timeline has already.

        Asked anew each minute: offsets change at full minutes only.
        """
        if moment.minute == self._clock_kept_at:
            return True
        if not self._timeline or self._timeline[-1].offset != self.offset(moment.at):
            return False
        self._clock_kept_at = moment.minute
        return True

    async def keep_clock(self, now: datetime, drift: int | None = None) -> None:
        """Remember the offset that the next ``cloudtime`` sets, before it is sent (design §3.4)."""
        timeline = times.extended(self._timeline, times.milliseconds(now), self.offset(now), drift)
        if timeline != self._timeline:
            await self.store.terminals.set_clock(self.sn, timeline, self._registration.echo)
            self.timeline = timeline

    def settle(self, decided: Decided) -> None:
        """Take over what people decided for this terminal meanwhile."""
        self.registration = msgspec.structs.replace(self._registration, **decided._asdict())

    def cloudtime(self) -> str:
        """The terminal's local time, as it goes on the wire.

        By the offset that the timeline ends with, even if people or the zone chose another one meanwhile.
        """
        now = self.now()
        return times.wire_time(now, self._timeline[-1].offset if self._timeline else self.offset(now))
