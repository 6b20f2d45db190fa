"""Doing an enrolment: tell the terminal, watch how far the person is, read back what came of it.

Each step is written down before the next one, and each order has a key: whoever goes on after a kill finds
the same orders. ``adduser`` is given once and never again (design §2.4).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from tfserver.commander import NotNow, Refused
from tfserver.config import ModelProfile, Settings
from tfserver.order import ENDS as ORDER_ENDS
from tfserver.order import Order, OrderState
from tfserver.people.asking import Asker
from tfserver.people.enrolling import ENDS, fields_of
from tfserver.person import Made, Person
from tfserver.store.people.directory import BeingErased, Directory, NoSuchPerson, Outdated
from tfserver.store.people.enrolments import Enrolments, EnrolmentState, Going, Stage, Wish
from tfserver.store.people.holdings import Holdings
from tfserver.store.people.names import folded
from tfserver.store.terminals import Terminals
from tfserver.store.users import Users
from tfserver.store.vault import Vault
from tfserver.wire import lenient

STATUS: Final = "checkregstatus"
ORDER_SECONDS: Final = 5.0
"""So long is an answer awaited before others have their turn."""
SOON_SECONDS: Final = 0.5
WATCH_SECONDS: Final = 1.0
"""How often is looked whether the terminal pushed the credential."""
ASK_SECONDS: Final = (1.0, 5.0)
"""How often a terminal is asked how far it is: from the first seconds to the last."""
LOOK_EVERY: Final = 10
"""With every so manieth look a terminal that was told not to push is asked what it has."""
ATTEMPTS: Final = 3
STOP_TTL: Final = 60
FINISHED: Final = 100
TOO_LATE: Final = "nobody enrolled in time"
NOT_THERE: Final = "the terminal was not there in time"
CANCELLED: Final = "cancelled"
GONE: Final = "the terminal did not say whether it stopped: whoever enrols there now, it keeps"
WAITS: Final = "the terminal waits for the person"
ANOTHER: Final = "somebody with another name has this number at the terminal"
NOT_KEPT: Final = "the terminal says that it is finished, and has nothing new in this slot"
UNREADABLE: Final = "the terminal has it, and it could not be read back"
ERASED: Final = "the person is being erased: nothing is kept of it"


class Later(Exception):
    """Come again after so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"again in {seconds} s")
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Sources:
    """What an enrolment is done with."""

    settings: Settings
    enrolments: Enrolments
    directory: Directory
    holdings: Holdings
    users: Users
    vault: Vault
    terminals: Terminals


class Scanning:
    """Does one enrolment after the other, a step at a time; ``do`` is the errand."""

    def __init__(self, sources: Sources, asker: Asker) -> None:
        self._sources = sources
        self._asker = asker

    async def do(self, name: str) -> float | None:
        """Go on with one; in how many seconds again, or None when it is over."""
        going = await self._sources.enrolments.going(name)
        if going is None or going.shown.state in ENDS:
            return None
        try:
            return await Attempt(self._sources, self._asker.called(going.asked.actor), going).step()
        except Later as later:
            return later.seconds


