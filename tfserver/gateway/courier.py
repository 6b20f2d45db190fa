"""Carries orders to one terminal, one after another: from the outbox, over its session, and their ends back.

What this process wants to know for itself (``own``) goes the same way when no order waits.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

import msgspec
from twisted.internet import task
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from tfserver.errors import StoreError
from tfserver.gateway import proof
from tfserver.gateway.reading import Kept, Result, read
from tfserver.order import Danger, OrderError, OrderEvent
from tfserver.store.outbox import Hand, Look, Outbox, Outcome, Taken
from tfserver.wire import codec
from tfserver.wire.exchange import Asking, End, Finished
from tfserver.wire.message import Command, RawReply
from tfserver.wire.ordering import restored
from tfserver.wire.reasons import refusal
from tfserver.wire.session import State
from tfserver.wire.table import vocabulary

if TYPE_CHECKING:
    from tfserver.gateway.link import Link

FRESH_SECONDS: Final = 5.0
"""A terminal heard this long ago is there; else it is pinged before a door is opened."""
LOOK_SECONDS: Final = 0.02
DOORS_SECONDS: Final = 1.0
"""How often a long read looks for doors when no wake-up came."""
TELL_AGAIN_SECONDS: Final = 1.0
PROGRESS_SECONDS: Final = 5.0
MOST_TELLS: Final = 5
MOST_OWN: Final = 10
MOST_SAID: Final = 50
_NOT_SAID: Final = frozenset({OrderEvent.PUT_BACK, OrderEvent.TOO_LATE, OrderEvent.NOT_SENT})
Own = Callable[["Courier"], Awaitable[None]]


class Courier:
    """The orders of one link. ``clock`` is that of the deadlines: it goes on while the machine sleeps."""

    _log = Logger()

    def __init__(self, link: Link, outbox: Outbox, busy: set[Link], reactor: Any, clock: Callable[[], float]):
        self.link = link
        self.clock = clock
        self.stopped = False
        """Nothing more is taken: the process is about to end."""
        self._outbox = outbox
        self._busy = busy
        self._reactor = reactor
        self._woken = False
        self._door_woken = False
        self._doors_looked = clock()
        self._looked_at = 0.0
        self._own: deque[Own] = deque()
        self._calls = 0
        self._in_hand: set[str] = set()
        """Orders that were handed over to us, and whose end the store does not know yet."""
        self._said: deque[str] = deque(maxlen=MOST_SAID)
        """Orders that are said once at most, and were."""
        self.is_working = False
        """Whether anything is under way."""

    def wake(self, is_door: bool = False) -> None:
        """An order may wait."""
        self._woken = True
        self._door_woken = self._door_woken or is_door
        self._begin()

    def own(self, job: Own) -> None:
        """Do this when no order waits; too many are not kept, they come again."""
        if len(self._own) < MOST_OWN:
            self._own.append(job)
            self._begin()

    def _begin(self) -> None:
        if self.is_working or self._is_over():
            return
        self.is_working = True
        self._busy.add(self.link)
        working = Deferred.fromCoroutine(self._work())
        working.addErrback(
            lambda failure: self._log.failure("our own mistake", failure=failure, **self.link.context.about)
        )
        working.addBoth(self._rested)

    def _rested(self, _: object) -> None:
        self.is_working = False
        self._busy.discard(self.link)

    async def _work(self) -> None:
        try:
            while not self._is_over():
                if self._woken:
                    self._woken = self._door_woken = False
                    await self._deliver(await self._take(False))
                elif self._own:
                    await self._own.popleft()(self)
                else:
                    return
        except StoreError as failed:
            # Nothing is lost: what was taken is ended by every process' sweep, the rest is looked for again.
            about = self.link.context.about
            self._log.info("{sn}: orders wait for the store: {failed}", failed=failed, **about)

    def _is_over(self) -> bool:
        return self.stopped or self.link.closing

    async def _take(self, doors: bool) -> Look:
        self._looked_at = self.clock()
        context = self.link.context
        return self._heard(await self._outbox.take(context.sn, context.connection, doors, self._hand()))

    def _hand(self) -> Hand:
        """What the store is told with each call, should the answer to an earlier one have been lost."""
        self._calls += 1
        return Hand(self._calls, self._in_hand)

    def _heard(self, look: Look) -> Look:
        if look.taken is not None:
            self._in_hand.add(look.taken.id)
        return look

    async def doors(self) -> bool:
        """Carry out orders for doors that wait; whether there was one."""
        now = self.clock()
        if not self._door_woken and now - self._doors_looked < DOORS_SECONDS:
            return False
        self._door_woken, self._doors_looked = False, now
        look = await self._take(True)
        found = look.taken is not None
        while look.taken is not None:
            outcome = await self._carry_out(look.taken, self._looked_at)
            await self._finish(look.taken, outcome, False)
            if self._is_over() or outcome.event is OrderEvent.PUT_BACK:
                break
            look = await self._take(True)
        return found

    async def _deliver(self, look: Look) -> None:
        while look.taken is not None:
            outcome = await self._carry_out(look.taken, self._looked_at)
            more = not self._is_over() and outcome.event is not OrderEvent.PUT_BACK
            look = await self._finish(look.taken, outcome, more)

    async def _finish(self, taken: Taken, outcome: Outcome, more: bool) -> Look:
        """Tell the end; a store that is away for a moment shall not make an order unknown."""
        for _ in range(MOST_TELLS):
            try:
                return await self._tell(taken, outcome, more)
            except StoreError:
                await task.deferLater(self._reactor, TELL_AGAIN_SECONDS)
        return await self._tell(taken, outcome, more)

    async def _tell(self, taken: Taken, outcome: Outcome, more: bool) -> Look:
        self._looked_at = self.clock()
        sn, connection = self.link.context.sn, self.link.context.connection
        look = await self._outbox.finish(sn, connection, taken, outcome, more, self._hand())
        self._in_hand.discard(taken.id)
        return self._heard(look)

    async def _carry_out(self, taken: Taken, asked_at: float) -> Outcome:
        """Obey one order. Its seconds run from the moment the store was asked for it, so that no way back
        from there makes them longer."""
        began, until = self.clock(), asked_at + taken.left
        context = self.link.context
        try:
            if taken.broken:
                # without what was sealed it would be another command
                raise LookupError(taken.broken)
            command = restored(taken.cmd, taken.args)
        except (LookupError, msgspec.ValidationError) as wrong:
            told = f"can't be carried out any more: {wrong}"
            return Outcome(OrderEvent.NOT_SENT, error=OrderError(told))
        if taken.id in self._said:
            # a store that went back in time (fail-over, weaker durability) hands over what was said already
            return Outcome(OrderEvent.NOT_LEARNED, error=OrderError("it was sent before the store forgot it"))
        if taken.danger is Danger.DOOR and not await self._is_there(until):
            return self._not_there(until)
        if command.needs_proof:
            outcome = await proof.clean(self, command, until, taken)
        elif command.list_field:
            outcome = await self._read(command, taken, until)
        else:
            outcome = await self.obey(command, until)
        if taken.danger is not Danger.ORDINARY and outcome.event not in _NOT_SAID:
            self._said.append(taken.id)
        self._tell_end(taken, outcome)
        metrics = context.services.metrics
        metrics.orders[taken.cmd, outcome.event.name.lower()] += 1
        metrics.obeyed[taken.cmd].observe(outcome.event is OrderEvent.SAID_TRUE, self.clock() - began)
        return outcome

    def _tell_end(self, taken: Taken, outcome: Outcome) -> None:
        """Log what came of an order, unless it is an ordinary one that was done."""
        is_done = outcome.event is OrderEvent.SAID_TRUE
        if taken.danger is Danger.ORDINARY and is_done:
            return
        why = "done" if is_done else outcome.error.message if outcome.error else outcome.event.value
        self._log.info(
            "{sn}: order {order}, {cmd}: {why}",
            order=taken.id,
            cmd=taken.cmd,
            why="".join(letter if letter.isprintable() else "\ufffd" for letter in why),
            **self.link.context.about,
        )

    async def _is_there(self, until: float) -> bool:
        """Whether the terminal is heard and takes what is written, before a door is opened (design §2.4)."""
        link, since = self.link, self.clock()
        if since - link.heard_at <= FRESH_SECONDS:
            since = link.heard_at
        else:
            link.ping()
        while link.heard_at < since or link.has_unsent:
            if self.clock() >= until or link.closing:
                return False
            await task.deferLater(self._reactor, LOOK_SECONDS)
        return not link.closing

    def _not_there(self, until: float) -> Outcome:
        if self.clock() < until:
            return Outcome(OrderEvent.PUT_BACK)
        why = "the terminal did not show a sign of life before the order's seconds were over"
        return Outcome(OrderEvent.TOO_LATE, error=OrderError(why))

    async def obey(self, command: Command[Any], until: float = math.inf) -> Outcome:
        """Say a command, and what came of it."""
        context = self.link.context
        # before it is said: whatever becomes of us, somebody will know that it has to be undone
        terminals = context.store.terminals
        if command.local_use is False and not await _is_kept(terminals.mark_disabled(context.sn)):
            return self._unanswered(command, End.UNSENT, until)
        finished = await self.ask(command, until)
        reply = finished.reply
        if reply is None:
            outcome = self._unanswered(command, finished.end, until)
            if outcome.event is OrderEvent.SAID_TRUE:
                await self._shown(command, RawReply(command.word(), True, {}))
            return outcome
        if reply.result is None or not (reply.result or command.forgives(reply)):
            minder = vocabulary.minder_of(type(command))
            if minder is not None and reply.result is False:
                await minder(command, reply, context)
            return _not_obeyed(command, reply)
        if command.local_use:
            # a mark that stays is found by the timer; that the terminal obeyed is true all the same
            await _is_kept(terminals.clear_disabled(context.sn))
        return Outcome(OrderEvent.SAID_TRUE, await self._shown(command, reply))

    async def _shown(self, command: Command[Any], reply: RawReply) -> dict[str, Any]:
        keeper = vocabulary.keeper_of(type(command))
        if keeper is not None:
            return await keeper(command, reply, self.link.context)
        return codec.read_reply(command.reply_type(), reply).shown()

    def _unanswered(self, command: Command[Any], end: End, until: float) -> Outcome:
        # only a connection that the terminal ended says that it obeyed
        is_ours = self.link.is_cut or self.stopped
        if end is End.LOST and command.ends_connection and not is_ours:
            return Outcome(OrderEvent.SAID_TRUE, {})
        if end is not End.UNSENT:
            return Outcome(OrderEvent.NOT_LEARNED, error=OrderError(end.value))
        if self.clock() >= until:
            return Outcome(OrderEvent.TOO_LATE, error=OrderError("its seconds were over before it was sent"))
        return Outcome(OrderEvent.PUT_BACK)

    async def _read(self, command: Command[Any], taken: Taken, until: float) -> Outcome:
        """A long read, page by page; its progress is told, so that nobody takes it for lost."""
        context, days = self.link.context, None
        if command.moves_pointer or proof.is_of_all(command):
            try:
                days = await proof.doubted(context)
            except StoreError:
                return self._unanswered(command, End.UNSENT, until)
        began, told_at = proof.begin(context), self.clock()

        async def goes_on(kept: Kept) -> bool:
            """Tell how far it is; False when the order was ended meanwhile."""
            nonlocal told_at
            if self.clock() - told_at < PROGRESS_SECONDS:
                return True
            told_at = self.clock()
            return await self._outbox.progress(context.connection, taken, kept.shown())

        watched = "" if days is None else days.known.anchor
        result = await read(self, command, goes_on, until, watched)
        if days is not None and proof.is_of_all(command):
            await proof.settle(context, days, began, result)
        return self._read_so(command, result, until)

    def _read_so(self, command: Command[Any], result: Result, until: float) -> Outcome:
        """What came of a reading, in terms of its order."""
        if result.refused is not None:
            return _not_obeyed(command, result.refused)
        if result.end is End.UNSENT and not result.kept.pages:
            return self._unanswered(command, result.end, until)
        if result.end is not End.REPLIED:
            why = "it was cut short" if result.end is End.UNSENT else result.end.value
            return Outcome(OrderEvent.NOT_LEARNED, error=OrderError(f"a list was not read to its end: {why}"))
        # of a list without records nobody has counted anything
        counts = codec.read_reply(command.reply_type(), RawReply(command.word(), True, {})).shown()
        return Outcome(OrderEvent.SAID_TRUE, {**counts, **result.kept.shown()})

    async def ask(self, command: Command[Any], until: float = math.inf, **more: Any) -> Finished:
        """Say one message of a command, and wait for its reply or the end of waiting for it."""
        context = self.link.context
        if command.tells_time and not await _is_kept(context.keep_clock(context.now())):
            return Finished(End.UNSENT)
        if not await self._may_say():
            return Finished(End.UNSENT)
        is_door = command.danger is Danger.DOOR
        if context.profile.sn_in_commands:
            more = {"sn": context.sn, **more}
        fields = {**more, **command.said(context.cloudtime())}
        echo = {name: fields[name] for name in ("enrollid", "backupnum") if type(fields.get(name)) is int}
        asking = Asking(
            word=command.word(),
            payload=codec.encode_command(command.word(), fields),
            within=min(command.within, until - self.clock()) if is_door else command.within,
            until=until,
            aliases=command.aliases,
            echo=echo,
            cuts=is_door,
        )
        return await self.link.say(asking)

    async def _may_say(self) -> bool:
        """Whether a command may be said; a ``reg`` that firmware repeats in the middle is answered first."""
        while self.link.session.state is State.REGISTERING and not self._is_over():
            await task.deferLater(self._reactor, LOOK_SECONDS)
        return not self._is_over() and self.link.session.is_free


async def _is_kept(keeping: Awaitable[None]) -> bool:
    """Whether the store has what it must know before a command is said; else it is not said."""
    try:
        await keeping
    except StoreError:
        return False
    return True


def _not_obeyed(command: Command[Any], reply: RawReply) -> Outcome:
    if reply.result is None:
        return Outcome(OrderEvent.UNREADABLE, error=OrderError("the terminal's answer can't be read"))
    return Outcome(OrderEvent.SAID_FALSE, error=refusal(command, reply))
