"""Order any terminal from anywhere, and await the outcome (design §3: a command from anywhere)."""

from __future__ import annotations

import hashlib
import secrets
from datetime import date
from typing import Any, Final, NamedTuple, TypeVar

import msgspec
from twisted.internet.defer import Deferred, TimeoutError

from tfserver.backfilling import WORD, Backfilling
from tfserver.config import ModelProfile, Settings
from tfserver.errors import TfserverError
from tfserver.metrics import Metrics
from tfserver.model import canonical_sn
from tfserver.order import ENDS, LIVES, Danger, Order, OrderState
from tfserver.store.backfills import Backfill as Backfill
from tfserver.store.endings import ended_as, read_ending
from tfserver.store.outbox import NewOrder, Outbox, Put
from tfserver.store.people.holdings import Holdings
from tfserver.store.people.rooms import Place
from tfserver.store.terminals import Terminals
from tfserver.wire.message import Command, Problems
from tfserver.wire.ordering import decode

LOOK_SECONDS: Final = 1.0
"""How often one who waits looks, should a wake-up not reach us."""
MOST_EXPECTED: Final = 1000
"""How many orders are remembered whose end nobody waits for yet, and how many such ends."""
PUT_SECONDS: Final = 60.0
"""Places are kept so long until their order is put; from then on as long as it lives (outbox/3_put.lua)."""
_FORGOTTEN_A_PAGE: Final = 100
_CURSOR: Final = "expected a cursor as given in 'next'"

T = TypeVar("T")


class Wanted(NamedTuple):
    """What somebody wants a terminal to do. ``key`` makes a repeat harmless; it is the asker's own. Who
    ``waits`` for the end is woken when it comes. What is ``noted`` stands in the audit as soon as it is
    kept."""

    sn: str
    cmd: str
    fields: dict[str, Any]
    actor: str
    is_admin: bool
    ttl: int | None = None
    confirm: str = ""
    key: str = ""
    waits: bool = False
    noted: bool = False


class Refused(TfserverError):
    """An order that was not taken; nothing was created. ``problems`` are fields and what was expected."""

    def __init__(self, message: str, problems: Problems | None = None) -> None:
        super().__init__(message)
        self.problems = problems or []


class BadOrder(Refused):
    """What was asked for is no command, or not in this form."""


class UnknownTerminal(Refused):
    """No such terminal."""


class UnknownOrder(Refused):
    """No such order."""


class NotAllowed(Refused):
    """Only an administrator may order this."""


class NotNow(Refused):
    """It can't be done as things are now."""


class NoRoom(NotNow):
    """What it brings does not fit on the terminal; the words have the arithmetic."""


class KeyReused(Refused):
    """The same idempotency key came with something else."""


class QueueFull(Refused):
    """Too many orders wait for this terminal."""