class Attempt:
    """One enrolment, from where it stands."""

    def __init__(self, sources: Sources, asker: Asker, going: Going) -> None:
        self._sources = sources
        self._enrolments = sources.enrolments
        self._asker = asker
        self._going = going
        self._course = going.course
        self._steps: dict[Stage, Callable[[], Awaitable[float | None]]] = {
            Stage.LOOK: self._look,
            Stage.ADD: self._add,
            Stage.WAIT: self._wait,
            Stage.STOP: self._stopped,
            Stage.BACK: self._back,
        }

    async def step(self) -> float | None:
        """Do what is next."""
        going, stage = self._going, self._course.stage
        is_late = self._enrolments.now_ms() >= going.until_ms
        try:
            if stage in (Stage.LOOK, Stage.ADD, Stage.WAIT) and (is_late or going.wish):
                return await self._stop(going.wish or Wish.LATE)
            return await self._steps[stage]()
        except Refused as refused:
            return await self._end(EnrolmentState.FAILED, str(refused))

    # before

    async def _look(self) -> float | None:
        """What does it have in the slot? Whatever comes later is compared with that."""
        order = await self._asked("getuserinfo", self._slot(), "look", self._ttl)
        before = await self._version()
        if order.state is OrderState.DONE and not await self._is_same_person():
            return await self._end(EnrolmentState.REFUSED, ANOTHER)
        if order.state is OrderState.REFUSED:
            # what it pushed before is not there any more: the same may come again
            before = ""
        await self._note(stage=Stage.ADD, before=before)
        return 0.0

    async def _is_same_person(self) -> bool:
        """Whether the terminal means the same person by the number."""
        profile = await self._sources.users.profile(self._going.sn, self._going.asked.enrollid)
        names = folded(profile.name if profile else ""), folded(self._going.asked.name)
        return "" in names or names[0] == names[1]

    async def _add(self) -> float | None:
        order = await self._asked("adduser", fields_of(self._going.asked), "add", self._ttl)
        if order.state is OrderState.REFUSED:
            return await self._end(EnrolmentState.REFUSED, _why(order))
        if order.state not in (OrderState.DONE, OrderState.UNKNOWN):
            return await self._end(EnrolmentState.FAILED, _why(order))
        told = WAITS if order.state is OrderState.DONE else f"{WAITS}, perhaps: {_why(order)}"
        return await self._go_on(EnrolmentState.WAITING, told, 0.0, stage=Stage.WAIT, asks=0, failures=0)

    # while the person is there

    async def _wait(self) -> float | None:
        if await self._has_come():
            return await self._read_back()
        asks = self._course.asks + 1
        if STATUS in (await self._profile()).allow and self._course.failures < ATTEMPTS:
            return await self._ask_status(asks)
        if self._sources.settings.terminals.nosenduser and asks % LOOK_EVERY == 0:
            await self._asked("getuserinfo", self._slot(), f"watch {asks}", self._ttl)
        await self._note(asks=asks)
        return WATCH_SECONDS

    async def _ask_status(self, asks: int) -> float | None:
        order = await self._asked(STATUS, self._slot(), f"status {asks}", self._ttl)
        pause = min(ASK_SECONDS[0] + asks / 20, ASK_SECONDS[1])
        status = _status(order)
        if status is None:
            # one who does not know the word, or this enrolment: what it pushes tells
            await self._note(asks=asks, failures=self._course.failures + 1)
            return pause
        if status >= FINISHED:
            return await self._read_back()
        if status < 0:
            told = str((order.reply or {}).get("msg") or f"the terminal says {status}")
            return await self._end(EnrolmentState.FAILED, f"the enrolment failed: {told[:200]}")
        if status == 0:
            await self._note(asks=asks, failures=0)
            return pause
        told = f"scan {status} is done"
        return await self._go_on(EnrolmentState.SCANNING, told, pause, scans=status, asks=asks, failures=0)

    async def _read_back(self) -> float | None:
        told = "the terminal has it; it is being read back"
        return await self._go_on(EnrolmentState.READ, told, 0.0, stage=Stage.BACK, asks=0, failures=0)

    async def _back(self) -> float | None:
        """Read what the terminal has, whatever it pushed."""
        asks = self._course.asks + 1
        order = await self._asked("getuserinfo", self._slot(), f"back {asks}", STOP_TTL)
        if order.state is OrderState.DONE:
            return await self._keep()
        if asks < ATTEMPTS:
            await self._note(asks=asks)
            return 2 * WATCH_SECONDS
        is_missing = order.state is OrderState.REFUSED
        return await self._end(
            EnrolmentState.FAILED, NOT_KEPT if is_missing else f"{UNREADABLE}: {_why(order)}"
        )

    async def _keep(self) -> float | None:
        """Let the directory have what was read: somebody asked for just this."""
        sn, (enrollid, backupnum) = self._going.sn, self._going.slot
        found = await self._sources.users.credential(sn, enrollid, backupnum)
        try:
            if found is None:
                return await self._end(EnrolmentState.FAILED, NOT_KEPT)
            record, origin = found
            made = Made(sn, origin.model, origin.firmware, origin.fpalgo, origin.received)
            await self._put(record, made)
        except BeingErased:
            return await self._end(EnrolmentState.FAILED, ERASED)
        return await self._end(EnrolmentState.DONE, "in the directory, as it was read back")

    async def _put(self, record: str, made: Made) -> None:
        directory, asked = self._sources.directory, self._going.asked
        known = await directory.get(asked.enrollid)
        if known is None:
            person = Person(enrollid=asked.enrollid, name=asked.name, admin=asked.admin, source=asked.sn)
            try:
                await directory.put(person, expected=0)
            except Outdated as meanwhile:
                raise Later(SOON_SECONDS) from meanwhile
        elif any(
            one.backupnum == asked.backupnum and one.version == self._sources.vault.version_of(record)
            for one in known.credentials
        ):
            return
        try:
            await directory.put_credential(asked.enrollid, asked.backupnum, record, made)
        except NoSuchPerson as meanwhile:
            raise Later(SOON_SECONDS) from meanwhile

    # the other ends

    async def _stop(self, wish: Wish) -> float | None:
        """Somebody does not want it any more, or its time is over."""
        if wish is not self._going.wish:
            await self._enrolments.wish(self._going.id, wish)
        if self._course.stage is Stage.LOOK:
            return await self._over(wish, NOT_THERE)
        if self._course.stage is Stage.ADD:
            order = await self._taken_back()
            if order.state not in (OrderState.DONE, OrderState.UNKNOWN):
                return await self._over(wish, NOT_THERE)
        word, fields = await self._stopping()
        order = await self._asked(word, fields, "stop", STOP_TTL)
        await self._note(stage=Stage.STOP, failures=0 if order.state is OrderState.DONE else 1)
        return 0.0

    async def _taken_back(self) -> Order:
        """The order to enrol, as it ended: cancelled, unless the terminal has it already."""
        order = await self._put_order("adduser", fields_of(self._going.asked), "add", self._ttl)
        try:
            return await self._asker.cancel(order.id)
        except NotNow:
            return await self._ended(order)

    async def _stopping(self) -> tuple[str, dict[str, Any]]:
        """How a terminal is told to stop (protocol §5.1)."""
        if "canceladduser" in (await self._profile()).allow:
            return "canceladduser", self._slot()
        return "adduser", {**self._slot(), "cancel": True}

    async def _stopped(self) -> float | None:
        """It was told to stop: what is there now?"""
        wish, is_told = self._going.wish, not self._course.failures
        order = await self._asked("getuserinfo", self._slot(), "after", STOP_TTL)
        if order.state is OrderState.DONE and await self._has_come():
            return await self._read_back()
        if is_told and order.state in (OrderState.DONE, OrderState.REFUSED):
            return await self._over(wish, TOO_LATE)
        return await self._over(wish, TOO_LATE, f"; {GONE}")

    async def _over(self, wish: Wish, late: str, more: str = "") -> float | None:
        if wish is Wish.CANCEL:
            return await self._end(EnrolmentState.CANCELLED, CANCELLED + more, is_sure=not more)
        return await self._end(EnrolmentState.FAILED, late + more, is_sure=not more)

    # how

    @property
    def _ttl(self) -> int:
        """Always the same: an order under a key is the same order as long as it says the same."""
        return self._going.asked.seconds

    async def _put_order(self, cmd: str, fields: dict[str, Any], step: str, ttl: int) -> Order:
        key = f"enrolment {self._going.id} {step}"
        return await self._asker.put(self._going.sn, cmd, fields, key=key, ttl=ttl)

    async def _asked(self, cmd: str, fields: dict[str, Any], step: str, ttl: int) -> Order:
        """An order when it has ended. Raises Later while it has not."""
        return await self._ended(await self._put_order(cmd, fields, step, ttl))

    async def _ended(self, order: Order) -> Order:
        found = await self._asker.ended(order, ORDER_SECONDS)
        if found.state not in ORDER_ENDS:
            raise Later(SOON_SECONDS)
        return found

    async def _profile(self) -> ModelProfile:
        """What the terminal can do."""
        decided = await self._sources.terminals.decided(self._going.sn)
        return self._sources.settings.profile(decided.model_profile)

    def _slot(self) -> dict[str, Any]:
        enrollid, backupnum = self._going.slot
        return {"enrollid": enrollid, "backupnum": backupnum}

    async def _version(self) -> str:
        """Of what the terminal last told to have in the slot; empty for nothing."""
        found = await self._sources.users.credential(self._going.sn, *self._going.slot)
        return "" if found is None else self._sources.vault.version_of(found[0])

    async def _has_come(self) -> bool:
        """Whether it has told of another one than it had before."""
        version = await self._version()
        return version not in ("", self._course.before)

    async def _note(self, **changes: Any) -> None:
        self._course = msgspec.structs.replace(self._course, **changes)
        await self._enrolments.note(self._going, self._course)

    async def _go_on(
        self, state: EnrolmentState, told: str, seconds: float, *, scans: int | None = None, **changes: Any
    ) -> float:
        self._course = msgspec.structs.replace(self._course, **changes)
        await self._enrolments.tell(self._going, state, told, self._course, scans=scans)
        return seconds

    async def _end(self, state: EnrolmentState, told: str, *, is_sure: bool = True) -> float | None:
        """Give the place back, or leave it for a while when nobody knows what came of it; then say so."""
        holdings, place = self._sources.holdings, [self._going.slot]
        if is_sure:
            await holdings.release(self._going.sn, place, self._going.id)
        else:
            await holdings.rooms.doubt(self._going.sn, place, self._going.id)
        await self._enrolments.end(self._going, state, told)
        return None


def _why(order: Order) -> str:
    """Why an order did not succeed, in words."""
    return order.error.message if order.error is not None else f"the order is {order.state.value}"


def _status(order: Order) -> int | None:
    """How far the terminal says to be; None when it did not say."""
    if order.state is not OrderState.DONE:
        return None
    try:
        return lenient.integer((order.reply or {}).get("status"))
    except ValueError:
        return None
