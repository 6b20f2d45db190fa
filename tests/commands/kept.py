"""A store that remembers in lists what handlers kept, and a terminal's context on it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

from tfserver.commands.context import Context, Services, Stores
from tfserver.config import Settings
from tfserver.configfile import load
from tfserver.errors import StoreUnavailable
from tfserver.metrics import Metrics
from tfserver.model import Admission, ClockEntry, Registration, canonical_sn
from tfserver.store.keys import Keys
from tfserver.store.shelf import Bad, Frame, Kept, Record, Shelf
from tfserver.store.terminals import Arrival
from tfserver.store.users import Origin, Profile
from tfserver.wire.times import Present

NOW = datetime(2026, 4, 2, 8, 15, 4, tzinfo=UTC)
NOW_MS = 1_775_117_704_000
MOMENT = Present(NOW.timestamp).read()
SN = "ZXDM26010042"


class KeptTerminals:
    """Registrations and clocks."""

    def __init__(self) -> None:
        self.registration = Registration(Admission.APPROVED)
        self.failure: Exception | None = None
        self.arrivals: list[tuple[Arrival, str]] = []
        self.clocks: list[tuple[str, tuple[ClockEntry, ...], int | None]] = []

    async def register(self, arrival: Arrival, connection: str) -> Registration:
        """As the store does it."""
        if self.failure is not None:
            raise self.failure
        self.arrivals.append((arrival, connection))
        found = self.registration
        is_known = found.clock or found.timezone or found.echo is not None
        if is_known or found.admission is not Admission.APPROVED:
            return found
        self.clocks.append((arrival.sn, arrival.clock, arrival.echo))
        return msgspec.structs.replace(found, clock=arrival.clock, echo=arrival.echo)

    async def set_clock(self, sn: str, timeline: tuple[ClockEntry, ...], echo: int | None) -> None:
        """As the store does it."""
        if self.failure is not None:
            raise self.failure
        self.clocks.append((sn, timeline, echo))


class KeptPunches:
    """Batches."""

    def __init__(self) -> None:
        self.batches: list[tuple[str, int | None, list[Record], list[Bad]]] = []
        self.failure: Exception | None = None

    async def append(self, sn: str, logindex: int | None, records: list[Record], bad: list[Bad]) -> Kept:
        """As the store does it."""
        if self.failure is not None:
            raise self.failure
        self.batches.append((canonical_sn(sn), logindex, records, bad))
        return Kept(len(records), 0, 0)

    def shelf(self, sn: str) -> Shelf:
        """As the store does it."""
        return Shelf(Keys(""), sn)

    def keep_turn(self, frames: list[Frame]) -> None:
        """As the store does it."""
        outcomes: list[tuple[Any, Kept | Exception]] = []
        for frame in frames:
            if self.failure is not None:
                outcomes.append((frame.asker, self.failure))
                continue
            self.batches.append((frame.shelf.sn, frame.logindex, frame.records, frame.bad))
            outcomes.append((frame.asker, Kept(len(frame.records), 0, 0)))
        if outcomes:
            frames[0].told(outcomes)


class KeptUsers:
    """People."""

    def __init__(self) -> None:
        self.known: set[int] = set()
        self.failure: Exception | None = None
        self.people: list[tuple[str, int, Profile, tuple[int, str] | None, Origin]] = []

    async def put(
        self, sn: str, enrollid: int, profile: Profile, credential: tuple[int, str] | None, origin: Origin
    ) -> None:
        """As the store does it."""
        if self.failure is not None:
            raise self.failure
        self.people.append((sn, enrollid, profile, credential, origin))

    async def is_known(self, enrollid: int) -> bool:
        """As the store does it."""
        if self.failure is not None:
            raise self.failure
        return enrollid in self.known


class KeptHoldings:
    """What the terminal has: ``asked`` is what was told of that, in order."""

    def __init__(self) -> None:
        self.failure: Exception | None = None
        self.asked: list[tuple[Any, ...]] = []
        self.rooms = self

    def __getattr__(self, name: str) -> Callable[..., Awaitable[None]]:
        """As the store does it."""

        async def asked(*told: Any) -> None:
            """It is noted."""
            if self.failure is not None:
                raise self.failure
            self.asked.append((name, *told))

        return asked


def version_of(record: str) -> str:
    """As the vault does it, but readable."""
    return f"version of {record}"


AWAY = StoreUnavailable("the store is away")


class Desk:
    """One terminal's context over a store that remembers; ``now`` may be moved."""

    def __init__(self, **options: Any) -> None:
        self.terminals, self.punches, self.users = KeptTerminals(), KeptPunches(), KeptUsers()
        self.now = NOW
        names = {name.replace("__", "."): value for name, value in options.items()}
        self.settings: Settings = load(None, {"terminals.timezone": "UTC", **names})
        self.holdings = KeptHoldings()
        faces: Any = (self.terminals, self.punches, self.users, None, self.holdings, version_of)
        stores = Stores(*faces)
        services = Services(stores, self.settings, Metrics(), Present(lambda: self.now.timestamp()))
        self.context = Context(services, "connection-1", "192.0.2.7")

    def admit(self, *timeline: ClockEntry, **registration: Any) -> Desk:
        """Let the terminal be registered already, its clock right unless told otherwise."""
        clock = timeline or (ClockEntry(0, 0),)
        self.context.sn, self.context.timeline = SN, clock
        self.context.registration = Registration(Admission.APPROVED, clock=clock, **registration)
        return self
