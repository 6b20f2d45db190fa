"""A post over an outbox that a test fills, and a terminal that answers commands when a test says so."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

import msgspec
from msgspec import UNSET, UnsetType
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.gateway.stand_ins import SN, Dialled, Stand, Wire
from tfserver.config import ModelProfile, Settings
from tfserver.config import Terminals as TerminalSettings
from tfserver.gateway.courier import Courier
from tfserver.gateway.post import Post
from tfserver.order import Danger, OrderEvent
from tfserver.store.outbox import Hand, Look, Outcome, Taken
from tfserver.wire.message import Command, RawReply, Reply
from tfserver.wire.table import vocabulary


class Rung(Reply):
    """How often it rang."""

    times: int | None = None


class Ring(Command[Rung]):
    """Ring."""

    within: ClassVar[float] = 10.0
    aliases: ClassVar[tuple[str, ...]] = ("rang",)

    times: int | UnsetType = UNSET
    enrollid: int | UnsetType = UNSET
    password: str | UnsetType = UNSET

    def forgives(self, reply: RawReply) -> bool:
        """It rings already."""
        return reply.fields.get("reason") == 42


class RingGate(Command[Reply]):
    """Ring at a door."""

    danger: ClassVar[Danger] = Danger.DOOR


class RingOff(Command[Reply]):
    """Ring no more after this."""

    danger: ClassVar[Danger] = Danger.ONCE
    ends_connection: ClassVar[bool] = True


class Hush(Command[Reply]):
    """Nobody can ring."""

    local_use: ClassVar[bool | None] = False


class Unhush(Command[Reply]):
    """Everybody can ring."""

    local_use: ClassVar[bool | None] = True


class RingClock(Command[Reply]):
    """Ring by this clock."""

    tells_time: ClassVar[bool] = True

    def said(self, cloudtime: str) -> dict[str, Any]:
        """With the terminal's time."""
        return {"cloudtime": cloudtime}


class Rings(Reply):
    """All there were."""

    rings: list[Any] = msgspec.field(default_factory=list, name="record")


class GetRings(Command[Rings]):
    """Read when it rang; nobody keeps it."""

    list_field: ClassVar[str] = "record"


class GetAllRings(Command[Reply]):
    """Read when it rang, to be kept."""

    list_field: ClassVar[str] = "record"


class GetNewRings(Command[Reply]):
    """Read when it rang, which can be done only once."""

    list_field: ClassVar[str] = "record"
    moves_pointer: ClassVar[bool] = True


COMMANDS: tuple[type[Command[Any]], ...] = (
    *(Ring, RingGate, RingOff, Hush, Unhush, RingClock),
    *(GetRings, GetAllRings, GetNewRings),
)
SETTINGS = Settings(
    terminals=TerminalSettings(timezone="UTC"), profiles={"named": ModelProfile(sn_in_commands=True)}
)
Hook = Callable[[], None]


class Box:
    """An outbox: ``waiting`` are orders to be taken, ``ended`` what was told of them.

    Each of ``failures`` is raised by one call; ``meanwhile`` is done before an order is handed out.
    """

    def __init__(self) -> None:
        self.waiting: deque[Taken] = deque()
        self.ended: list[tuple[str, Outcome]] = []
        self.told: list[dict[str, Any]] = []
        self.calls: list[str] = []
        self.hands: list[tuple[int, set[str]]] = []
        """With each call: its number, and what the courier has in hand."""
        self.failures: deque[Exception] = deque()
        self.meanwhile: Hook = lambda: None
        self.goes_on = True
        self.terminals_due: list[str] = []
        self.forgotten: list[str] = []

    def _called(self, name: str) -> None:
        self.calls.append(name)
        if self.failures:
            raise self.failures.popleft()

    async def take(self, sn: str, connection: str, doors: bool, hand: Hand) -> Look:
        """The next order."""
        self.hands.append((hand.call, set(hand.ids)))
        self._called("doors" if doors else "take")
        return self._next(doors)

    async def finish(
        self, sn: str, connection: str, taken: Taken, outcome: Outcome, more: bool, hand: Hand
    ) -> Look:
        """What happened to an order; what was put back waits again."""
        self.hands.append((hand.call, set(hand.ids)))
        self._called("finish and take" if more else "finish")
        self.ended.append((taken.id, outcome))
        if outcome.event is OrderEvent.PUT_BACK:
            self.waiting.appendleft(taken)
        return self._next(False) if more else Look()

    async def progress(self, connection: str, taken: Taken, reply: dict[str, Any]) -> bool:
        """How far it is."""
        self._called("progress")
        self.told.append(reply)
        return self.goes_on

    async def due(self) -> list[str]:
        """Terminals with orders."""
        self._called("due")
        return self.terminals_due

    async def not_ours(self, sns: list[str]) -> None:
        """Terminals that are not here."""
        self._called("not ours")
        self.forgotten += sns

    async def sweep(self) -> None:
        """End what is overdue."""
        self._called("sweep")

    def _next(self, doors: bool) -> Look:
        for taken in self.waiting:
            if not doors or taken.danger is Danger.DOOR:
                self.waiting.remove(taken)
                self.meanwhile()
                return Look(taken)
        return Look(later=bool(self.waiting))


