"""That all logs of a terminal are here: doubt is kept before it begins, and cleared by reading them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec
from msgspec import UNSET
from twisted.logger import Logger

from tfserver.commands.context import Context
from tfserver.commands.reading import GetAllLog
from tfserver.commands.upkeep import DisableDevice, EnableDevice
from tfserver.errors import StoreError
from tfserver.gateway import whole
from tfserver.gateway.reading import Kept, Result, read
from tfserver.gateway.silence import never_answered
from tfserver.model import SUSPECT_DRIFT_MS, Clock, ClockEntry
from tfserver.order import OrderError, OrderEvent
from tfserver.store.completeness import Mark
from tfserver.store.outbox import Outcome, Taken
from tfserver.store.proven import Proof
from tfserver.store.terminals import Lease
from tfserver.wire.exchange import End
from tfserver.wire.message import Command
from tfserver.wire.reasons import refusal

if TYPE_CHECKING:
    from tfserver.gateway.courier import Courier

DAY_MS: Final = 86_400_000
EARLIEST: Final = "1970-01-01"
LATEST: Final = "9999-12-31"
PROGRESS_SECONDS: Final = 5.0
TELLS_TO_LET_IN: Final = 2
_NOT_SAID: Final = frozenset({OrderEvent.PUT_BACK, OrderEvent.TOO_LATE, OrderEvent.NOT_SENT})
_LATE: Final = Outcome(
    OrderEvent.TOO_LATE,
    error=OrderError("its seconds were over before all logs were read; nothing was deleted"),
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_log: Final = Logger()


class Days(NamedTuple):
    """The terminal's days from which records may be missing, both included, and what is known of the rest."""

    first: str
    last: str
    known: Proof = Proof()


class Moment(NamedTuple):
    """When a reading begins: UTC (ms), and the day at the terminal. What was recorded before is in it, and in
    the store, if that is still of the same ``lineage`` in the end."""

    ms: int
    day: str
    lineage: str = ""


async def doubted(terminal: Context) -> Days:
    """Remember since which day records may be missing here, before anything is done that can lose some; tell
    the days in doubt."""
    return await doubted_since(terminal, await terminal.store.terminals.proof(terminal.sn))


async def doubted_since(terminal: Context, known: Proof) -> Days:
    """The same, where it is known what is proven."""
    days = days_in_doubt(terminal, known)
    stands = await terminal.store.terminals.mark_dirty(terminal.sn, days.first)
    return days._replace(first=stands or days.first)


def days_in_doubt(terminal: Context, known: Proof) -> Days:
    """The days that records since the last proof may be dated.

    That depends on all offsets that the clock ran at since then, and on how far it was off. One day more at
    the end: not all firmware counts the last day of a range as part of it.
    """
    now = terminal.services.present.read().ms
    before_all = now - terminal.settings.catchup.first_days * DAY_MS
    since = before_all if known.proven_ms is None else min(known.proven_ms, now)
    stretches = _stretches(terminal, since)
    # what a clock is off that is not far off is not kept in its timeline
    first = min(since + entry.offset * 1000 + min(entry.drift, -SUSPECT_DRIFT_MS) for entry in stretches)
    last = max(now + entry.offset * 1000 + max(entry.drift, 0) for entry in stretches)
    if known.clock is Clock.SUSPECT:
        first -= DAY_MS
    return Days(_day(first), _day(last + DAY_MS), known)


def _stretches(terminal: Context, since_ms: int) -> list[ClockEntry]:
    """The stretches of its clock that reach beyond a moment."""
    timeline = terminal.timeline or (ClockEntry(0, terminal.offset(terminal.now())),)
    ends = [entry.since for entry in timeline[1:]]
    return [entry for entry, end in zip(timeline, ends, strict=False) if end > since_ms] + [timeline[-1]]


def _day(ms: int) -> str:
    try:
        return max((_EPOCH + timedelta(milliseconds=ms)).date().isoformat(), EARLIEST)
    except OverflowError:
        return EARLIEST if ms < 0 else LATEST


def begin(terminal: Context) -> Moment:
    """A reading begins now."""
    ms, lineage = terminal.services.present.read().ms, terminal.store.terminals.lineage
    return Moment(ms, terminal.cloudtime()[:10], lineage)


async def prove(terminal: Context, dirty: str, began: Moment, mark: Mark) -> bool:
    """A reading that covers all days in doubt was whole, and each page is kept: nothing is in doubt any more,
    and the mark of completeness is moved as far as the reading says.
    False when the terminal changed hands meanwhile, or the doubt became another one, or the store failed
    over: then it may lack pages that it had kept."""
    if began.lineage != terminal.store.terminals.lineage:
        return False
    lease = Lease(terminal.sn, terminal.connection)
    return await terminal.store.terminals.prove(lease, dirty, began.ms, began.day, mark)


