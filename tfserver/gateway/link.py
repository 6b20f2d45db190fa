"""One live terminal: performs what its session decides, and lets the handlers answer."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from tfserver.commands.context import Context
from tfserver.errors import StoreUnavailable
from tfserver.gateway.heavy import put_off
from tfserver.gateway.holding import forget_unfinished, unfinished_bytes, unsent_bytes
from tfserver.gateway.neighbours import Watcher, Wire
from tfserver.gateway.noting import MOST_NOTED, kind_of, short
from tfserver.gateway.refusing import refusal
from tfserver.gateway.turn import Turn
from tfserver.wire.codec import encode_response
from tfserver.wire.exchange import Asking, Cut, Finished, Say
from tfserver.wire.message import Request, Response
from tfserver.wire.session import Ask, Close, Hold, Note, Resume, Send, Session, State, Tell
from tfserver.wire.table import HandlerTable

_NOTHING: Final[frozenset[Any]] = frozenset()


@implementer(IPushProducer)
class Link:
    """A connection, its session and its context. ``heard_at`` is when the last frame came (monotonic s);
    ``plain`` is the message that goes the short way.

    It is the producer of its own transport: a terminal that reads no answers is not read from.
    """

    __slots__ = (
        "_began",
        "_finished",
        "_held_for",
        "_monotonic",
        "_noted",
        "_pinged_at",
        "_request",
        "_table",
        "_todo",
        "_turn",
        "_waiting_for",
        "_watcher",
        "_wire",
        "closing",
        "context",
        "courier",
        "heard_at",
        "is_cut",
        "plain",
        "session",
    )
    _log = Logger()

    def __init__(
        self,
        wire: Wire,
        context: Context,
        table: HandlerTable,
        session: Session,
        watcher: Watcher,
        turn: Turn,
        monotonic: Callable[[], float],
    ) -> None:
        self.context = context
        self.session = session
        self.closing = False
        self.is_cut = False
        """We ended the connection, not the terminal."""
        self.heard_at = monotonic()
        self._pinged_at = -1.0
        self._wire = wire
        self._table = table
        self._watcher = watcher
        self._turn = turn
        self._monotonic = monotonic
        self._request: Request | None = None
        self.plain: Any = None
        self._began = 0.0
        self._waiting_for: Any = None
        self._todo: deque[Tell] | None = None
        self._finished: Deferred[Finished] | None = None
        self.courier: Any = None
        self._held_for: frozenset[str] = _NOTHING
        self._noted: frozenset[tuple[str, str]] = _NOTHING

    @property
    def is_registered(self) -> bool:
        """Whether the terminal is admitted."""
        return self.session.state is State.REGISTERED

    @property
    def claimed_sn(self) -> str:
        """The serial number the terminal said last, admitted or not."""
        return self.session.claimed

    def received(self, payload: bytes) -> None:
        """A data frame came."""
        now = self.heard_at = self._monotonic()
        if self.closing:
            return
        session = self.session
        message = session.take_plain(payload)
        if message is None:
            told = put_off(payload, session, self.context.services)
            self._perform(session.receive(payload, now) if told is None else told)
            return
        self.plain, self._began = message, now
        self._turn.ask(message, self, payload)

    def received_odd(self, message: Any, payload: bytes) -> None:
        """What looked plain has to go the common way after all, unless it was refused meanwhile."""
        if self.plain is not message:
            return
        self.plain = None
        self._turn.asking.discard(self)
        if not self.closing:
            self._perform(self.session.leave_plain(payload))

    def now(self) -> float:
        """Monotonic seconds."""
        return self._monotonic()

    def heard(self) -> None:
        """Any frame came."""
        self.heard_at = self._monotonic()

    def begun(self) -> None:
        """A message that comes in pieces begins."""
        self._watcher.stalls.begun(self)

    def left(self, count: int, in_message: bool, in_frame: bool) -> None:
        """So many bytes came in pieces; whether they ended within a message, or within a frame."""
        self._watcher.stalls.rest(self, in_message, in_frame)
        if in_message:
            self.context.services.pressure.grew(count)

    def tick(self) -> None:
        """Time passed: ping a silent terminal, cut one that stays silent; the session decides the rest."""
        now = self._monotonic()
        terminals = self.context.settings.terminals
        silent = now - self.heard_at
        if silent >= terminals.ping_seconds + terminals.silence_seconds:
            self.abort()
        elif silent >= terminals.ping_seconds and self._pinged_at <= self.heard_at and not self.closing:
            self._pinged_at = now
            self._wire.sendPing()
        if not self.closing:
            self._perform(self.session.tick(now))

    def say(self, asking: Asking) -> Deferred[Finished]:
        """Give the terminal a command; how it ended."""
        finished = self._finished = Deferred()
        self._perform(self.session.submit(asking, self._monotonic()))
        return finished

    def tick_command(self) -> None:
        """Time passed for the command in flight."""
        self._perform(self.session.tick_command(self._monotonic()))

    def ping(self) -> None:
        """Ask for a sign of life."""
        self._wire.sendPing()

    @property
    def has_unsent(self) -> bool:
        """Whether something said before still waits to be written: what is said now would wait behind it."""
        transport = self._wire.transport
        return bool(getattr(transport, "dataBuffer", b"") or getattr(transport, "_tempDataBuffer", ()))

    @property
    def unsent_bytes(self) -> int:
        """How much of what was said waits to be written."""
        return unsent_bytes(self._wire.transport)

    @property
    def held_bytes(self) -> int:
        """What this connection holds beside itself: unsent, unfinished, and what waits for its turn."""
        return self.unsent_bytes + unfinished_bytes(self._wire) + self.session.waiting_bytes

    def lost(self) -> None:
        """The connection is gone; what is being kept goes on being kept."""
        self.closing = True
        self._perform(self.session.lost())
        self._watcher.forget(self)

    def close(self, code: int, reason: str) -> None:
        """End the connection."""
        if not self.closing:
            self.closing = self.is_cut = True
            self._wire.sendClose(code, reason)

    def cut_off(self, why: str) -> None:
        """End the connection at once for what it holds up."""
        self.context.services.metrics.cut_off[why] += 1
        who = self.context.sn or self.context.address
        self._log.info("{who}: cut off: {why}", who=who, why=why, **self.context.about)
        self.abort()
        forget_unfinished(self._wire)

    def abort(self) -> None:
        """End the connection at once."""
        self.closing = self.is_cut = True
        self._wire.transport.abortConnection()

    def pauseProducing(self) -> None:
        """The terminal does not read our answers: read none of its requests (IPushProducer)."""
        self._watcher.stalls.full(self)
        self.hold("unread answers")

    def resumeProducing(self) -> None:
        """Our answers went out (IPushProducer)."""
        self._watcher.stalls.read(self)
        self.resume("unread answers")
        if self._wire.transport.disconnecting:
            # Twisted does not end a connection whose producer it has just resumed.
            self._wire.transport.unregisterProducer()

    def stopProducing(self) -> None:
        """The connection is gone (IPushProducer); ``lost`` follows."""

    @property
    def is_held(self) -> bool:
        """Whether it is not read from now, for whatever reason."""
        return bool(self._held_for)

    def hold(self, why: str) -> None:
        """Read from it no more, for this reason among others."""
        if not self._held_for:
            self._wire.transport.pauseProducing()
        self._held_for |= {why}

    def resume(self, why: str) -> None:
        """This reason is gone."""
        self._held_for -= {why}
        if not self._held_for:
            self._wire.transport.resumeProducing()

    def _perform(self, tells: list[Tell]) -> None:
        """Do what the session tells, in order. What an answer given at once tells joins the end of the queue:
        a terminal that sends thousands of frames ahead must not become as many calls within each other."""
        if self._todo is not None:
            self._todo.extend(tells)
            return
        todo = self._todo = deque(tells)
        try:
            while todo:
                tell = todo.popleft()
                _PERFORM[type(tell)](self, tell)
        finally:
            self._todo = None

    def _send(self, tell: Send) -> None:
        if not self.closing:
            self._wire.sendMessage(tell.payload)

    def _say(self, tell: Say) -> None:
        """The very write: nothing waits between this look at the clock and the socket."""
        if self.closing or self._monotonic() >= tell.until:
            self._perform(self.session.unsaid())
        elif not tell.at_once:
            self._wire.sendMessage(tell.payload)
        elif not self._wire.send_now(tell.payload):
            # what waits here or in the kernel would be said whenever the terminal reads again
            self._cut(Cut("it does not take what is said"))

    def _finish(self, tell: Finished) -> None:
        finished, self._finished = self._finished, None
        if finished is not None:
            finished.callback(tell)

    def _cut(self, tell: Cut) -> None:
        self._log.warn("{sn}: cut off: {why}", why=tell.reason, **self.context.about)
        self.abort()

    def _note(self, note: Note) -> None:
        """Count each, log each kind once a connection: some firmware is odd in every frame."""
        self.context.services.metrics.notes[note.what] += 1
        kind = kind_of(note)
        if kind not in self._noted and len(self._noted) < MOST_NOTED:
            self._noted |= {kind}
            told = {"who": self.context.sn or self.context.address, "detail": short(note.detail)}
            self._log.info("{who}: {what} {detail}", what=note.what, **told, **self.context.about)

    def _ask(self, request: Request) -> None:
        self._request, self._began = request, self._monotonic()
        self._turn.asking.add(self)
        self._advance(None, self._table.handler_of(request)(request, self.context))

    def _advance(self, came: object, handling: Coroutine[Any, Any, Response]) -> None:
        """Let the handler run until it waits.

        What Twisted offers for this, ``Deferred.fromCoroutine`` with ``addTimeout``, costs more than all the
        rest of a request (docs/performance.md); deadlines are kept by the fleet's sweep.
        """
        try:
            if isinstance(came, Failure):
                # a Deferred does not raise its failure by itself while its callbacks run
                waiting = came.throwExceptionIntoGenerator(handling)
            else:
                waiting = handling.send(None)
        except StopIteration as done:
            self._answered(done.value)
        except Exception as wrong:
            assert self._request is not None
            self._answered(refusal(self._request.word(), wrong, self.context))
        else:
            self._waiting_for = waiting
            waiting.addBoth(self._go_on, handling)

    def _go_on(self, came: object, handling: Coroutine[Any, Any, Response]) -> None:
        """What a handler waited for has come. A mistake in what follows would be heard of by nobody else."""
        try:
            self._advance(came, handling)
        except Exception:
            self._log.failure("our own mistake; the connection is closed", **self.context.about)
            self.close(1011, "internal error")

    def expire(self, now: float) -> None:
        """Give up what takes longer than its deadline: the terminal keeps it and comes again."""
        if self.plain is not None:
            if now - self._began >= self._turn.within:
                self.served(self.plain, StoreUnavailable("no answer within the deadline"), now)
        elif self._request is not None and now - self._began >= self._request.within:
            self._waiting_for.cancel()

    def served(self, message: Any, outcome: bytes | Exception, now: float) -> bool:
        """What went the short way has its answer; False: it comes after its deadline and is not given."""
        if self.plain is not message:
            return False
        self.plain = None
        self._turn.asking.discard(self)
        turn = self._turn
        if isinstance(outcome, bytes):
            turn.answers.observe(True, now - self._began)
        else:
            turn.answers.observe(False, now - self._began)
            outcome = encode_response(turn.word, refusal(turn.word, outcome, self.context), {}, None)
        try:
            if not self.closing:
                self._wire.sendMessage(outcome)
            tells = self.session.served()
            if tells:
                self._perform(tells)
        except Exception:
            self._log.failure("our own mistake; the connection is closed", **self.context.about)
            self.close(1011, "internal error")
        return True

    def _answered(self, response: Response) -> None:
        request, self._request = self._request, None
        assert request is not None
        self._turn.asking.discard(self)
        word, now = request.word(), self._monotonic()
        self.context.services.metrics.answers[word].observe(response.result, now - self._began)
        cloudtime = self.context.cloudtime() if request.tells_time and response.result else None
        tells = self.session.answer(response, now, cloudtime)
        if word == "reg":
            self._registration(response)
        self._perform(tells)

    def _registration(self, response: Response) -> None:
        if not response.result:
            self._watcher.refused(self, str(response.reason))
        elif self.closing:
            self._watcher.forget(self)
        else:
            self._watcher.registered(self)


_PERFORM: Final[dict[type, Callable[[Link, Any], None]]] = {
    Send: Link._send,
    Ask: lambda link, tell: link._ask(tell.request),
    Hold: lambda link, _: link.hold("session"),
    Resume: lambda link, _: link.resume("session"),
    Close: lambda link, tell: link.close(tell.code, tell.reason),
    Note: Link._note,
    Say: Link._say,
    Finished: Link._finish,
    Cut: Link._cut,
}