class NowWire(Wire):
    """A wire that notes what has to be written at once, and may not take it; ``dataBuffer`` is unsent."""

    def __init__(self) -> None:
        super().__init__()
        self.at_once: list[bytes] = []
        self.takes_all = True
        self.dataBuffer = b""

    def send_now(self, payload: bytes) -> bool:
        """A message goes out at once."""
        self.at_once.append(payload)
        super().send_now(payload)
        return self.takes_all


class CarryingCase(SynchronousTestCase):
    """A post on a clock, with one terminal that has registered."""

    def setUp(self) -> None:
        for command in COMMANDS:
            vocabulary.enter(command)
            self.addCleanup(vocabulary.remove, command)
        self.stand = Stand(SETTINGS)
        self.clock, self.box = self.stand.clock, Box()
        services = self.stand.services
        outbox: Any = self.box
        self.stand.services = replace(services, store=replace(services.store, outbox=outbox))
        self.by_sn: dict[str, Any] = {}
        self.post = Post(self.clock, self.stand.services, self.by_sn, self.clock.seconds)
        self.terminal = self.dialled()
        self.wire, self.link = self.terminal.wire, self.terminal.link
        self.courier: Courier = self.post.courier_of(self.link)
        self.numbers = 0

    def dialled(self, connection: str = "c1", sn: str = SN) -> Dialled:
        """A terminal that has registered."""
        terminal = Dialled(self.stand, connection=connection)
        terminal.wire = terminal.link._wire = NowWire()
        terminal.reg(sn)
        terminal.wire.events.clear()
        self.by_sn[sn] = terminal.link
        return terminal

    def put(self, cmd: str = "ring", left: float = 300.0, **more: Any) -> str:
        """An order waits; nobody is woken."""
        self.numbers += 1
        danger = vocabulary.find(cmd).danger if vocabulary.find(cmd) else Danger.ORDINARY  # type: ignore[union-attr]
        usual: dict[str, Any] = {"args": {}, "attempts": 1, "danger": danger}
        order_id = f"o{self.numbers}"
        self.box.waiting.append(Taken(order_id, cmd, left=left, **{**usual, **more}))
        return order_id

    def carry(self, cmd: str = "ring", left: float = 300.0, **more: Any) -> str:
        """An order waits, and the courier is woken."""
        order_id = self.put(cmd, left, **more)
        self.courier.wake()
        return order_id

    def answers(self, cmd: str = "ring", **fields: Any) -> None:
        """The terminal answers a command."""
        self.terminal.says(ret=cmd, **{"result": True, **fields})

    def pass_time(self, seconds: float) -> None:
        """Time passes in steps of a tenth of a second, and the post looks for what takes too long."""
        for _ in range(round(seconds * 10)):
            self.clock.advance(0.1)
            self.post.tick()

    def paused(self, seconds: float) -> None:
        """The process is stopped for so long: no call of its own runs, and the clock goes on."""
        self.clock.rightNow += seconds

    def said(self) -> list[dict[str, Any]]:
        """The commands the terminal got."""
        return [message for message in self.wire.messages() if "cmd" in message]

    def words(self) -> list[str]:
        """Their words."""
        return [message["cmd"] for message in self.said()]

    def outcome(self) -> Outcome:
        """What was told of the one order that ended."""
        [(_, outcome)] = self.box.ended
        return outcome

    def events(self) -> list[OrderEvent]:
        """What happened to orders, in the order it was told."""
        return [outcome.event for _, outcome in self.box.ended]

    def counted(self, cmd: str, outcome: str) -> float:
        """How often the metrics counted it."""
        return self.stand.count(f'tfserver_orders_total{{cmd="{cmd}",outcome="{outcome}"}}')


async def nothing_more(_: object) -> bool:
    """A reading that nobody ends."""
    return True


def begun(coroutine: Any) -> Deferred[Any]:
    """A call under way."""
    return Deferred.fromCoroutine(coroutine)