class Commander:
    """Takes orders for any terminal of any process."""

    def __init__(
        self,
        reactor: Any,
        outbox: Outbox,
        terminals: Terminals,
        settings: Settings,
        backfilling: Backfilling,
        metrics: Metrics,
        holdings: Holdings,
    ) -> None:
        self._reactor = reactor
        self._metrics = metrics
        self._backfilling = backfilling
        self._outbox = outbox
        self._terminals = terminals
        self._holdings = holdings
        self._settings = settings
        self._waiting: dict[str, list[Deferred[str]]] = {}
        self._expected: dict[str, Order] = {}
        """Orders that were put here to wait for: their ends will be heard of. The oldest first."""
        self._early: dict[str, None] = {}
        """Orders whose ends were heard of before the answer to their put, the oldest first."""
        self._released = False

    async def order(self, wanted: Wanted) -> Order:
        """Let an order wait for its terminal. Raises Refused with all that speaks against it."""
        command, problems = decode(wanted.cmd, wanted.fields, await self.profile(wanted.sn))
        if command is None:
            raise BadOrder("; ".join(f"{field}: {message}" for field, message in problems), problems)
        if command.admin_only and not wanted.is_admin:
            raise NotAllowed(f"{wanted.cmd} may only be ordered by an administrator")
        problems = [*_ttl_problems(command, wanted.ttl), *_confirm_problems(command, wanted)]
        if problems:
            raise BadOrder("; ".join(f"{field}: {message}" for field, message in problems), problems)
        put = await self._put(_new_order(command, wanted), command.brings())
        if put.outcome not in ("put", "again"):
            raise _refusal(put, wanted)
        if put.order is not None:
            return self._expecting(put.order) if wanted.waits else put.order
        found = await self._outbox.get(put.detail)
        if found is None:
            raise NotNow("the order was made, ended and forgotten already")
        return found

    async def _put(self, order: NewOrder, places: list[Place]) -> Put:
        """Put an order, and keep the places that it needs until its end."""
        if not places:
            return await self._outbox.put(order)
        token, rooms = secrets.token_hex(8), self._holdings.rooms
        why = await rooms.reserve(order.sn, places, PUT_SECONDS, token)
        if why is not None:
            raise NoRoom(why)
        put = await self._outbox.put(order._replace(places=rooms.members(order.sn, places, token)))
        if put.outcome != "put":
            await rooms.release(order.sn, places, token)
        return put

    def _expecting(self, made: Order) -> Order:
        if made.id in self._early:
            del self._early[made.id]
        else:
            _remember(self._expected, made.id, made)
        return made

    @property
    def profiles(self) -> list[str]:
        """The names of all kinds of terminals that are told apart."""
        return sorted(self._settings.profiles)

    async def profile(self, sn: str) -> ModelProfile:
        """What the terminal can do; nobody has to be asked where no profiles are told apart."""
        name = (await self._terminals.decided(sn)).model_profile if self._settings.profiles else ""
        return self._settings.profile(name)

    async def ended(self, order_id: str, seconds: float) -> Order:
        """An order as it is when it has ended, or when the seconds are over. Raises UnknownOrder."""
        self._metrics.waits += 1
        try:
            return await self._ended(order_id, seconds)
        finally:
            self._metrics.waits -= 1

    async def _ended(self, order_id: str, seconds: float) -> Order:
        deadline = self._reactor.seconds() + seconds
        # one that was put a moment ago need not be looked at: its end would have been heard of
        found = self._expected.pop(order_id, None)
        while True:
            woken: Deferred[str] = Deferred()
            # before the look: an end in between is not missed
            self._waiting.setdefault(order_id, []).append(woken)
            try:
                found = found or await self.get(order_id)
                left = deadline - self._reactor.seconds()
                if found is None:
                    raise UnknownOrder(f"there is no order {order_id}")
                if found.state in ENDS or left <= 0 or self._released:
                    return found
                found = ended_as(found, await woken.addTimeout(min(left, LOOK_SECONDS), self._reactor))
            except TimeoutError:
                found = None
            finally:
                self._forget(order_id, woken)

    def woken(self, message: str) -> None:
        """A process ended an order that was put here."""
        order_id, told = read_ending(message)
        if order_id not in self._waiting and self._expected.pop(order_id, None) is None:
            _remember(self._early, order_id, None)
        for waiting in self._waiting.pop(order_id, []):
            if not waiting.called:
                waiting.callback(told)

    def release(self) -> None:
        """Let nobody wait any longer: this process is about to end, the orders go on."""
        self._released = True
        for order_id in list(self._waiting):
            self.woken(order_id)

    async def get(self, order_id: str) -> Order | None:
        """One order, or None."""
        return await self._outbox.get(order_id)

    async def listing(self, sn: str, limit: int, before: str) -> tuple[list[Order], str | None]:
        """Orders of a terminal, the newest first, and the cursor of those before them."""
        return await self._outbox.listing(sn, limit, before)

    async def cancel(self, order_id: str, actor: str) -> Order:
        """Take an order back. Raises UnknownOrder, or NotNow when it is not queued any more."""
        before = await self._outbox.cancel(order_id, actor)
        found = await self._outbox.get(order_id)
        if before is None or found is None:
            raise UnknownOrder(f"there is no order {order_id}")
        if before is not OrderState.QUEUED:
            raise NotNow(f"the order is {before.value}: only a queued one can be taken back")
        return found

    async def forget(self, sn: str, actor: str) -> bool:
        """Forget a terminal, and take back what waits for it; False when there is no such terminal."""
        await self._take_back(sn, actor)
        await self._holdings.forget(sn)
        is_known = await self._terminals.delete(sn)
        # what was put meanwhile: from now on nothing is
        await self._take_back(sn, actor)
        await self._holdings.forget(sn)
        return is_known

    async def _take_back(self, sn: str, actor: str) -> None:
        cursor: str | None = ""
        while cursor is not None:
            orders, cursor = await self._outbox.listing(sn, _FORGOTTEN_A_PAGE, cursor)
            for order in orders:
                if order.state is OrderState.QUEUED:
                    await self._outbox.cancel(order.id, actor)

    async def backfill(self, sn: str, first: date, last: date, actor: str, key: str) -> Backfill:
        """Fetch days of a terminal again, both included. Raises Refused; then nothing was made."""
        timezone = (await self._terminals.decided(sn)).timezone
        problems = self._backfilling.problems(first, last, timezone)
        if problems:
            raise BadOrder("; ".join(f"{field}: {message}" for field, message in problems), problems)
        put = await self._backfilling.begin(sn, first, last, actor, key)
        if put.outcome not in ("put", "again"):
            raise _refusal(put, Wanted(sn, WORD, {}, actor, False))
        found = await self._backfilling.get(put.detail)
        if found is None:
            raise NotNow("the backfill was made and forgotten already")
        return found

    async def backfills(self, sn: str, limit: int, before: str) -> tuple[list[Backfill], str | None]:
        """Backfills of a terminal (empty: of all), the newest first, and the cursor of those before them."""
        if before and not (before.isascii() and before.isdigit() and len(before) < 20):
            raise BadOrder(f"cursor: {_CURSOR}", [("cursor", _CURSOR)])
        return await self._backfilling.listing(sn, limit, before)

    def _forget(self, order_id: str, woken: Deferred[str]) -> None:
        waiting = self._waiting.get(order_id, [])
        if woken in waiting:
            waiting.remove(woken)
        if not waiting:
            self._waiting.pop(order_id, None)


