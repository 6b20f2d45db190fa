"""Terminals that people are erased at, over a real store, and processes that may die at any call of it."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from twisted.trial.unittest import SynchronousTestCase

from tests.people.copied_worlds import MortalClient
from tests.real.store import RealStore
from tests.store.people.directly import done
from tfserver import commands
from tfserver.commander import BadOrder, KeyReused, NotNow, Wanted
from tfserver.config import Admission, Archive
from tfserver.config.privacy import Privacy
from tfserver.model import rfc3339
from tfserver.order import ENDS, Order, OrderError, OrderState
from tfserver.people.asking import Asker
from tfserver.people.clearing import Means
from tfserver.people.erasing import Erasing, ErasureDesk
from tfserver.people.visiting import Visiting
from tfserver.person import Held, HeldPerson, Proof
from tfserver.simulator.answers import Asked, Bare, Done
from tfserver.simulator.dialects import DOCUMENTED, Dialect
from tfserver.simulator.memory import Memory
from tfserver.simulator.moods import read_moods
from tfserver.simulator.temper import Temper
from tfserver.simulator.terminal import REPLIES
from tfserver.store.archive.erased import Erased
from tfserver.store.archive.finding import Found
from tfserver.store.errands import Errands
from tfserver.store.people.directory import Directory
from tfserver.store.people.enrolments import Enrolments
from tfserver.store.people.erasures import ERASURE, VISIT, Erasures, Report, ShownPlace
from tfserver.store.people.holdings import Holdings
from tfserver.store.people.imports import Imports
from tfserver.store.people.restorations import Restorations
from tfserver.store.people.snapshots import Snapshots
from tfserver.store.people.traces import Traces
from tfserver.store.terminals import Terminals
from tfserver.store.users import Origin, Profile, Users
from tfserver.store.vault import Vault

assert commands.__path__, "the vocabulary is filled by importing the commands"

A, B, C = "ZXAA1", "ZXBB2", "ZXCC3"
N: Final = 7
ORIGIN = Origin("tfs30", "v6", "thbio3.0", "2026-04-02T08:15:04.000Z")
DAY: Final = 86_400


class Box:
    """A simulated terminal; ``given`` are the commands it got, as ``word`` or ``word slot``."""

    def __init__(self, dialect: Dialect, moods: str) -> None:
        self.dialect = dialect
        self.memory = Memory(0.0, dict(dialect.sizes))
        self.temper = Temper(read_moods(moods) if moods else ())
        self.online = True
        self.given: list[str] = []

    def obey(self, cmd: str, fields: dict[str, Any]) -> dict[str, Any] | None:
        """Do a command: the reply, None without one."""
        self.given.append(f"{cmd} {fields['backupnum']}" if "backupnum" in fields else cmd)
        if cmd == "getuserlist":
            answer = self.temper.answer(self._asked(cmd, {"stn": True}), REPLIES[cmd])
            if not isinstance(answer, Done):
                return None
            return {"result": True, "record": [self._entry(*one) for one in self.memory.credentials()]}
        answer = self.temper.answer(self._asked(cmd, fields), REPLIES[cmd])
        if isinstance(answer, Done | Bare):
            return {"result": True, **answer.fields}
        return {"result": False, "reason": 1} if type(answer).__name__ == "Refused" else None

    def _asked(self, cmd: str, fields: dict[str, Any]) -> Asked:
        return Asked({"cmd": cmd, **fields}, self.memory, self.dialect, 1_775_000_000.0)

    def _entry(self, enrollid: int, slot: int) -> dict[str, Any]:
        return {"enrollid": enrollid, "backupnum": slot, "admin": 0}


class Orders:
    """The commander: it keeps its orders, whoever dies. What is put while a terminal is away waits."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.orders: dict[str, Order] = {}
        self._keys: dict[str, tuple[str, str]] = {}
        self.refusal: Exception | None = None

    async def order(self, wanted: Wanted) -> Order:
        """Let an order be carried out."""
        if self.refusal is not None:
            raise self.refusal
        digest = json.dumps([wanted.sn, wanted.cmd, wanted.fields, wanted.ttl], sort_keys=True)
        if wanted.fields.get("backupnum") == 51:
            raise BadOrder("backupnum: expected something else", [])
        if wanted.key in self._keys:
            order_id, before = self._keys[wanted.key]
            if before != digest:
                raise KeyReused("another order before")
            return self._carried_out(order_id)
        made = Order(
            id=f"o{len(self.orders)}", sn=wanted.sn, cmd=wanted.cmd, args=wanted.fields,
            state=OrderState.QUEUED, reply=None, error=None, actor=wanted.actor, created="", sent=None,
            finished=None, expires="", attempts=0,
        )  # fmt: skip
        self.orders[made.id] = made
        self._keys[wanted.key] = made.id, digest
        return self._carried_out(made.id)

    async def ended(self, order_id: str, seconds: float) -> Order:
        """An order as it is: nobody waits here."""
        return self._carried_out(order_id)

    async def cancel(self, order_id: str, actor: str) -> Order:
        """Not what these tests are about."""
        raise NotNow("it is not queued")

    def expire(self) -> None:
        """What waits is given up."""
        for order in list(self.orders.values()):
            if order.state not in ENDS:
                self._end(order, OrderState.EXPIRED, error=OrderError("it waited"))

    def _carried_out(self, order_id: str) -> Order:
        order = self.orders[order_id]
        box = self._world.boxes[order.sn]
        if order.state in ENDS or not box.online:
            return order
        reply = box.obey(order.cmd, order.args)
        if reply is None:
            return self._end(order, OrderState.UNKNOWN, error=OrderError("it did not answer"))
        if not reply["result"]:
            return self._end(order, OrderState.REFUSED, error=OrderError("the terminal refused: reason 1"))
        self._world.keep(order, reply)
        shown = {"complete": self._world.is_whole, "pages": 1} if order.cmd == "getuserlist" else {}
        if "record" in reply and self._world.lists_are_told:
            shown["users"] = reply["record"]
        return self._end(order, OrderState.DONE, reply=shown)

    def _end(self, order: Order, state: OrderState, **more: Any) -> Order:
        at = rfc3339(self._world.clock())
        ended = msgspec.structs.replace(order, state=state, finished=at, attempts=order.attempts + 1, **more)
        if state is OrderState.EXPIRED:
            ended = msgspec.structs.replace(ended, attempts=0)
        self.orders[order.id] = ended
        return ended


