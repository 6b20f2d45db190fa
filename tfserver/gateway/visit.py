"""One terminal is asked for what it did not push, step by step; orders of people go between the steps."""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from twisted.logger import Logger

from tfserver.commands.clock import GetTime, SetTime
from tfserver.commands.reading import GetAllLog, GetNewLog
from tfserver.errors import StoreError
from tfserver.gateway import proof, whole
from tfserver.gateway.courier import Courier
from tfserver.gateway.probe import Probe
from tfserver.gateway.reading import Kept, Result, read
from tfserver.gateway.silence import Silences
from tfserver.store.models import NOTHING, Models
from tfserver.wire import times
from tfserver.wire.exchange import End
from tfserver.wire.message import Command, RawReply


class Visited(enum.Enum):
    """What came of a visit."""

    CAUGHT_UP = "caught_up"
    GIVEN_UP = "given_up"
    NOT_NOW = "not now"
    STORE_AWAY = "store away"
    GONE = "gone"


class _Over(Exception):
    """The visit ends early."""

    def __init__(self, why: Visited) -> None:
        super().__init__(why.value)
        self.why = why


class Visit:
    """Sets the clock right if it is wrong, fetches what is new, and all of the days in doubt; looks at how
    the terminal speaks if nobody did that for its kind. ``over`` is told once what came of it.

    Each step is a job of its own for the terminal's courier.
    """

    _log = Logger()

    def __init__(self, courier: Courier, silences: Silences, over: Callable[[Visit, Visited], None]) -> None:
        self.link = courier.link
        self.is_over = False
        self._courier = courier
        self._context = courier.link.context
        self._silences = silences
        self._over = over
        self._learnt = NOTHING
        self._days = proof.Days("", "")
        self._off: int | None = None
        """What its clock may be off at most (ms), by the time that it showed."""
        self._ran = whole.Ran(None)
        self._is_proven = False
        self._fetched = 0
        self._steps: deque[Callable[[], Awaitable[None]]] = deque(
            (self._learn, self._set_clock, self._fetch_new, self._fetch_all, self._probe)
        )

    def begin(self) -> None:
        """Do the first step as soon as no order waits."""
        self._courier.own(self._go)

    @property
    def is_stuck(self) -> bool:
        """Whether nobody will do the next step any more."""
        return self.link.closing or not self._courier.is_working

    def end(self, why: Visited) -> None:
        """It is over; only the first end counts."""
        if not self.is_over:
            self.is_over = True
            if self._fetched:
                told = "{sn}: {count} punches were fetched that it had not pushed"
                self._log.info(told, count=self._fetched, **self._context.about)
            self._over(self, why)

    async def _go(self, courier: Courier) -> None:
        if self.is_over:
            return
        try:
            await self._steps.popleft()()
        except _Over as early:
            self.end(early.why)
        except StoreError as away:
            self._log.info("{sn}: no catch-up, the store is away: {away}", away=away, **self._context.about)
            self.end(Visited.STORE_AWAY)
        except Exception:
            told = "our own mistake while a terminal was asked for its logs"
            self._log.failure(told, **self._context.about)
            self.end(Visited.GIVEN_UP)
        else:
            self._go_on()

    def _go_on(self) -> None:
        if self._steps:
            self._courier.own(self._go)
        else:
            self.end(Visited.CAUGHT_UP if self._is_proven else Visited.GIVEN_UP)

    async def _learn(self) -> None:
        """What is known of its kind."""
        make = self._context.make
        self._learnt = await self._models.get(make.model, make.firmware)

    async def _set_clock(self) -> None:
        """Ask what time it shows, and set it right when it is surely further off than it may be."""
        context = self._context
        before = context.now()
        reply = await self._ask(GetTime())
        shown = times.parse(str(reply.fields.get("time", ""))) if reply is not None and reply.result else None
        if shown is None:
            return
        now, limit = context.now(), context.settings.catchup.drift_seconds * 1000
        # it was read some time between the question and the answer, and shows whole seconds
        most, least = (times.drift_ms(shown, each, context.offset(now)) for each in (before, now))
        ran_at = context.timeline[-1].offset if context.timeline else context.offset(now)
        ahead = times.drift_ms(shown, before, ran_at)
        self._off = max(abs(ahead + 1000), abs(times.drift_ms(shown, now, ran_at)))
        if least > limit or most + 1000 < -limit:
            await context.keep_clock(now, ahead)
            await self._ask(SetTime())

    async def _fetch_new(self) -> None:
        """Fetch what the terminal has not given out yet; by then it is kept that days are in doubt."""
        known = await self._context.store.terminals.proof(self._context.sn)
        self._ran = whole.ran(self._context, known, self._off)
        self._days = await proof.doubted_since(self._context, whole.as_far(known, self._ran))
        await self._read(GetNewLog())

    async def _fetch_all(self) -> None:
        """Fetch all of the days in doubt: when that is whole, nothing is in doubt any more."""
        began, known = proof.begin(self._context), self._days.known
        # the newest record of the last time is looked for again: nothing was lost since, if it is still there
        first = min(self._days.first, known.anchor[:10] or self._days.first)
        asked = GetAllLog(since=first, until=self._days.last)
        result = await self._read(asked, known.anchor)
        if result is not None and result.is_whole:
            reading = whole.Read(known, self._ran, began.ms, first)
            mark = whole.mark(self._context, reading, result)
            self._is_proven = await proof.prove(self._context, self._days.first, began, mark)
        else:
            why, context = whole.why_not(asked, result), self._context
            await context.store.terminals.marks.hold(context.sn, context.connection, why)

    async def _probe(self) -> None:
        """Look at its dialect, when nobody did that for its kind."""
        make, now = self._context.make, self._context.services.present.read().ms
        if self._learnt.wants_notes(now) and await self._models.claim(make.model, make.firmware):
            self._steps.extend(Probe(self._context, self._first_page).steps())

    async def _read(self, command: Command[Any], watched: str = "") -> Result | None:
        """Read a list to its end; None when it is known that it is not answered."""
        word = command.word()
        if self._silences.is_silent(self.link, self._learnt, word):
            return None
        result = await read(self._courier, command, self._goes_on, watched=watched)
        fetched = result.kept.shown().get("new", 0)
        self._fetched += fetched
        self._context.services.metrics.catchup["fetched"] += fetched
        await self._note(word, result.end)
        return result

    async def _goes_on(self, kept: Kept) -> bool:
        """To its end; a process that is about to end says nothing more anyway."""
        return True

    async def _first_page(self, command: Command[Any]) -> RawReply | None:
        return await self._ask(command, **({"stn": True} if command.list_field else {}))

    async def _ask(self, command: Command[Any], **more: Any) -> RawReply | None:
        """Say one command; None when it is not answered."""
        if self._silences.is_silent(self.link, self._learnt, command.word()):
            return None
        finished = await self._courier.ask(command, **more)
        await self._note(command.word(), finished.end)
        return finished.reply

    async def _note(self, word: str, end: End) -> None:
        await self._silences.note(self.link, self._learnt, word, end)
        if end is End.LOST or self.link.closing:
            raise _Over(Visited.GONE)
        if end is End.UNSENT:
            raise _Over(Visited.NOT_NOW)

    @property
    def _models(self) -> Models:
        return self._context.store.terminals.models
