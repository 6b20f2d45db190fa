"""A world in which plans are carried out: a real store that is asked at once, terminals with moods, and a
process that may be killed between any two calls of the store."""

from __future__ import annotations

import json
from collections.abc import Coroutine
from random import Random
from typing import Any, Final

import msgspec
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock

from tests.people.boxes import Box
from tests.real.store import RealStore
from tests.store.people.directly import DirectClient
from tfserver.commander import KeyReused, NoRoom, UnknownTerminal, Wanted
from tfserver.config import Admission, People
from tfserver.locks import lock_of
from tfserver.order import ENDS, Order, OrderError, OrderState
from tfserver.people.applying import KIND, Applying
from tfserver.people.asking import Asker
from tfserver.people.looking import Looker
from tfserver.people.means import Means
from tfserver.people.planner import Planner
from tfserver.people.turning import Turning
from tfserver.person import Held, HeldPerson, Proof
from tfserver.plan import Options, Plan, PlanState, digest_of
from tfserver.store.errands import Errands
from tfserver.store.people.directory import Directory
from tfserver.store.people.groups import Groups
from tfserver.store.people.holdings import Holdings
from tfserver.store.people.plans import Plans
from tfserver.store.people.present import Present
from tfserver.store.people.readings import Readings
from tfserver.store.people.restorations import Restorations
from tfserver.store.people.turns import Turns
from tfserver.store.terminals import Terminals
from tfserver.store.users import Origin, Profile, Users
from tfserver.store.vault import Vault

MASTER: Final = bytes(range(32))
SETTINGS: Final = People(orders_ahead=3, attempts=3)
ADMIN = "admin"


class Killed(BaseException):
    """The process is dead: nothing of it runs any further."""


class MortalClient(DirectClient):
    """A store that is asked by a process which dies after so many calls; of the last it never hears."""

    def __init__(self, store: RealStore, clock: Clock) -> None:
        super().__init__(store)
        self.reactor: Any = clock
        self.lineage = self.generation = 1
        self.calls_left: int | None = None

    async def read(self, *words: Any) -> Any:
        """One command of whoever lives."""
        return self._mortal(*words)

    async def write(self, *words: Any) -> Any:
        """One command of whoever lives."""
        return self._mortal(*words)

    async def run(self, name: str, keys: list[str], args: list[Any]) -> Any:
        """One of our scripts."""
        return self._mortal("EVAL", self._scripts[name].text, len(keys), *keys, *args)

    def _mortal(self, *words: Any) -> Any:
        if self.calls_left is not None:
            self.calls_left -= 1
            if self.calls_left < 0:
                raise Killed
            if self.calls_left == 0:
                # done, and never heard of
                self.call(*words)
                raise Killed
        return self.call(*words)

    async def keep(self, name: str, keys: list[str], args: list[Any]) -> Any:
        """One of our scripts."""
        return await self.run(name, keys, args)


