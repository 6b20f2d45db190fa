"""Planning over a real store: people, groups, terminals, and a looker that reads what it was given."""

from __future__ import annotations

from typing import Any, cast

from twisted.internet import reactor

from tests.gateway.stand_ins import Face
from tests.store.arrivals import NOW, arrival
from tests.store.connected import StoreCase
from tfserver.config import Admission as AdmissionSettings
from tfserver.config import People
from tfserver.order import Order
from tfserver.people.looking import Looker
from tfserver.people.means import Means
from tfserver.people.planner import KIND, Planner
from tfserver.person import Group, Made, Person
from tfserver.store.errands import Errands
from tfserver.store.people.directory import Directory
from tfserver.store.people.groups import Groups
from tfserver.store.people.holdings import Holdings
from tfserver.store.people.plans import Plans
from tfserver.store.people.present import Present
from tfserver.store.people.readings import Readings
from tfserver.store.terminals import Terminals
from tfserver.store.vault import Vault

ROOM = {"usersize": 1000, "fpsize": 1000, "cardsize": 1000, "fpalgo": "thbio3.0"}
MADE = Made(fpalgo="thbio3.0", model="x")


class PlanningCase(StoreCase):
    """All that plans are made from; ``orders`` are the last ones of each terminal."""

    async def begin(self, **settings: Any) -> Planner:
        """A planner; ``looked`` are the terminals that were read, with the keys."""
        self.client = client = await self.connect()
        self.looked: list[tuple[str, float, str]] = []
        self.orders: list[Order] = []
        self.looking = Face(look=self._look)
        self.vault = Vault(bytes(range(32)))
        self.errands = Errands(client, KIND)
        self.means = Means(
            reactor=reactor,
            plans=Plans(client, People(**settings)),
            directory=Directory(client, self.vault),
            groups=Groups(client),
            holdings=Holdings(client),
            present=Present(client),
            looker=cast(Looker, self.looking),
            terminals=Terminals(client, AdmissionSettings(), "one/1"),
            commander=cast(Any, Face(listing=lambda *_: (self.orders, None))),
            settings=People(**settings),
            profiles={},
            local_of=lambda terminal: "2026-04-02 08:15:04",
        )
        return Planner(self.means, self.errands, Readings(client))

    def _look(self, sn: str, seconds: float, key: str) -> None:
        self.looked.append((sn, seconds, key))

    async def terminal(self, sn: str, *, online: bool = True, read: bool = True, **fields: str) -> None:
        """A terminal that is approved and, unless said otherwise, online and read as empty just now."""
        terminals = self.means.terminals
        await terminals.register(arrival(sn, approve=True, now_ms=NOW, devinfo=ROOM), "c1")
        if fields:
            await terminals.change(sn, fields)
        if online:
            await terminals.beat({sn: self.means.holdings.now_ms()})
        else:
            await terminals.release(sn, "c1")
        if read:
            await self.means.holdings.listed(sn, [], self.means.holdings.now_ms())

    async def person(self, enrollid: int, *groups: str, slots: tuple[int, ...] = (11,)) -> None:
        """Somebody with credentials in these slots."""
        for name in groups:
            if await self.means.groups.get(name) is None:
                await self.means.groups.put(Group(name=name, everywhere=True))
        await self.means.directory.put(Person(enrollid=enrollid, name=f"P{enrollid}", groups=groups))
        for n in slots:
            await self.means.directory.put_credential(enrollid, n, f"{enrollid}{n}", MADE)