def _remember(known: dict[str, T], name: str, what: T) -> None:
    known[name] = what
    if len(known) > MOST_EXPECTED:
        del known[next(iter(known))]


def _new_order(command: Command[Any], wanted: Wanted) -> NewOrder:
    fields, sealed = command.fields(), command.secrets()
    told = msgspec.json.encode([canonical_sn(wanted.sn), wanted.cmd, fields, wanted.ttl], order="sorted")
    return NewOrder(
        sn=wanted.sn,
        cmd=wanted.cmd,
        args=fields,
        shown=command.shown(),
        danger=command.danger,
        subject=command.subject(),
        ttl=wanted.ttl or LIVES[command.danger].default,
        within=command.within,
        actor=wanted.actor,
        secrets=sealed,
        enrollid=fields.get("enrollid", 0),
        backupnum=fields.get("backupnum", 0),
        key=hashlib.sha256(wanted.key.encode()).hexdigest() if wanted.key else "",
        digest=hashlib.sha256(told).hexdigest(),
        needs_proof=command.needs_proof,
        waits=wanted.waits,
        noted=wanted.noted,
        people=command.people() or ((fields.get("enrollid", 0),) if sealed else ()),
    )


def _ttl_problems(command: Command[Any], ttl: int | None) -> Problems:
    life = LIVES[command.danger]
    if ttl is None or life.least <= ttl <= life.most:
        return []
    return [("ttl", f"expected {life.least} to {life.most} seconds for a command of class {command.danger}")]


def _confirm_problems(command: Command[Any], wanted: Wanted) -> Problems:
    is_confirmed = canonical_sn(wanted.confirm) == canonical_sn(wanted.sn)
    if command.danger is not Danger.DESTRUCTIVE or is_confirmed:
        return []
    return [("confirm", f"expected the terminal's serial number: {command.word()} can't be undone")]


def _refusal(put: Put, wanted: Wanted) -> Refused:
    sn, cmd = wanted.sn, wanted.cmd
    if put.outcome == "unknown":
        return UnknownTerminal(f"no terminal '{sn}' has ever registered here")
    if put.outcome == "reused":
        return KeyReused("this Idempotency-Key came with another order before")
    if put.outcome == "full":
        return QueueFull(f"too many orders wait for terminal {sn}: cancel some, or see why it obeys none")
    return NotNow(
        {
            "not approved": f"terminal {sn} is {put.detail}: only approved ones take orders",
            "erased": f"person {put.detail} was erased: put the person into the directory first",
            "place": f"the store took too long to keep a place on terminal {sn}: order it again",
            "offline": f"terminal {sn} is not online, and {cmd} is never kept for later",
            "dirty": f"logs of terminal {sn} since {put.detail} are not proven stored: "
            f"{cmd} would delete them for good",
        }.get(put.outcome, put.outcome)
    )
