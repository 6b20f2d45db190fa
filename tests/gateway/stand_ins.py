"""Stand-ins for the store, the wire and the clock, and a terminal on a link between them."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import Logger
from twisted.python.failure import Failure

from tfserver import commands
from tfserver.commands.context import Context, Services, Stores
from tfserver.config import CatchUp, LimitSettings, Settings
from tfserver.config import Terminals as TerminalSettings
from tfserver.gateway.link import Link
from tfserver.gateway.stalls import Stalls
from tfserver.gateway.turn import Turn
from tfserver.metrics import FleetCounts, Metrics
from tfserver.model import Admission, Decided, Registration, canonical_sn
from tfserver.pressure import Pressure
from tfserver.store.completeness import Mark, Sum
from tfserver.store.keys import Keys
from tfserver.store.models import NOTHING
from tfserver.store.outbox import Look
from tfserver.store.proven import Proof
from tfserver.store.shelf import Frame, Kept, Shelf
from tfserver.store.terminals import Lease, Losses
from tfserver.wire.session import Session
from tfserver.wire.table import table
from tfserver.wire.times import Present

assert commands.__path__
SN = "ZXDM26010042"
START = datetime(2026, 4, 2, 8, 15, 4, tzinfo=UTC)
APPROVED = Registration(Admission.APPROVED, timezone="UTC")


class Face:
    """One face of the store: notes each call and gives what is set: a value, an exception, a Deferred."""

    lineage = "first"

    def __init__(self, **given: Any) -> None:
        self.given = given
        self.calls: list[tuple[str, tuple[Any, ...]]] = []

    def __getattr__(self, name: str) -> Callable[..., Coroutine[Any, Any, Any]]:
        if name not in self.__dict__.get("given", {}):
            raise AttributeError(name)

        async def call(*args: Any) -> Any:
            self.calls.append((name, args))
            found = self.given[name]
            found = found(*args) if callable(found) else found
            if isinstance(found, Exception):
                raise found
            return await found if isinstance(found, Deferred) else found

        return call

    def asked(self, name: str) -> list[tuple[Any, ...]]:
        """The arguments of all calls of one method."""
        return [args for called, args in self.calls if called == name]


class Registry(Face):
    """The registry, with what is proven of terminals in ``proofs``, and what was learnt of kinds."""

    def __init__(self, **given: Any) -> None:
        marks = {
            "proof": lambda sn: self.proofs.get(canonical_sn(sn), Proof()),
            "mark_dirty": self._doubt,
            "prove": self._prove,
            "mark_disabled": lambda sn: self.disabled.add(canonical_sn(sn)),
            "clear_disabled": lambda sn: self.disabled.discard(canonical_sn(sn)),
        }
        super().__init__(**marks, **given)
        self.proofs: dict[str, Proof] = {}
        self.disabled: set[str] = set()
        self.marks = Face(hold=True, sum=Sum(None, 0, 0))
        self.headcount = Face(silent=0, tell=None, sum=FleetCounts(), leave=None)
        self.models = Face(get=NOTHING, claim=False, keep=None, was_silent=1, has_answered=None)

    def _doubt(self, sn: str, day: str) -> str:
        known = self.proofs.get(canonical_sn(sn), Proof())
        stands = min(known.dirty or day, day)
        self.proofs[canonical_sn(sn)] = known._replace(dirty=stands)
        return stands

    def _prove(self, lease: Lease, dirty: str, since_ms: int, day: str, mark: Mark) -> bool:
        known = self.proofs.get(canonical_sn(lease.sn), Proof())
        if known.dirty != dirty:
            return False
        known = known._replace(dirty="", proven_ms=since_ms)
        if mark.until is not None:
            known = known._replace(whole_ms=since_ms, anchor=mark.newest)
        self.proofs[canonical_sn(lease.sn)] = known
        return True


class Punches(Face):
    """The punches: ``append`` and ``keep_turn`` give what is set under ``append``, and are noted as that."""

    _log = Logger()

    def shelf(self, sn: str) -> Shelf:
        """As the store does it."""
        return Shelf(Keys(""), sn)

    def keep_turn(self, frames: list[Frame]) -> None:
        """As the store does it: what has an answer at once is told together."""
        ready: list[tuple[Frame, Any]] = []
        for frame in frames:
            batch = (frame.shelf.sn, frame.logindex, frame.records, frame.bad)
            self.calls.append(("append", batch))
            found = self.given["append"]
            found = found(*batch) if callable(found) else found
            if isinstance(found, Deferred):
                found.addBoth(self._came, frame)
            else:
                ready.append((frame, found))
        self._tell(ready)

    def _came(self, kept: Any, frame: Frame) -> Any:
        self._tell([(frame, kept.value if isinstance(kept, Failure) else kept)])
        return None if isinstance(kept, Failure) else kept

    def _tell(self, ready: list[tuple[Frame, Any]]) -> None:
        """A mistake of whom it tells is logged, and no more."""
        try:
            if ready:
                ready[0][0].told([(frame.asker, kept) for frame, kept in ready])
        except Exception:
            self._log.failure("our own mistake in what follows of kept punches")


class Holdings(Face):
    """What terminals have."""

    rooms = Face(emptied=None)


class Wire:
    """A connection: everything done to it stands in ``events`` in order. It is its own transport."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.transport = self
        self.disconnecting = False

    def sendMessage(self, payload: bytes, isBinary: bool = False) -> None:
        """A message goes out."""
        self.events.append(payload)

    def send_now(self, payload: bytes) -> bool:
        """A message goes out at once."""
        self.events.append(payload)
        return True

    def sendPing(self, payload: bytes | None = None) -> None:
        """A ping goes out."""
        self.events.append("ping")

    def sendClose(self, code: int | None = None, reason: str | None = None) -> None:
        """The closing handshake begins."""
        self.events.append(("close", code))

    def abortConnection(self) -> None:
        """The connection is cut."""
        self.events.append("abort")

    def pauseProducing(self) -> None:
        """Nothing is read any more."""
        self.events.append("pause")

    def resumeProducing(self) -> None:
        """Reading goes on."""
        self.events.append("resume")

    def unregisterProducer(self) -> None:
        """Nobody produces any more."""

    def messages(self) -> list[dict[str, Any]]:
        """What was sent, decoded."""
        return [json.loads(event) for event in self.events if isinstance(event, bytes)]

    def closed(self) -> list[int]:
        """The codes it was closed with."""
        return [event[1] for event in self.events if isinstance(event, tuple)]


