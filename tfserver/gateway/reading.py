"""A list read from a terminal page by page, each page kept as it comes (protocol §6)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from tfserver.gateway.times_of import Times
from tfserver.privacy import short
from tfserver.wire import codec
from tfserver.wire.exchange import End
from tfserver.wire.message import Command, RawReply
from tfserver.wire.paging import Next, Page, Paging
from tfserver.wire.table import Keeper, vocabulary

if TYPE_CHECKING:
    from tfserver.gateway.courier import Courier

MOST_LISTED: Final = 20_000
"""Entries of a list that is not kept elsewhere but told to whom asked for it."""
_log: Final = Logger()


class Kept:
    """What became of the pages so far: counted where somebody keeps them, else collected."""

    def __init__(self, courier: Courier, command: Command[Any], watched: str = "") -> None:
        self._context = courier.link.context
        self._command = command
        self._keeper: Keeper[Any] | None = vocabulary.keeper_of(type(command))
        self._counts: Counter[str] = Counter()
        self._listed: list[Any] = []
        self._gatherer = vocabulary.gatherer_of(type(command), self._context)
        self.pages = 0
        self.whole = True
        self.times = Times(watched, self._context.cloudtime()[:10])
        """Those of the records that are kept elsewhere."""

    @property
    def records(self) -> int:
        """How many came, where somebody keeps them elsewhere."""
        return self._counts["records"]

    async def keep(self, page: RawReply) -> None:
        """Keep one page; StoreError: it is not kept."""
        self.pages += 1
        if self._gatherer is not None:
            self._gatherer.add(page.fields[self._command.list_field])
        if self._keeper is not None:
            self._counts.update(await self._keeper(self._command, page, self._context))
            self.times.look(page.fields[self._command.list_field])
        else:
            # short ones only: their number is bounded, so that their size has to be too
            self._listed += map(short, page.fields[self._command.list_field])
            self.whole = self.whole and len(self._listed) <= MOST_LISTED
            del self._listed[MOST_LISTED:]

    def begin_again(self) -> None:
        """The list is read from its beginning again; punches that come twice are known."""
        self._listed = []
        if self._gatherer is not None:
            self._gatherer.begin_again()

    async def end(self) -> None:
        """All pages are here; StoreError: the list is not kept."""
        if self._gatherer is not None:
            await self._gatherer.keep()

    def shown(self) -> dict[str, Any]:
        """What people see of it."""
        told = {"complete": self.whole, "pages": self.pages}
        if self._keeper is not None:
            return {**told, **self._counts}
        raw = RawReply(self._command.word(), True, {self._command.list_field: self._listed})
        return {**told, **codec.read_reply(self._command.reply_type(), raw).shown()}


class Result(NamedTuple):
    """How a reading ended: ``refused`` is the reply of a terminal that gave no page at all."""

    end: End
    kept: Kept
    refused: RawReply | None = None

    @property
    def is_whole(self) -> bool:
        """Whether everything that the terminal had is here."""
        return self.end is End.REPLIED and self.refused is None and self.kept.whole


async def read(
    courier: Courier,
    command: Command[Any],
    goes_on: Callable[[Kept], Awaitable[bool]],
    until: float = math.inf,
    watched: str = "",
) -> Result:
    """Read the whole list of a paged command. Doors are opened between pages; then it perhaps begins again.
    It is noted whether there is a record of the time ``watched``.

    Where reading changes nothing at the terminal the next page is asked for while one is being kept.
    """
    paging, kept, keeping, is_first = Paging(), Kept(courier, command, watched), _Keeping(), True
    try:
        while True:
            finished = await courier.ask(command, until if is_first else math.inf, stn=is_first)
            await keeping.look()
            if finished.reply is None:
                await keeping.end()
                kept.whole = False
                if finished.end is End.SILENT and paging.silent() is Next.END:
                    return Result(End.REPLIED, kept)
                return Result(finished.end, kept)
            page = paging.receive(finished.reply, command.list_field)
            _tell_odd(courier, command, page)
            if page.next is Next.REFUSED:
                return Result(End.REPLIED, kept, finished.reply)
            await keeping.begin(_keep(kept, finished.reply, command, page))
            if command.moves_pointer or page.next is Next.END:
                await keeping.end()
            if page.next is Next.END:
                kept.whole = kept.whole and paging.whole
                if paging.whole:
                    await kept.end()
                return Result(End.REPLIED, kept)
            if not await goes_on(kept):
                return Result(End.UNSENT, kept)
            if await courier.doors():
                paging.interrupted()
            is_first = page.next is Next.AGAIN
            if is_first:
                kept.begin_again()
    finally:
        keeping.give_up()


class _Keeping:
    """Pages on their way to the store: one is made ready while the one before it is kept, never more."""

    def __init__(self) -> None:
        self._last: Deferred[None] = Deferred.fromCoroutine(_nothing())

    async def look(self) -> None:
        """Raise what is known to have gone wrong; wait for nothing."""
        if self._last.called:
            await self._last

    async def begin(self, page: Coroutine[Any, Any, None]) -> None:
        """Make a page ready and hand it over, then wait for the one before; StoreError: that is not kept."""
        before, self._last = self._last, Deferred.fromCoroutine(page)
        await before

    async def end(self) -> None:
        """Wait until all are kept; StoreError: one is not."""
        await self._last

    def give_up(self) -> None:
        """What becomes of a page whose reading is over is nobody's mistake."""
        self._last.addErrback(lambda _: None)


async def _nothing() -> None:
    """Nothing is being kept."""


async def _keep(kept: Kept, reply: RawReply, command: Command[Any], page: Page) -> None:
    if page.records:
        await kept.keep(RawReply(reply.ret, True, {**reply.fields, command.list_field: page.records}))


def _tell_odd(courier: Courier, command: Command[Any], page: Page) -> None:
    if page.odd:
        metrics = courier.link.context.services.metrics
        metrics.notes[page.odd] += 1
        _log.info("{sn}: {cmd}: {odd}", cmd=command.word(), odd=page.odd, **courier.link.context.about)