def mark_of_all(terminal: Context, known: Proof, began: Moment, result: Result) -> Mark:
    """What a whole reading of everything says; by the clock at the terminal's ``reg``, as nobody asked for it
    just now. Where that does not do the next visit knows better, so nothing is held against it."""
    reading = whole.Read(known, whole.ran(terminal, known), began.ms, "")
    return msgspec.structs.replace(whole.mark(terminal, reading, result), why="")


def is_of_all(command: Command[Any]) -> bool:
    """Whether a command reads all logs that the terminal has, whatever their days."""
    return isinstance(command, GetAllLog) and command.since is UNSET and command.until is UNSET


async def settle(terminal: Context, days: Days, began: Moment, result: Result) -> None:
    """What a reading of all logs proves, if it was whole. Where that can't be kept the doubt stays."""
    try:
        if result.is_whole:
            mark = mark_of_all(terminal, days.known, began, result)
            await prove(terminal, days.first, began, mark)
    except StoreError as away:
        _log.info("{sn}: what is proven could not be kept: {away}", away=away, **terminal.about)


async def clean(courier: Courier, command: Command[Any], until: float, taken: Taken) -> Outcome:
    """Delete the logs of a terminal, but only when all of them have been read and kept just before.

    Nobody can punch meanwhile if the terminal knows how to keep people away; whatever happens, it is told to
    let them in again.
    """
    context = courier.link.context
    try:
        known = await context.store.terminals.proof(context.sn)
        learnt = await context.store.terminals.models.get(context.make.model, context.make.firmware)
    except StoreError as away:
        return _not_sent(f"the store is away: {away}")
    if DisableDevice.word() in never_answered(context, learnt):
        return await _proven(courier, known, until, taken) or await courier.obey(command, until)
    refused = False
    try:
        disabled = await courier.obey(DisableDevice(), until)
        refused = disabled.event is OrderEvent.SAID_FALSE
        if disabled.event in _NOT_SAID:
            return disabled
        return await _proven(courier, known, until, taken) or await courier.obey(command, until)
    finally:
        # what refused to keep people away, and did not do so before, need not let them in
        await (_unmark if refused and not known.is_disabled else _let_in)(courier)


async def _proven(courier: Courier, known: Proof, until: float, taken: Taken) -> Outcome | None:
    """Read all logs; None when each of them is here, else what becomes of the order."""
    began, everything, telling = begin(courier.link.context), GetAllLog(), _Telling(courier, taken)
    try:
        result = await read(courier, everything, telling.goes_on, until, known.anchor)
        if result.end is End.UNSENT:
            return _LATE if courier.clock() >= until else Outcome(OrderEvent.PUT_BACK)
        if not result.is_whole:
            return _not_sent(_why_not(everything, result))
        mark = mark_of_all(courier.link.context, known, began, result)
        mark = msgspec.structs.replace(mark, newest="", clears=True)
        if not await prove(courier.link.context, known.dirty, began, mark):
            return _not_sent("the terminal came over another connection, or the store failed over, meanwhile")
        if not await telling.tell(result.kept):
            return Outcome(OrderEvent.PUT_BACK)
    except StoreError as away:
        return _not_sent(f"the store is away: {away}")
    return None


def _why_not(command: Command[Any], result: Result) -> str:
    if result.refused is not None:
        return f"its logs could not be read: {refusal(command, result.refused).message}"
    if result.end is not End.REPLIED:
        return f"its logs could not be read to their end: {result.end.value}"
    return "its logs could not be read to their end for certain"


def _not_sent(why: str) -> Outcome:
    return Outcome(OrderEvent.NOT_SENT, error=OrderError(f"nothing was deleted: {why}"))


async def _let_in(courier: Courier) -> None:
    """People can use the terminal again; where that is not learned, the mark stays and it is told again."""
    context = courier.link.context
    try:
        for _ in range(TELLS_TO_LET_IN):
            if (await courier.obey(EnableDevice())).event is not OrderEvent.NOT_LEARNED:
                return
    except StoreError as away:
        _log.info("{sn}: whether it is enabled could not be kept: {away}", away=away, **context.about)


async def _unmark(courier: Courier) -> None:
    context = courier.link.context
    try:
        await context.store.terminals.clear_disabled(context.sn)
    except StoreError as away:
        _log.info("{sn}: that it is not disabled could not be kept: {away}", away=away, **context.about)


class _Telling:
    """Tells how far the reading is, so that nobody takes the order for lost."""

    def __init__(self, courier: Courier, taken: Taken) -> None:
        self._courier = courier
        self._taken = taken
        self._told_at = courier.clock()

    async def goes_on(self, kept: Kept) -> bool:
        """Tell it once in a while; False when the order was ended meanwhile."""
        return self._courier.clock() - self._told_at < PROGRESS_SECONDS or await self.tell(kept)

    async def tell(self, kept: Kept) -> bool:
        """Tell it now; False when the order was ended meanwhile."""
        self._told_at = self._courier.clock()
        context = self._courier.link.context
        return await context.store.outbox.progress(context.connection, self._taken, kept.shown())