class Watcher:
    """Notes what a link tells its fleet."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.asking: set[Link] = set()
        self.stalls = Stalls(LimitSettings())

    def registered(self, link: Link) -> None:
        """A terminal was admitted."""
        self.told.append("registered")

    def refused(self, link: Link, reason: str) -> None:
        """A terminal was not admitted."""
        self.told.append("refused")

    def forget(self, link: Link) -> None:
        """The link is over."""
        self.told.append("forget")


class Stand:
    """A clock, a store that agrees to everything, and the services made of them.

    Nobody is asked for logs unless the settings say so.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self.clock = Clock()
        self.terminals = Registry(
            register=APPROVED,
            set_clock=None,
            release=True,
            beat=None,
            bury=0,
            retire=None,
            losses=Losses([], False, True, "mark"),
            dealt_with=None,
            lost_leases=lambda held: [],
            compared=None,
            decided=Decided(),
        )
        self.punches = Punches(append=Kept(1, 0, 0))
        self.users = Face(put=None, is_known=True)
        self.settings = settings or Settings(
            terminals=TerminalSettings(timezone="UTC"), catchup=CatchUp(enabled=False)
        )
        self.outbox = Face(take=Look(), due=[], sweep=None, not_ours=None)
        self.holdings = Holdings(told=None, gone=0, listed=None, cleared=None, named=None, locked=None)
        faces: Any = (self.terminals, self.punches, self.users, self.outbox, self.holdings, str)
        stores = Stores(*faces)
        metrics, present = Metrics(), Present(lambda: self.now().timestamp())
        self.services = Services(stores, self.settings, metrics, present, pressure=Pressure(metrics))

    def now(self) -> datetime:
        """The present."""
        return START + timedelta(seconds=self.clock.seconds())

    def link(self, wire: Any, watcher: Any, connection: str, session: Any = None) -> Link:
        """A link on a wire."""
        context = Context(self.services, connection, "192.0.2.7")
        spoken = session or Session(table, self.clock.seconds())
        turn = Turn(self.clock, table.plain, self.services.metrics, watcher.asking)
        return Link(wire, context, table, spoken, watcher, turn, self.clock.seconds)

    def count(self, line: str) -> float:
        """The value of one line of the metrics, 0 when it is not there."""
        lines = self.services.metrics.exposition().decode().splitlines()
        return sum(float(found.rpartition(" ")[2]) for found in lines if found.startswith(line + " "))


class Dialled:
    """A terminal on a link of its own.

    Like most programs it puts spaces into its JSON, so that it goes the common way; one that ``is_plain``
    writes exactly as the documents have it, and each of its messages comes in a turn of its own.
    """

    def __init__(
        self,
        stand: Stand,
        watcher: Any = None,
        connection: str = "c1",
        session: Any = None,
        is_plain: bool = False,
    ) -> None:
        self.is_plain = is_plain
        self.wire = Wire()
        self._clock = stand.clock
        self.watcher = Watcher() if watcher is None else watcher
        self.link = stand.link(self.wire, self.watcher, connection, session)

    def says(self, **message: Any) -> None:
        """One message from the terminal."""
        if not self.is_plain:
            self.link.received(json.dumps(message).encode())
            return
        self.link.received(json.dumps(message, separators=(",", ":")).encode())
        self._clock.advance(0)

    def reg(self, sn: str = SN) -> None:
        """It registers."""
        self.says(cmd="reg", sn=sn, devinfo={})

    def sendlog(self, **more: Any) -> None:
        """It pushes one punch."""
        record = [{"enrollid": 17, "time": "2026-04-02 08:15:00", "mode": 0, "inout": 0, "event": 0}]
        self.says(**{"cmd": "sendlog", "sn": SN, "count": 1, "logindex": 0, "record": record, **more})

    def last(self) -> dict[str, Any]:
        """The last message it got."""
        return self.wire.messages()[-1]
