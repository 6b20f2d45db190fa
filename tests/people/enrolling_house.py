"""Enrolments over a real store and a simulated terminal, whose orders are carried out at once."""

from __future__ import annotations

import json
from typing import Any

import tfserver.commands  # noqa: F401
from tests.simulator.admitted import NOW, admitted, said
from tests.store.arrivals import NOW as ARRIVED
from tests.store.arrivals import arrival
from tests.store.connected import StoreCase
from tfserver.commander import KeyReused, NotNow
from tfserver.config import Admission as AdmissionSettings
from tfserver.config import ModelProfile, Settings
from tfserver.config import Terminals as TerminalSettings
from tfserver.order import ENDS, Order, OrderError, OrderState
from tfserver.people.enrolling import Enrolling, NewEnrolment
from tfserver.people.scanning import Scanning, Sources
from tfserver.simulator.dialects import V3, Dialect
from tfserver.simulator.moods import read_moods
from tfserver.store.errands import Errands
from tfserver.store.people.directory import Directory
from tfserver.store.people.enrolments import Enrolment, Enrolments
from tfserver.store.people.holdings import Holdings
from tfserver.store.terminals import Terminals
from tfserver.store.users import Origin, Profile, Users
from tfserver.store.vault import Vault

SN = "ZXDM00000001"
SLOT = (9, 0)
ALLOWED = frozenset({"checkregstatus", "canceladduser"})
AT = "2026-04-02T08:15:04.000Z"


class Killed(BaseException):
    """The process is dead: nothing of it runs any further."""


class Ordering:
    """``Asker`` over one simulated terminal; ``given`` are the commands that it got. While it is not
    ``online`` orders wait."""

    def __init__(self, terminal: Any, users: Users) -> None:
        self.terminal = terminal
        self.users = users
        self.online = True
        self.given: list[dict[str, Any]] = []
        self.orders: dict[str, tuple[str, Order]] = {}
        self.dies_at = 0
        """The process is killed at this call, counted from 1; what was given by then was given."""

    def called(self, actor: str) -> Ordering:
        """Whoever asks."""
        return self

    def count(self) -> None:
        """One more call of this process."""
        self.dies_at -= 1
        if self.dies_at == 0:
            raise Killed

    async def put(self, sn: str, cmd: str, fields: dict[str, Any], *, key: str, ttl: int) -> Order:
        """An order under a key; it may be told to the terminal before this ends."""
        self.count()
        told = json.dumps([sn, cmd, fields, ttl])
        if key in self.orders:
            if self.orders[key][0] != told:
                raise KeyReused(key)
            return await self._now(key)
        order = Order(key, sn, cmd, fields, OrderState.QUEUED, None, None, "a", AT, None, None, AT, 0)
        self.orders[key] = told, order
        found = await self._now(key)
        self.count()
        return found

    async def ended(self, order: Order, seconds: float) -> Order:
        """As it is now."""
        self.count()
        return await self._now(order.id)

    async def cancel(self, order_id: str) -> Order:
        """Take it back while it is queued."""
        self.count()
        told, order = self.orders[order_id]
        if order.state is not OrderState.QUEUED:
            raise NotNow("not queued")
        self.orders[order_id] = told, _with(order, OrderState.CANCELLED)
        return self.orders[order_id][1]

    async def _now(self, key: str) -> Order:
        told, order = self.orders[key]
        if order.state not in ENDS and self.online:
            self.orders[key] = told, await self._obeyed(order)
        return self.orders[key][1]

    async def _obeyed(self, order: Order) -> Order:
        command = {"cmd": order.cmd, **order.args}
        self.given.append(command)
        messages = said(self.terminal.received(command, NOW))
        reply = next((one for one in messages if one.get("ret", "").strip() == order.cmd), None)
        if reply is None:
            return _with(order, OrderState.UNKNOWN, error=OrderError("it did not answer"))
        if not reply.get("result", True):
            words = f"the terminal refused: {reply.get('msg', reply['reason'])}"
            return _with(order, OrderState.REFUSED, error=OrderError(words))
        if order.cmd == "getuserinfo":
            await self.keep(reply)
        await self.pushed(messages)
        return _with(order, OrderState.DONE, reply={k: v for k, v in reply.items() if k != "record"})

    async def pushed(self, messages: list[dict[str, Any]]) -> None:
        """Keep what it pushes, and acknowledge it."""
        waiting = [one for one in messages if one.get("cmd") == "senduser"]
        while waiting:
            await self.keep(waiting[0])
            waiting = said(self.terminal.received({"ret": "senduser", "result": True}, NOW))

    async def keep(self, told: dict[str, Any]) -> None:
        """As the keeper of replies does, which is in another process."""
        dies_at, self.dies_at = self.dies_at, 0
        origin = Origin("tfs30", "v6", "thbio3.0", AT)
        credential = (told["backupnum"], str(told["record"]))
        await self.users.put(SN, told["enrollid"], Profile(told["name"], told["admin"]), credential, origin)
        self.dies_at = dies_at