class NoPunches:
    """An archive without any."""

    async def find(self, after: str, *_: Any) -> Found:
        """Nothing."""
        return Found([], after, True, 0, "0-0")


class Remembered:
    """What an archive remembers of erasures."""

    def __init__(self) -> None:
        self.found: dict[int, Erased] = {}

    async def note_erasure(self, erased: Erased) -> None:
        """One."""
        self.found[erased.enrollid] = erased

    async def erasures(self) -> list[Erased]:
        """All."""
        return list(self.found.values())

    async def forget_erasures(self, before_ms: int) -> int:
        """The old ones go."""
        old = [one for one in self.found.values() if one.ordered < before_ms]
        for one in old:
            del self.found[one.enrollid]
        return len(old)


class World:
    """Terminals, and the processes that look after them. With ``lists_are_told`` the reply to a list has
    everybody in it; else only what is kept of the terminal says who is there. Unless it ``is_whole`` no list
    is read to its end."""

    lists_are_told = False
    is_whole = True

    def __init__(self, store: RealStore) -> None:
        self.client = MortalClient(store)
        self.client.now = float(round(time.time()))
        self.client.call("FLUSHALL")
        client: Any = self.client
        self.vault = Vault(bytes(range(32)))
        self.boxes: dict[str, Box] = {}
        self.orders = Orders(self)
        self.erasures, self.holdings = Erasures(client), Holdings(client)
        self.directory = Directory(client, self.vault)
        self.users = Users(client, self.vault, adopt=True)
        self.snapshots, self.enrolments = Snapshots(client, self.vault), Enrolments(client, 90)
        self.terminals = Terminals(client, Admission(), "one/1")
        commander: Any = self.orders
        archive: Any = NoPunches()
        self.journal = Remembered()
        self.means = Means(
            erasures=self.erasures,
            traces=Traces(client),
            holdings=self.holdings,
            terminals=self.terminals,
            snapshots=self.snapshots,
            restorations=Restorations(client),
            enrolments=self.enrolments,
            imports=Imports(client, self.vault, 90),
            archive=archive,
            journal=self.journal,
            asker=Asker(commander, "erasure"),
            errands=Errands(client, ERASURE),
            visits=Errands(client, VISIT),
            enrolling=Errands(client, "enrolment"),
            image_hours=24,
        )
        self.desk = ErasureDesk(self.erasures, Archive(), Privacy())
        client.call("SET", client.keys.alive("one/1"), "1")

    def clock(self) -> Any:
        """The present."""
        return datetime.fromtimestamp(self.client.now, UTC)

    def add(self, sn: str, dialect: Dialect = DOCUMENTED, moods: str = "") -> Box:
        """A terminal registers."""
        box = self.boxes[sn] = Box(dialect, moods)
        self.client.call("ZADD", self.client.keys.terminals, 0, sn)
        told = ("sn", sn, "admission", "approved", "reg_at", 1, "devinfo", "{}")
        self.client.call("HSET", self.client.keys.terminal(sn), *told)
        self.come(sn)
        return box

    def come(self, sn: str) -> None:
        """It is online."""
        self.boxes[sn].online = True
        self.client.call("HSET", self.client.keys.terminal(sn), "conn", "c1", "owner", "one/1")

    def leave(self, sn: str) -> None:
        """It goes offline."""
        self.boxes[sn].online = False
        self.client.call("HDEL", self.client.keys.terminal(sn), "conn", "owner")

    def delete(self, sn: str) -> None:
        """Somebody deletes it from the server."""
        self.client.call("DEL", self.client.keys.terminal(sn))
        self.client.call("ZREM", self.client.keys.terminals, sn)
        done(self.holdings.forget(sn))

    def enrol(self, sn: str, enrollid: int = N, slots: tuple[int, ...] = (0, 11)) -> None:
        """Somebody enrols at a terminal, which pushes it."""
        for slot in slots:
            record: Any = 3120457781 if slot == 11 else f"c51b{slot}"
            self.boxes[sn].memory.keep(enrollid, slot, record).name = "Ines M"
            done(self.users.put(sn, enrollid, Profile("Ines M", 0), (slot, str(record)), ORIGIN))
            self.told(sn, enrollid, slot)

    def told(self, sn: str, enrollid: int, slot: int) -> None:
        """What whoever has the connection keeps of a push."""
        held = Held(Proof.READ, "v", self.tick())
        done(self.holdings.told(sn, enrollid, slot, held, HeldPerson(name="Ines M", admin=0)))

    def keep(self, order: Order, reply: dict[str, Any]) -> None:
        """What whoever has the connection keeps of a reply, in a process that does not die here."""
        left, self.client.calls_left = self.client.calls_left, None
        if order.cmd == "getuserlist":
            entries = [(one["enrollid"], one["backupnum"], 0) for one in reply["record"]]
            done(self.holdings.listed(order.sn, entries, self.tick()))
        elif order.cmd == "deleteuser":
            done(self.holdings.gone(order.sn, order.args["enrollid"], order.args["backupnum"]))
        self.client.calls_left = left

    def tick(self) -> int:
        """A second passes; the moment then (ms)."""
        self.client.now += 1
        return round(self.client.now * 1000)

    # what a process does

    def order(self, enrollid: int = N, reason: str = "asked by the person") -> str:
        """Somebody orders an erasure."""
        made: Report = done(self.desk.order(enrollid, reason, "token a"))
        return made.id

    def run(self, rounds: int = 4) -> None:
        """All that is due now, and what follows of it."""
        for _ in range(rounds):
            self.see()
            self.visit()

    def see(self) -> None:
        """The errands that see erasures through."""
        for name in done(self.erasures.open_ids()):
            if done(Erasing(self.means).do(name)) is None:
                self.client.call("ZREM", self.client.keys.errands(ERASURE), name)

    def visit(self) -> None:
        """The errands at terminals."""
        visits = self.client.keys.errands(VISIT)
        for sn in self.client.call("ZRANGE", visits, 0, -1):
            if done(Visiting(self.means).do(sn)) is None:
                self.client.call("ZREM", visits, sn)

    def report(self, erasure_id: str) -> Report:
        """How far it is."""
        found: Report | None = done(self.desk.get(erasure_id))
        assert found is not None
        return found

    def at(self, erasure_id: str, place: str) -> ShownPlace:
        """One place of it, by its name or serial number."""
        places = {one.sn or one.place: one for one in self.report(erasure_id).places}
        return places[place]

    def news(self) -> list[dict[str, Any]]:
        """What webhooks are told of erasures."""
        rows = self.client.call("XRANGE", self.client.keys.news, "-", "+")
        told = [json.loads(row[1][1]) for row in rows]
        return [one for one in told if one["event"] == "erasure"]

    def audit(self) -> list[dict[str, Any]]:
        """Who did what."""
        rows = self.client.call("XRANGE", self.client.keys.audit, "-", "+")
        return [json.loads(row[1][1]) for row in rows]


class ErasingCase(SynchronousTestCase):
    """A world on a real store."""

    def setUp(self) -> None:
        store = RealStore()
        self.addCleanup(store.remove)
        self.store = store
        self.world = World(store.start())
        self.addCleanup(lambda: self.world.client.close())

    def states(self, erasure_id: str, *sns: str) -> list[str]:
        """How far it is at terminals."""
        return [self.world.at(erasure_id, sn).state.value for sn in sns]
