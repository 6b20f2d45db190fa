"""A store with many terminals in it, written by the server's own registry, without a single connection:
``python -m tests.dashboard.fleet --redis URL --terminals 5000``.

Their processes do not exist, but count as alive for a day: so most terminals are online, and none obeys.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
from twisted.internet import reactor
from twisted.internet.defer import Deferred, ensureDeferred, gatherResults
from twisted.internet.task import react

from tests.dashboard.places import DAY_MS, Place, places
from tfserver.config import Admission as AdmissionSettings
from tfserver.config import Store as StoreSettings
from tfserver.model import Admission, ClockEntry, Identity
from tfserver.store.client import Client
from tfserver.store.completeness import Mark
from tfserver.store.terminals import Arrival, Lease, Terminals

OWNERS: Final = ("gate-1/fleet", "gate-2/fleet", "gate-3/fleet")
AT_ONCE: Final = 200
DAY_SECONDS: Final = 86_400


def identity_of(sn: str) -> Identity:
    """What a terminal is pinned by."""
    return Identity(f"cpu-{sn}", "")


class Fleet:
    """Terminals that are written into the store at ``url``."""

    def __init__(self, url: str, now_ms: int) -> None:
        self._now_ms = now_ms
        self._client = Client(reactor, url, "", StoreSettings())
        settings = AdmissionSettings(most_pending=100_000)
        self._processes = [Terminals(self._client, settings, owner) for owner in OWNERS]

    async def fill(self, found: Iterable[Place]) -> int:
        """Write them all; how many there are."""
        await self._client.start()
        heard: dict[str, int] = {}
        waiting = iter(found)
        while some := list(islice(waiting, AT_ONCE)):
            await gatherResults([ensureDeferred(self._enter(place)) for place in some])
            heard |= {place.sn: place.heard for place in some}
        await self._claim_twice(list(heard)[:2])
        await self._processes[0].beat(heard)
        for process in self._processes:
            await process.beat({})
            await self._client.write("EXPIRE", self._client.keys.alive(process.owner), DAY_SECONDS)
        await self._client.stop()
        return len(heard)

    async def _enter(self, place: Place) -> None:
        process = self._processes[hash_of(place.sn) % len(OWNERS)]
        is_known = place.state not in ("pending", "denied")
        connection = f"fleet{place.sn}"
        await process.register(self._arrival(place, is_known), connection)
        if place.state == "denied":
            await process.decide(place.sn, Admission.DENIED)
        if not is_known:
            return
        tags = msgspec.json.encode(place.tags).decode()
        told = {"name": place.name, "site": place.site, "timezone": place.timezone, "tags": tags}
        await process.change(place.sn, told)
        for mark in _marks(place):
            await process.prove(Lease(place.sn, connection), "", place.heard, _day(place.heard), mark)
        if place.punched is not None:
            await self._client.write("ZADD", self._client.keys.punched, place.punched, place.sn)
        if place.state == "offline":
            await process.release(place.sn, connection)

    def _arrival(self, place: Place, approve: bool) -> Arrival:
        moment = datetime.fromtimestamp(place.connected / 1000, ZoneInfo(place.timezone))
        offset = int((moment.utcoffset() or timedelta()).total_seconds())
        ahead = None if place.drift_ms is None else 1000 * offset + place.drift_ms
        clock = (ClockEntry(place.connected - 30 * DAY_MS, offset),)
        address = f"10.{hash_of(place.sn) % 200}.{hash_of(place.site) % 250}.{1 + hash_of(place.name) % 250}"
        devinfo = msgspec.json.encode(place.devinfo)
        return Arrival(
            place.sn, identity_of(place.sn), devinfo, address, ahead, place.connected, approve, clock
        )

    async def _claim_twice(self, numbers: Sequence[str]) -> None:
        """Other devices say that they are these: they are in quarantine."""
        for sn in numbers:
            told = msgspec.json.encode({"modelname": "TM20", "firmware": "TM20-5.3.1"})
            stranger = Arrival(sn, Identity("cpu-other", ""), told, "203.0.113.9", 0, self._now_ms, False)
            await self._processes[0].register(stranger, "stranger")


def hash_of(text: str) -> int:
    """The same number for the same text in every run."""
    return sum(7919**place % 104_729 * byte for place, byte in enumerate(text.encode()))


def _marks(place: Place) -> Iterator[Mark]:
    if place.whole is None:
        yield Mark(until=None, why="the terminal does not answer getalllog")
        return
    since = _day(place.whole - 60 * DAY_MS)
    if place.has_gap:
        yield Mark(until=place.whole - 3 * DAY_MS, since=since, newest="2026-01-01 08:00:00")
        watched = "2026-01-01 08:00:00"
        yield Mark(until=place.whole, since=since, watched=watched, oldest=place.whole - DAY_MS, full=True)
        return
    yield Mark(until=place.whole, since=since, found=True)


def _day(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d}"


def _main(_: Any, url: str, count: int, skip: int) -> Deferred[int]:
    now_ms = round(time.time() * 1000)
    chosen = islice(places(count + skip, now_ms), skip, None)
    return ensureDeferred(Fleet(url, now_ms).fill(chosen))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--redis", required=True)
    parser.add_argument("--terminals", type=int, default=5000)
    parser.add_argument("--skip", type=int, default=0, help="leave out so many of the first")
    given = parser.parse_args()
    react(_main, (given.redis, given.terminals, given.skip))
