"""Exports on their way out: a chunk is made while the one before is sent, and never more than that.

A slow reader holds up its own export only, and is cut off when it takes nothing for long. What can't go on
is cut off as well, without the end that whole answers have in HTTP: nobody takes a part for the whole.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any, Final, Protocol

from twisted.internet.defer import CancelledError, Deferred, TimeoutError
from twisted.internet.interfaces import IPushProducer
from twisted.logger import Logger
from twisted.web.server import Request
from zope.interface import implementer

from tfserver.errors import StoreError
from tfserver.web.answer import Streamed
from tfserver.web.call import Call
from tfserver.web.standing import STANDING_SECONDS, Standing
from tfserver.web.yielding import give_way

STALLED_SECONDS: Final = 60.0
"""A reader, or an archive, that does nothing for so long ends an export."""


class Chunks(Protocol):
    """What is sent, made piece by piece."""

    async def open(self, after: str) -> None:
        """Begin behind a place."""

    async def next(self) -> bytes | None:
        """The next piece, None behind the last."""


async def send(call: Call, export: Chunks, after: str, head: bytes, headers: dict[str, str]) -> Streamed:
    """Send an export behind a place; Problem 429 when there are too many. Whatever is wrong with the first
    chunk is told as an error."""
    with ExitStack() as held:
        held.enter_context(call.desk.exports_of(call.who.id))
        held.enter_context(call.desk.exports)
        await export.open(after)
        first = await export.next()
        for name, value in {"Cache-Control": "no-store", **headers}.items():
            call.request.setHeader(name, value)
        Sending(call, export).begin(head, first).addBoth(_release, held.pop_all())
    return Streamed()


def _release(_: object, held: ExitStack) -> None:
    held.close()


@implementer(IPushProducer)
class Sending:
    """One export and who reads it."""

    _log = Logger()

    def __init__(self, call: Call, export: Chunks) -> None:
        self._request: Request = call.request
        self._desk = call.desk
        self._who = call.who
        self._session = call.session
        self._standing_at = call.desk.reactor.seconds()
        self._export = export
        self._is_gone = False
        self._waiting: Deferred[None] | None = None
        """For the reader; None while it takes what comes."""
        self._stalled: Any = None
        self._running: Deferred[None] | None = None

    def begin(self, head: bytes, first: bytes | None) -> Deferred[None]:
        """Send head and chunks; fires when it is over, however that came."""
        self._request.notifyFinish().addErrback(self._left)
        self._request.registerProducer(self, True)
        self._request.write(head)
        self._running = Deferred.fromCoroutine(self._run(first))
        return self._running

    async def _run(self, chunk: bytes | None) -> None:
        try:
            while chunk is not None:
                coming = Deferred.fromCoroutine(self._export.next())
                self._request.write(chunk)
                chunk = await self._after_this(coming)
        except StoreError as failed:
            self._cut(str(failed))
        except TimeoutError:
            self._cut("the archive gives nothing more")
        except CancelledError:
            self._cut("who reads it takes nothing")
        except Exception:
            self._log.failure("our own mistake while exporting")
            self._cut("a mistake of ours")
        else:
            self._request.unregisterProducer()
            self._request.finish()

    async def _after_this(self, coming: Deferred[bytes | None]) -> bytes | None:
        """The next chunk, once the reader took enough of this one."""
        try:
            chunk = await coming.addTimeout(STALLED_SECONDS, self._desk.reactor)
            while self._waiting is not None:
                await self._waiting
            await give_way(self._desk)
            await self._check()
            return chunk
        except BaseException:
            coming.addErrback(lambda _: None)
            coming.cancel()
            raise

    async def _check(self) -> None:
        """StoreError when nobody may read on, or nobody does."""
        if self._is_gone:
            raise StoreError("who reads it has gone")
        if self._desk.sources.draining():
            raise StoreError("the server stops")
        now = self._desk.reactor.seconds()
        if now - self._standing_at >= STANDING_SECONDS:
            self._standing_at = now
            if not await Standing(self._desk.sources).holds(self._who, self._session):
                raise StoreError("who asked for it may not have it any more")

    def _cut(self, why: str) -> None:
        self._forget_reader()
        if not self._is_gone:
            self._log.warn("an export is cut off: {why}", why=why)
            channel: Any = self._request.channel
            channel.transport.abortConnection()

    def _left(self, _: object) -> None:
        self._is_gone = True
        self._give_up()

    def _give_up(self) -> None:
        if self._running is not None:
            self._running.cancel()

    def pauseProducing(self) -> None:
        """The transport is full."""
        if self._waiting is None:
            self._waiting = Deferred()
            self._stalled = self._desk.reactor.callLater(STALLED_SECONDS, self._give_up)

    def resumeProducing(self) -> None:
        """There is room again."""
        waiting = self._forget_reader()
        if waiting is not None:
            waiting.callback(None)

    def stopProducing(self) -> None:
        """The connection is over."""
        self._left(None)

    def _forget_reader(self) -> Deferred[None] | None:
        if self._stalled is not None and self._stalled.active():
            self._stalled.cancel()
        waiting, self._waiting = self._waiting, None
        return waiting
