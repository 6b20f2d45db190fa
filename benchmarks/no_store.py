"""The product's gateway over a store that agrees at once and keeps nothing. Prints ``ready PORT``.

Everything between the socket and the store is the real thing: framing, session, handlers, metrics, deadlines.
It shows what the terminals' side can do by itself, as a peer without a store shows it.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

# Run as a program only its own folder is looked in: measure the tfserver of this checkout.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from twisted.internet.defer import Deferred, succeed
from twisted.logger import globalLogBeginner, textFileLogObserver

from tfserver.commands.context import Services, Stores
from tfserver.config import CatchUp, Settings
from tfserver.config import Terminals as TerminalSettings
from tfserver.gateway.service import Gateway
from tfserver.metrics import FleetCounts, Metrics
from tfserver.model import Admission, ClockEntry, Decided, Registration
from tfserver.service import settle_memory
from tfserver.store.keys import Keys
from tfserver.store.shelf import Bad, Frame, Kept, Record, Shelf
from tfserver.store.terminals import Arrival, Lease, Losses
from tfserver.wire.times import Present

ENDPOINT = "tcp:0:interface=127.0.0.1"


class Headcount:
    """Nobody is counted."""

    async def silent(self, *_: Any) -> int:
        """Nobody is."""
        return 0

    async def tell(self, *_: Any) -> None:
        """Forget."""

    async def sum(self, *_: Any) -> FleetCounts:
        """Nobody is there."""
        return FleetCounts()

    async def leave(self) -> None:
        """Nobody was there."""


class Terminals:
    """A registry that admits everybody and remembers nobody."""

    owner = "benchmark"
    models: Any = None
    """Nobody is asked for logs, so nothing is learnt."""

    def __init__(self) -> None:
        self.disabled: set[str] = set()
        self.headcount = Headcount()

    async def register(self, arrival: Arrival, connection: str) -> Registration:
        """Admit."""
        return Registration(Admission.APPROVED, timezone="UTC")

    async def set_clock(self, sn: str, timeline: tuple[ClockEntry, ...], echo: int | None) -> None:
        """Forget."""

    async def release(self, sn: str, connection: str) -> bool:
        """Forget."""
        return True

    async def bury(self) -> int:
        """Nobody is gone."""
        return 0

    async def beat(self, heard: dict[str, int]) -> None:
        """Forget."""

    async def retire(self) -> None:
        """Forget."""

    async def losses(self) -> Losses:
        """None is lost."""
        return Losses([], False, True, "")

    async def lost_leases(self, held: list[Lease]) -> list[Lease]:
        """None is lost."""
        return []

    async def dealt_with(self, leases: list[Lease]) -> None:
        """Forget."""

    async def compared(self, mark: str) -> None:
        """Forget."""

    async def decided(self, sn: str) -> Decided:
        """Nobody decided anything."""
        return Decided()


class Punches:
    """A stream into nothing."""

    def shelf(self, sn: str) -> Shelf:
        """A name."""
        return Shelf(Keys(""), sn)

    def keep_turn(self, frames: list[Frame]) -> None:
        """Agree at once."""
        if frames:
            frames[0].told([(frame.asker, Kept(len(frame.records), 0, 0)) for frame in frames])

    def append(self, sn: str, logindex: int | None, records: list[Record], bad: list[Bad]) -> Deferred[Kept]:
        """Agree at once."""
        return succeed(Kept(len(records), 0, 0))


class Users:
    """Nobody is known."""

    async def put(self, *_: Any) -> None:
        """Forget."""

    async def is_known(self, enrollid: int) -> bool:
        """No."""
        return False


class Outbox:
    """Nobody orders anything."""

    async def due(self) -> list[str]:
        """No."""
        return []

    async def sweep(self) -> None:
        """Nothing is overdue."""


def serve() -> None:
    """Listen and answer until the process is ended."""
    from twisted.internet import reactor

    globalLogBeginner.beginLoggingTo([textFileLogObserver(sys.stderr)], redirectStandardIO=False)
    settings = Settings(
        terminals=TerminalSettings(endpoints=[ENDPOINT], timezone="UTC"), catchup=CatchUp(enabled=False)
    )
    faces: Any = (Terminals(), Punches(), Users(), Outbox(), None, str)
    stores = Stores(*faces)
    gateway = Gateway(reactor, Services(stores, settings, Metrics(), Present(time.time)))
    run: Any = reactor
    starting = Deferred.fromCoroutine(gateway.start())
    starting.addCallback(lambda _: settle_memory())
    starting.addCallback(lambda _: sys.stdout.write(f"ready {gateway.addresses()[0].rpartition(':')[2]}\n"))
    starting.addCallback(lambda _: sys.stdout.flush())
    starting.addErrback(lambda failure: (sys.stderr.write(failure.getTraceback()), run.stop()))
    run.run()


if __name__ == "__main__":
    serve()