class Orders:
    """The commander, and all orders there ever were: they outlive the process."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.orders: dict[str, Order] = {}
        self.args: dict[str, dict[str, Any]] = {}
        self._keys: dict[str, tuple[str, str]] = {}
        self._waiting: dict[str, list[Deferred[None]]] = {}

    @property
    def open(self) -> list[str]:
        """Those without an end, the oldest first."""
        return [one.id for one in self.orders.values() if one.state not in ENDS]

    async def order(self, wanted: Wanted) -> Order:
        """Let an order wait for its terminal."""
        await self._world.client.read("PING")
        if wanted.sn not in self._world.boxes:
            raise UnknownTerminal(wanted.sn)
        digest = json.dumps([wanted.sn, wanted.cmd, wanted.fields], sort_keys=True)
        if wanted.key in self._keys:
            order_id, before = self._keys[wanted.key]
            if before != digest:
                raise KeyReused("another order before")
            return self.orders[order_id]
        await self._reserve(wanted)
        shown = {
            name: value
            for name, value in wanted.fields.items()
            if wanted.cmd != "setuserinfo" or name != "record"
        }
        made = Order(
            id=f"o{len(self.orders)}", sn=wanted.sn, cmd=wanted.cmd, args=shown, state=OrderState.QUEUED,
            reply=None, error=None, actor=wanted.actor, created="", sent=None, finished=None, expires="",
            attempts=0,
        )  # fmt: skip
        self.orders[made.id], self.args[made.id] = made, wanted.fields
        self._keys[wanted.key] = made.id, digest
        await self._world.client.read("PING")
        return made

    async def _reserve(self, wanted: Wanted) -> None:
        """Room is kept until the end of the order, as the commander does it."""
        if wanted.cmd == "setuserinfo":
            place = (wanted.fields["enrollid"], wanted.fields["backupnum"])
            words = await self._world.holdings.reserve(wanted.sn, [place], 600, f"o{len(self.orders)}")
            if words is not None:
                raise NoRoom(words)

    async def _let_go(self, order: Order) -> None:
        args, rooms = self.args[order.id], self._world.holdings.rooms
        if order.cmd == "setuserinfo":
            let_go = rooms.doubt if order.state is OrderState.UNKNOWN else rooms.release
            await let_go(order.sn, [(args["enrollid"], args["backupnum"])], order.id)

    async def ended(self, order_id: str, seconds: float) -> Order:
        """An order with its end."""
        while self.orders[order_id].state not in ENDS:
            waiting: Deferred[None] = Deferred()
            self._waiting.setdefault(order_id, []).append(waiting)
            await waiting
        await self._world.client.read("PING")
        return self.orders[order_id]

    async def get(self, order_id: str) -> Order | None:
        """One order."""
        await self._world.client.read("PING")
        return self.orders.get(order_id)

    async def listing(self, sn: str, limit: int, before: str) -> tuple[list[Order], str | None]:
        """The newest orders of a terminal."""
        return [one for one in reversed(self.orders.values()) if one.sn == sn][:limit], None

    async def cancel(self, order_id: str, actor: str) -> Order:
        """Take an order back."""
        self.end(order_id, OrderState.CANCELLED, f"taken back by {actor}")
        return self.orders[order_id]

    def end(self, order_id: str, state: OrderState, message: str = "") -> None:
        """It has ended so."""
        if self.orders[order_id].state in ENDS:
            return
        error = OrderError(message) if message else None
        reply = {"complete": True} if state is OrderState.DONE else None
        ended = msgspec.structs.replace(self.orders[order_id], state=state, error=error, reply=reply)
        self.orders[order_id] = ended
        self._world.finish(self._let_go(ended))
        for waiting in self._waiting.pop(order_id, []):
            if not waiting.called:
                waiting.callback(None)


class World:
    """All of it. ``random`` decides nothing here."""

    def __init__(self, store: RealStore) -> None:
        self.clock = Clock()
        self.clock.rightNow = 1_775_000_000.0
        self.client = MortalClient(store, self.clock)
        self.client.call("FLUSHALL")
        client: Any = self.client
        self.vault = Vault(MASTER)
        self.boxes: dict[str, Box] = {}
        self.orders = Orders(self)
        self.directory, self.groups = Directory(client, self.vault), Groups(client)
        self.holdings, self.users = Holdings(client), Users(client, self.vault)
        commander: Any = self.orders
        looker = Looker(Asker(commander, "people"), self.holdings)
        terminals = Terminals(client, Admission(), "one/1")
        self.plans = Plans(client, SETTINGS)
        self.means = Means(
            self.clock, self.plans, self.directory, self.groups, self.holdings, Present(client), looker,
            terminals, commander, SETTINGS, {}, lambda terminal: "2026-04-02 12:00:00",
        )  # fmt: skip
        self.planner = Planner(self.means, Errands(client, "plans"), Readings(client))
        self.errands = Errands(client, KIND)
        self.restorations = Restorations(client)
        self.turning = Turning(Turns(client, "terminals"), self.plans, self.restorations)
        self.applying = Applying(self.means, self.errands, self.turning)
        self.running: dict[str, Deferred[Any]] = {}
        self.again: dict[str, float] = {}
        """In how many seconds an errand wanted to come again, when it was done last."""
        client.call("SET", client.keys.alive("one/1"), "1")

    def close(self) -> None:
        """It is over."""
        self.kill()
        self.client.close()

    def add(self, box: Box) -> None:
        """A terminal registers, and its list is read."""
        self.boxes[box.sn] = box
        self.client.call("ZADD", self.client.keys.terminals, 0, box.sn)
        self.register(box)
        self.finish(self.listed(box))

    def register(self, box: Box) -> None:
        """It is online, and tells how full it is."""
        box.online = True
        used = box.used()
        devinfo: dict[str, Any] = {"fpalgo": "thbio3.0", "modelname": "tfs30"}
        for kind, size in box.sizes.items():
            devinfo |= {f"{kind}size": size, f"used{kind}": used[kind]}
        fields = ("admission", "approved", "reg_at", self.now(), "devinfo", json.dumps(devinfo))
        lease = ("conn", "c1", "owner", "one/1", "sn", box.sn)
        self.client.call("HSET", self.client.keys.terminal(box.sn), *fields, *lease)

    def leave(self, box: Box) -> None:
        """It goes offline."""
        box.online = False
        self.client.call("HDEL", self.client.keys.terminal(box.sn), "conn", "owner")

    def now(self) -> int:
        """A moment that no other is."""
        self.clock.rightNow += 0.001
        return round(self.clock.rightNow * 1000)

    def expire(self, box: Box) -> None:
        """Places that a process reserved just before it died are given up after their time."""
        key = self.client.keys.reserved(box.sn)
        for member in self.client.call("ZRANGE", key, 0, -1):
            self.client.call("ZADD", key, 1, member)

    def finish(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Wait for something that waits for no terminal."""
        mortality, self.client.calls_left = self.client.calls_left, None
        done = Deferred.fromCoroutine(work)
        for _ in range(100):
            if done.called:
                break
            self.clock.advance(0.001)
        found: list[Any] = []
        done.addBoth(found.append)
        self.client.calls_left = mortality
        assert found, "it waits for something"
        if hasattr(found[0], "raiseException"):
            found[0].raiseException()
        return found[0]

    # what is done at terminals

    def obey(self, order_id: str) -> None:
        """A terminal gets an order, and whoever has its connection keeps what it said."""
        order = self.orders.orders[order_id]
        box, args = self.boxes[order.sn], self.orders.args[order_id]
        if not box.online:
            return
        said, told = box.obey(order.cmd, args)
        named = [
            args.get("enrollid", 0),
            *(row["enrollid"] for row in args.get("record", ()) if "name" in row),
        ]
        if box.silent:
            box.silent -= 1
            box.unsure |= {enrollid for enrollid in named if enrollid}
            self.orders.end(order_id, OrderState.UNKNOWN, "no answer came")
            return
        if said:
            self.finish(self._keep(box, order.cmd, args, told))
        self.orders.end(order_id, OrderState.DONE if said else OrderState.REFUSED, "" if said else "refused")

    async def _keep(self, box: Box, cmd: str, args: dict[str, Any], told: dict[str, Any]) -> None:
        sn, enrollid, n = box.sn, args.get("enrollid", 0), args.get("backupnum")
        if cmd == "getuserlist":
            await self.listed(box)
        elif cmd == "setuserinfo":
            held = Held(Proof.ACCEPTED, self.vault.version_of(str(args["record"])), self.now())
            person = HeldPerson(ours=True, name=args["name"], admin=args["admin"])
            await self.holdings.told(sn, enrollid, n, held, person)
        elif cmd == "getuserinfo":
            held = Held(Proof.READ, self.vault.version_of(told["record"]), self.now())
            person = HeldPerson(name=told["name"], admin=told["admin"])
            await self.holdings.told(sn, enrollid, n, held, person)
            profile, origin = Profile(told["name"], told["admin"]), Origin("tfs30", "1", "thbio3.0", "")
            await self.users.put(sn, enrollid, profile, (args["backupnum"], told["record"]), origin)
        elif cmd == "deleteuser":
            await self.holdings.gone(sn, enrollid, args["backupnum"])
        elif cmd == "setusername":
            await self.holdings.named(sn, {row["enrollid"]: row["name"] for row in args["record"]})
        elif cmd == "setuserlock":
            await self.holdings.locked(sn, {row["enrollid"]: lock_of(row) for row in args["record"]})
        elif cmd == "deleteuserlock":
            await self.holdings.locked(sn, {enrollid: digest_of(None)})

    async def listed(self, box: Box) -> None:
        """Its list is read."""
        entries = [(one, n, person.admin) for one, person in box.people.items() for n in person.slots]
        await self.holdings.listed(box.sn, entries, self.now())

    # the process

    def names(self) -> list[str]:
        """Errands that are to be done some time."""
        found: list[str] = self.client.call("ZRANGE", self.client.keys.errands(KIND), 0, -1)
        return [name for name in found if name not in self.running]

    def begin(self, name: str) -> None:
        """Let an errand be done, as far as it goes without anybody."""
        self.running[name] = done = Deferred.fromCoroutine(self.applying.do(name))
        done.addBoth(self._over, name)

    def _over(self, result: Any, name: str) -> None:
        self.running.pop(name, None)
        if isinstance(result, float):
            self.again[name] = result
        if result is None:
            self.client.call("ZREM", self.client.keys.errands(KIND), name)
        elif hasattr(result, "check") and not result.check(Killed, CancelledError):
            result.raiseException()

    def kill(self) -> None:
        """The process dies, wherever it is, and another is there."""
        self.client.calls_left = 0
        for done in list(self.running.values()):
            done.addErrback(lambda _: None)
            done.cancel()
        self.running.clear()
        self.clock.calls = []
        self.client.calls_left = None
        self.applying = Applying(self.means, self.errands, self.turning)

    def unnote(self, plan_id: str, sn: str, n: int) -> None:
        """The process died before it noted what it did about a step."""
        name = self.client.keys.plan_items(plan_id, sn)
        self.client.call("HDEL", name, f"s{n}", "#ordered")
        self.client.call("HSET", name, "#planned", 1)

    def apply(self, options: Options) -> Plan:
        """Plan for all terminals from what is known, and begin to carry that out."""
        made: Plan = self.finish(self.planner.fresh(list(self.boxes), options, ADMIN))
        found: Plan = self.finish(self.applying.begin(made.id, ADMIN))
        return found

    def settle(self, plan_id: str, random: Random) -> None:
        """Let everything go on, in any order, until the plan is over."""
        for _ in range(3000):
            if self.state(plan_id) is not PlanState.APPLYING and not self.names() and not self.running:
                left = [one for one in self.orders.open if self.orders.orders[one].actor == f"plan {plan_id}"]
                assert not left, "orders of a plan that is over"
                return
            self.go_on(random)
        raise AssertionError(f"the plan does not end: {self.names()} {self.running} {self.orders.open}")

    def go_on(self, random: Random) -> None:
        """One thing happens."""
        if self.client.calls_left is not None and self.client.calls_left <= 0:
            self.kill()
        things: list[Any] = [("time", "")]
        things += [("errand", name) for name in self.names()[:3]] * 2
        things += [("order", one) for one in self.orders.open[:4]] * 2
        what, which = random.choice(things)
        if what == "errand":
            self.begin(which)
        elif what == "order":
            self.obey(which)
        else:
            self.clock.advance(1.0)

    def state(self, plan_id: str) -> PlanState:
        """How far a plan is."""
        found = self.finish(self.plans.get(plan_id))
        assert found is not None
        state: PlanState = found.state
        return state
