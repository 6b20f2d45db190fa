"""Terminals whose orders are carried out at once by simulated ones, over a real store, and a process that may
die between any two calls of the store."""

from __future__ import annotations

import json
from typing import Any, Final

import msgspec

from tests.real.store import RealStore
from tests.store.people.directly import DirectClient, done
from tfserver import commands
from tfserver.commander import BadOrder, KeyReused, Wanted
from tfserver.config import Admission, ModelProfile, People
from tfserver.locks import lock_of
from tfserver.model import canonical_sn
from tfserver.order import Order, OrderError, OrderState
from tfserver.people.asking import Asker
from tfserver.people.copies import Copies
from tfserver.people.restoring import KIND as RESTORE
from tfserver.people.restoring import Restoring
from tfserver.people.snapshots import SnapshotDesk
from tfserver.people.taking import KIND as SNAPSHOT
from tfserver.people.taking import Taking
from tfserver.people.turning import Turning
from tfserver.person import Held, HeldPerson, Proof
from tfserver.simulator.answers import Asked, Bare, Done, Silence
from tfserver.simulator.dialects import DOCUMENTED, Dialect
from tfserver.simulator.memory import Memory
from tfserver.simulator.terminal import REPLIES
from tfserver.store.errands import Errands
from tfserver.store.people.directory import Directory
from tfserver.store.people.groups import Groups
from tfserver.store.people.holdings import Holdings
from tfserver.store.people.plans import Plans
from tfserver.store.people.present import Present
from tfserver.store.people.restorations import Restoration, Restorations
from tfserver.store.people.snapshots import Snapshot, Snapshots
from tfserver.store.people.turns import Turns
from tfserver.store.terminals import Terminals
from tfserver.store.users import Origin, Profile, Users
from tfserver.store.vault import Vault
from tfserver.wire import codec
from tfserver.wire.message import RawReply
from tfserver.wire.ordering import decode

assert commands.__path__, "the vocabulary is filled by importing the commands"

MASTER: Final = bytes(range(32))
A, B = "ZXAA1", "ZXBB2"
FINGER, CARD, PASSWORD, PHOTO = 0, 11, 10, 50


class Killed(BaseException):
    """The process is dead: nothing of it runs any further."""


class MortalClient(DirectClient):
    """A store that is asked by a process which dies after so many calls, the last of which was done and never
    heard of."""

    def __init__(self, store: RealStore) -> None:
        super().__init__(store)
        self.store = store
        self.lineage = self.generation = 1
        self.calls_left: int | None = None

    async def keep(self, name: str, keys: list[str], args: list[Any]) -> Any:
        """One of our scripts."""
        return await self.run(name, keys, args)

    def call(self, *words: Any) -> Any:
        """One command of whoever lives."""
        if self.calls_left is not None:
            self.calls_left -= 1
            if self.calls_left < 0:
                raise Killed
            if self.calls_left == 0:
                super().call(*words)
                raise Killed
        return super().call(*words)


class Box:
    """A simulated terminal; ``silent`` are words that it does not answer, ``deaf`` those it misses once."""

    def __init__(self, sn: str, dialect: Dialect, **sizes: int) -> None:
        self.sn = sn
        self.dialect = dialect
        self.memory = Memory(0.0, {**dialect.sizes, **sizes})
        self.online = True
        self.asked: list[str] = []
        self.silent: set[str] = set()
        self.deaf: set[str] = set()
        self.refuses: set[int] = set()

    def give(self, enrollid: int, backupnum: int, record: str | int, name: str) -> None:
        """Somebody enrolled there."""
        self.memory.keep(enrollid, backupnum, record).name = name

    def people(self) -> dict[int, tuple[str, int, dict[int, str], Any]]:
        """All that it has of people."""
        return {
            enrollid: (user.name, user.admin, {n: str(one) for n, one in user.credentials.items()}, user.lock)
            for enrollid, user in self.memory.users.items()
        }

    def obey(self, cmd: str, fields: dict[str, Any]) -> tuple[OrderState, dict[str, Any]]:
        """Do a command: how it ended, and what was said."""
        self.asked.append(cmd)
        is_missed = cmd in self.deaf
        self.deaf.discard(cmd)
        if is_missed or cmd in self.silent or cmd in self.dialect.unknown_words:
            return OrderState.UNKNOWN, {}
        if fields.get("enrollid") in self.refuses:
            return OrderState.REFUSED, {"reason": 1}
        if cmd == "getuserlist":
            return OrderState.DONE, {}
        said = REPLIES[cmd](Asked({"cmd": cmd, **fields}, self.memory, self.dialect, 1_775_000_000.0))
        if isinstance(said, Done | Bare):
            return OrderState.DONE, dict(said.fields)
        return (OrderState.UNKNOWN, {}) if isinstance(said, Silence) else (OrderState.REFUSED, {"reason": 1})


