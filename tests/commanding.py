"""A commander over an outbox that agrees to everything, and commands of its own, for tests."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Annotated, Any, ClassVar

from msgspec import UNSET, Meta, UnsetType
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.gateway.stand_ins import SN, Face
from tfserver.commander import BadOrder, Commander, NotAllowed, Refused, Wanted
from tfserver.config import ModelProfile, Settings
from tfserver.metrics import Metrics
from tfserver.model import Decided
from tfserver.order import Danger, Order, OrderState
from tfserver.store.outbox import NewOrder, Put
from tfserver.wire.message import Command, Problems, Profile, Reply
from tfserver.wire.ordering import OpenCommand
from tfserver.wire.table import vocabulary


class Ring(Command[Reply]):
    """Ring so many times."""

    within: ClassVar[float] = 7.0

    times: Annotated[int, Meta(ge=1, le=9)]
    enrollid: int | UnsetType = UNSET
    backupnum: int | UnsetType = UNSET
    password: str | UnsetType = UNSET

    def subject(self) -> str:
        """About the bell."""
        return "bell"

    def problems(self, profile: Profile) -> Problems:
        """Some profiles ring only once."""
        wrong = self.times > 1 and profile.sn_in_commands
        return [("times", "expected 1 on this model")] if wrong else []


class RingGate(Command[Reply]):
    """Ring at a door."""

    danger: ClassVar[Danger] = Danger.DOOR


class RingOnce(Command[Reply]):
    """Ring at most once."""

    danger: ClassVar[Danger] = Danger.ONCE


class RingOut(Command[Reply]):
    """Silence all bells for good."""

    danger: ClassVar[Danger] = Danger.DESTRUCTIVE
    admin_only: ClassVar[bool] = True
    needs_proof: ClassVar[bool] = True


class RingTest(Command[Reply]):
    """Not known to every model."""

    core: ClassVar[bool] = False


class RingAny(OpenCommand[Reply]):
    """Ring in ways that nobody described."""


COMMANDS: tuple[type[Command[Any]], ...] = (Ring, RingGate, RingOnce, RingOut, RingTest, RingAny)
CLASSES = {
    Danger.ORDINARY: "ring",
    Danger.DOOR: "ringgate",
    Danger.ONCE: "ringonce",
    Danger.DESTRUCTIVE: "ringout",
}


def order(state: OrderState = OrderState.QUEUED) -> Order:
    """An order in some state."""
    return Order("id1", SN, "ring", {}, state, None, None, "token 1", "t", None, None, "t", 0)


class CommanderCase(SynchronousTestCase):
    """A commander over an outbox that agrees to everything, and commands of its own."""

    def setUp(self) -> None:
        for command in COMMANDS:
            vocabulary.enter(command)
            self.addCleanup(vocabulary.remove, command)
        self.clock = Clock()
        self.outbox = Face(put=Put("put", "id1"), get=order(), listing=([], None), cancel=OrderState.QUEUED)
        self.terminals = Face(decided=Decided())
        self.metrics = Metrics()
        profiles = {"bells": ModelProfile(allow=frozenset({"ringtest"}), sn_in_commands=True)}
        settings: Any = Settings(profiles=profiles)
        faces: tuple[Any, ...] = (
            self.outbox,
            self.terminals,
            settings,
            Face(),
            self.metrics,
            Face(forget=None),
        )
        self.commander = Commander(self.clock, *faces)

    def begun(self, coroutine: Coroutine[Any, Any, Any]) -> Deferred[Any]:
        """A call under way."""
        return Deferred.fromCoroutine(coroutine)

    def ordering(self, cmd: str = "ring", **more: Any) -> Deferred[Order]:
        """An order under way."""
        usual: dict[str, Any] = {
            "sn": SN,
            "fields": {"times": 2} if cmd == "ring" else {},
            "actor": "token 1",
        }
        return self.begun(self.commander.order(Wanted(cmd=cmd, **{"is_admin": True, **usual, **more})))

    def put(self, cmd: str = "ring", **more: Any) -> NewOrder:
        """What is put for an order that is taken."""
        self.successResultOf(self.ordering(cmd, **more))
        [found] = self.outbox.asked("put")[-1]
        assert isinstance(found, NewOrder)
        return found

    def refused(self, kind: type[Refused], cmd: str = "ring", **more: Any) -> Refused:
        """Why an order is refused; nothing was put."""
        self.outbox.calls.clear()
        found = self.failureResultOf(self.ordering(cmd, **more), kind).value
        assert isinstance(found, Refused)
        if kind in (BadOrder, NotAllowed):
            self.assertEqual(self.outbox.asked("put"), [])
        return found