def _with(order: Order, state: OrderState, **more: Any) -> Order:
    told = {name: getattr(order, name) for name in order.__struct_fields__}
    return Order(**{**told, "state": state, **more})


class EnrollingCase(StoreCase):
    """A terminal in a dialect and a mood, with room."""

    async def begin_house(
        self,
        dialect: Dialect = V3,
        mood: str = "",
        *,
        allow: frozenset[str] = ALLOWED,
        adopt: bool = True,
        pushes: bool = True,
        **devinfo: int,
    ) -> None:
        """All that is needed."""
        self.client = client = await self.connect()
        self.vault = Vault(bytes(range(32)))
        self.terminals = Terminals(client, AdmissionSettings(), "one/1")
        self.holdings = Holdings(client)
        self.directory = Directory(client, self.vault)
        self.enrolments = Enrolments(client, 90)
        settings = Settings(
            profiles={"v3": ModelProfile(allow=allow)}, terminals=TerminalSettings(nosenduser=not pushes)
        )
        room = {"usersize": 10, "fpsize": 10, "facesize": 10, "cardsize": 10, **devinfo}
        await self.terminals.register(arrival(SN, approve=True, now_ms=ARRIVED, devinfo=room), "c1")
        await self.terminals.change(SN, {"model_profile": "v3"})
        await self.holdings.listed(SN, [], self.enrolments.now_ms())
        terminal = admitted(dialect, users=0, moods=read_moods(mood) if mood else ())
        terminal.users.allowed = pushes
        users = Users(client, self.vault, adopt=adopt)
        self.ordering = Ordering(terminal, users)
        self._put_together(settings, users)
        self._let_store_kill()
        self.now = 0.0
        # time only passes when the test says so
        real = self.enrolments.now_ms
        started = real()
        self.enrolments.now_ms = lambda: started + round(1000 * self.now)  # type: ignore[method-assign]

    def _put_together(self, settings: Settings, users: Users) -> None:
        errands = Errands(self.client, "enrolment")
        faces = (self.directory, self.holdings, self.terminals)
        self.enrolling = Enrolling(settings, self.enrolments, errands, *faces)
        self.sources = Sources(
            settings=settings,
            enrolments=self.enrolments,
            directory=self.directory,
            holdings=self.holdings,
            users=users,
            vault=self.vault,
            terminals=self.terminals,
        )

    def _let_store_kill(self) -> None:
        """What is written to the store may be the last thing the process did, or what it did not any more."""
        keep, count = self.client.keep, self.ordering.count

        async def counted(*args: Any) -> Any:
            """A call before and after which the process may die."""
            count()
            found = await keep(*args)
            count()
            return found

        self.client.keep = counted  # type: ignore[method-assign, assignment]

    async def asked(self, key: str = "", **changes: Any) -> Enrolment:
        """An enrolment of finger 0 of person 9."""
        told = {"enrollid": 9, "backupnum": 0, "name": "Lea", "admin": None, "seconds": 60, **changes}
        return await self.enrolling.begin(NewEnrolment(sn=SN, **told), "token o", key)

    async def goes(self, enrolment_id: str, most: int = 60) -> list[str]:
        """Do it, a second passing with each step; the states that were told, and the last words."""
        for _ in range(most):
            if await Scanning(self.sources, self.ordering).do(enrolment_id) is None:  # type: ignore[arg-type]
                break
            self.now += 1
            if self.ordering.online:
                self.ordering.terminal.heard(NOW + self.now)
                await self.ordering.pushed(said(self.ordering.terminal.tick(NOW + self.now)))
        else:
            raise AssertionError(f"it does not end: {await self.enrolments.going(enrolment_id)}")
        return await self.told()

    async def told(self) -> list[str]:
        """The states of all events, with the scans where there are any."""
        flat = await self.client.read("XRANGE", self.client.keys.events, "-", "+")
        found = [dict(zip(fields[::2], fields[1::2], strict=True)) for _, fields in flat]
        events = [json.loads(one["d"]) for one in found if one["kind"] == "enrolment"]
        return [f"{one['state']}{one['scans'] or ''}" for one in events]

    async def ended(self, enrolment_id: str) -> tuple[str, str]:
        """How it ended, in a word and in words; its place is free, and another may begin."""
        found = await self.enrolments.get(enrolment_id)
        assert found is not None and found.ended is not None
        return found.state.value, found.told

    def words(self) -> list[str]:
        """What the terminal was told."""
        return [command["cmd"] for command in self.ordering.given]