class Orders:
    """The commander: it keeps its orders, whoever dies."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._orders: dict[str, Order] = {}
        self._keys: dict[str, tuple[str, str]] = {}

    async def order(self, wanted: Wanted) -> Order:
        """Let an order be carried out, or wait for a terminal that is away."""
        command, problems = decode(wanted.cmd, wanted.fields, ModelProfile())
        if command is None:
            raise BadOrder("; ".join(f"{field}: {told}" for field, told in problems), problems)
        digest = json.dumps([wanted.sn, wanted.cmd, wanted.fields], sort_keys=True)
        if wanted.key in self._keys:
            order_id, before = self._keys[wanted.key]
            if before != digest:
                raise KeyReused("another order before")
            return await self._carried_out(order_id)
        made = Order(
            id=f"o{len(self._orders)}", sn=wanted.sn, cmd=wanted.cmd, args=wanted.fields,
            state=OrderState.QUEUED, reply=None, error=None, actor=wanted.actor, created="", sent=None,
            finished=None, expires="", attempts=0,
        )  # fmt: skip
        self._orders[made.id] = made
        self._keys[wanted.key] = made.id, digest
        return await self._carried_out(made.id)

    async def ended(self, order_id: str, seconds: float) -> Order:
        """An order as it is: nobody waits here."""
        return self._orders[order_id]

    async def _carried_out(self, order_id: str) -> Order:
        order = self._orders[order_id]
        box = self._world.boxes[canonical_sn(order.sn)]
        if order.state is not OrderState.QUEUED or not box.online:
            return order
        command, _ = decode(order.cmd, order.args, ModelProfile())
        assert command is not None
        state, fields = box.obey(order.cmd, command.said(""))
        reply = None
        if state is OrderState.DONE:
            # kept before its end is told, by a process that does not die here
            left, self._world.client.calls_left = self._world.client.calls_left, None
            await self._world.keep(box, order.cmd, order.args, fields)
            self._world.client.calls_left = left
            reply = codec.read_reply(command.reply_type(), RawReply(order.cmd, True, fields)).shown()
        error = None if state is OrderState.DONE else OrderError("the terminal refused: reason 1")
        self._orders[order_id] = msgspec.structs.replace(order, state=state, reply=reply, error=error)
        return self._orders[order_id]


async def at_once(function: Any, *args: Any) -> Any:
    """What a thread would do."""
    return function(*args)


class World:
    """Terminals, and the processes that look after them."""

    def __init__(self, store: RealStore) -> None:
        self.client = MortalClient(store)
        self.client.call("FLUSHALL")
        client: Any = self.client
        self.vault = Vault(MASTER)
        self.boxes: dict[str, Box] = {}
        self.orders = Orders(self)
        self.stores = Copies(
            Snapshots(client, self.vault), Restorations(client), Terminals(client, Admission(), "one/1"),
            Holdings(client), Present(client), Users(client, self.vault), Directory(client, self.vault),
            Groups(client),
        )  # fmt: skip
        commander: Any = self.orders
        asker = Asker(commander, "people")
        self.errands = {kind: Errands(client, kind) for kind in (SNAPSHOT, RESTORE)}
        self.taking = Taking(asker, self.errands[SNAPSHOT], self.stores)
        self.plans = Plans(client, People())
        self.turns = Turns(client, "terminals")
        self.turning = Turning(self.turns, self.plans, self.stores.restorations)
        self.restoring = Restoring(asker, self.errands[RESTORE], self.stores, {}, self.turning)
        no_uploads: Any = None
        errands = (self.errands[SNAPSHOT], self.errands[RESTORE])
        self.desk = SnapshotDesk(client, self.stores, self.vault, *errands, no_uploads, at_once)
        client.call("SET", client.keys.alive("one/1"), "1")

    def add(self, sn: str, dialect: Dialect = DOCUMENTED, **sizes: int) -> Box:
        """A terminal registers."""
        box = self.boxes[sn] = Box(sn, dialect, **sizes)
        self.client.call("ZADD", self.client.keys.terminals, 0, sn)
        devinfo: dict[str, Any] = {"modelname": dialect.modelname, "firmware": dialect.firmware}
        devinfo["fpalgo"] = dialect.fpalgo
        for kind, size in {**dialect.sizes, **sizes}.items():
            devinfo |= {f"{kind}size": size, f"used{kind}": 0}
        told = ("sn", sn, "admission", "approved", "reg_at", 1, "devinfo", json.dumps(devinfo))
        self.client.call("HSET", self.client.keys.terminal(sn), *told)
        self.come(box)
        return box

    def come(self, box: Box) -> None:
        """It is online."""
        box.online = True
        self.client.call("HSET", self.client.keys.terminal(box.sn), "conn", "c1", "owner", "one/1")

    def leave(self, box: Box) -> None:
        """It goes offline."""
        box.online = False
        self.client.call("HDEL", self.client.keys.terminal(box.sn), "conn", "owner")

    async def keep(self, box: Box, cmd: str, args: dict[str, Any], told: dict[str, Any]) -> None:
        """What whoever has the connection keeps of an answer."""
        holdings, at = self.stores.holdings, self._now()
        if cmd == "getuserlist":
            people = box.memory.users
            entries = [(one, slot, people[one].admin) for one, slot in box.memory.credentials()]
            await holdings.listed(box.sn, entries, at)
        elif cmd == "getuserinfo":
            record = str(told["record"])
            held = Held(Proof.READ, self.vault.version_of(record), at)
            person = HeldPerson(name=told["name"], admin=told["admin"])
            await holdings.told(box.sn, args["enrollid"], args["backupnum"], held, person)
            origin = Origin(box.dialect.modelname, box.dialect.firmware, box.dialect.fpalgo, "")
            profile = Profile(told["name"], told["admin"])
            await self.stores.users.put(
                box.sn, args["enrollid"], profile, (args["backupnum"], record), origin
            )
        elif cmd == "setuserinfo":
            held = Held(Proof.ACCEPTED, self.vault.version_of(str(args["record"])), at)
            person = HeldPerson(ours=True, name=args["name"], admin=args["admin"])
            await holdings.told(box.sn, args["enrollid"], args["backupnum"], held, person)
        elif cmd == "setuserlock":
            await holdings.locked(box.sn, {row["enrollid"]: lock_of(row) for row in args["record"]})

    def _now(self) -> int:
        self.client.now += 0.001
        return round(self.client.now * 1000)

    # what a process does

    def take(self, sn: str) -> Snapshot:
        """A snapshot, as far as it gets."""
        made = done(self.desk.take(sn, "admin"))
        done(self.taking.do(made.id))
        return self.snapshot(made.id)

    def snapshot(self, snapshot_id: str) -> Snapshot:
        """One as it is."""
        found: Snapshot = done(self.desk.one(snapshot_id))
        return found

    def restored(self, made: Restoration) -> Restoration:
        """A restoration, as far as it gets."""
        done(self.restoring.do(made.id))
        found: Restoration = done(self.desk.restoration(made.id))
        return found

    def copied(self, snapshot_id: str) -> dict[int, tuple[str, int, dict[int, str]]]:
        """All people in a snapshot, opened."""
        found = {}
        snapshots = self.stores.snapshots
        for enrollid, slots in done(snapshots.people(snapshot_id)).items():
            person = done(snapshots.person(snapshot_id, enrollid))
            records = {slot: done(snapshots.record(snapshot_id, enrollid, slot)) for slot in slots}
            found[enrollid] = (person.name, person.admin, records)
        return found
