"""Delivers to one webhook: reads, filters, sends and moves the cursor, one request at a time.

In order, at least once: the cursor moves only after the receiver has taken what is before it, by a step
that fails when the lease is another's. Whoever comes next begins at the cursor, so a receiver may get the
last request again.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from twisted.internet import task
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger

from tfserver.delivery.arrivals import Arrivals
from tfserver.delivery.attempt import Answer, Sends, attempt
from tfserver.delivery.backoff import next_wait
from tfserver.delivery.bisection import Bisection, Judged, look_ahead
from tfserver.delivery.line import Line
from tfserver.delivery.message import Message, Wanted, batch, event_message, punch_message, single
from tfserver.delivery.verdict import Verdict
from tfserver.errors import Gone, StoreUnavailable
from tfserver.metrics import Metrics
from tfserver.model import Kind
from tfserver.store.deliveries import (
    NEWS,
    PUNCHES,
    Deliveries,
    Entry,
    Failure,
    Held,
    LeaseLost,
    Refused,
    Standing,
    Step,
)
from tfserver.store.webhooks import TERMINAL

LINGER_SECONDS: Final = 0.05
"""After a request a batch has so long to fill, so that a steady stream does not go out one by one."""
PAUSE_A_MESSAGE: Final = 0.00006
"""In a backlog, behind each message: 8,000 a second go out in large batches, where without it they would take
all of a core from the terminals, whose acknowledgements then wait twice as long."""
LAZY_SECONDS: Final = 1.0
"""How long a cursor may lag behind what is for others."""
FINISH_SECONDS: Final = 2.0
"""How long a request that is under way may take when its webhook is let go."""
REST_SECONDS: Final = 60.0
AGAIN_SECONDS: Final = 0.5
MISTAKE_SECONDS: Final = 5.0
LETTERS_A_TURN: Final = 20
LETTERS_WAITS: Final = 5
"""So many of the waits there are for letters: in the end minutes, as nobody sees how long that is."""
WHAT_REMAINS: Final = ("",)
"""Of no kind anything is ever missed."""
WANTS_NO_MORE: Final = "it answered 410: it wants no more"
REFUSES_ALL: Final = "it refuses one message after the other; the last time "


class Reads(Protocol):
    """The feed of punches."""

    async def page(self, after: str, limit: int, kinds: tuple[str, ...] = ()) -> Sequence[Entry]:
        """Entries behind a place. Raises Gone when some of these kinds (none: any) are not kept any more."""


@dataclass(frozen=True, slots=True)
class Means:
    """What all subscribers of a process share; ``chance`` gives a random number in 0 … 1."""

    reactor: Any
    store: Deliveries
    feed: Reads
    sender: Sends
    arrivals: Arrivals
    metrics: Metrics
    chance: Callable[[], float]


class _HeldUp(Exception):
    """The receiver did not take it: not now."""


class Subscriber:
    """One webhook that is ours."""

    _log = Logger()

    def __init__(self, means: Means, held: Held) -> None:
        self.id = held.id
        self.is_failing = held.wait > 0
        self.oldest_ms: int | None = None
        """When the message that waits longest was kept; None when none waits."""
        self.done: Deferred[None]
        self._means = means
        self._version = held.version
        self._again = held.again
        self._until = self._now() + held.wait
        """Before this moment the receiver is left alone."""
        self._is_finishing = False
        self._woken: Deferred[None] | None = None
        self._standing: Standing | None = None
        self._old_secret_until = 0.0
        self._attempts = 0
        self._bisection = Bisection(0, 0)
        self._lines: list[Line] = []
        self._missed: set[str] = set()
        """The feeds in which something was found gone since the webhook was read."""
        self._last_sent = self._last_moved = self._letters_until = 0.0
        self._letters_failed = 0

    def start(self) -> Subscriber:
        """Begin; ``done`` fires when it is over."""
        self.done = Deferred.fromCoroutine(self._run())
        return self

    def told(self, held: Held) -> None:
        """How the webhook is now, as the store sees it."""
        if held.version != self._version:
            self._version, self._standing = held.version, None
            self._until, self._letters_until = self._now() + held.wait, 0.0
            self._wake()
        if held.again and not self._again:
            self._wake()
        self._again = held.again

    def finish(self) -> None:
        """Come to an end after the request that is under way, if that does not take long."""
        if not self._is_finishing:
            self._is_finishing = True
            late = self._means.reactor.callLater(FINISH_SECONDS, self.done.cancel)
            self.done.addBoth(lambda _: late.cancel() if late.active() else None)
            self._wake()

    def _now(self) -> float:
        seconds: float = self._means.reactor.seconds()
        return seconds

    async def _run(self) -> None:
        try:
            while not self._is_finishing:
                await self._guarded_turn()
        except (LeaseLost, CancelledError):
            self._log.debug("somebody else delivers to webhook {webhook}", webhook=self.id)

    async def _guarded_turn(self) -> None:
        try:
            left = self._until - self._now()
            await (self._rest(left) if left > 0 else self._turn())
        except _HeldUp:
            self._standing = None
        except StoreUnavailable:
            self._standing = None
            await self._rest(AGAIN_SECONDS)
        except (LeaseLost, CancelledError):
            raise
        except Exception:
            self._log.failure("our own mistake in delivering to webhook {webhook}", webhook=self.id)
            self._standing = None
            await self._rest(MISTAKE_SECONDS)

    async def _turn(self) -> None:
        standing = await self._current()
        if self._again and self._now() >= self._letters_until:
            await self._send_letters(standing)
        has_moved = False
        for line in self._lines:
            if not self._is_finishing:
                has_moved |= await self._deliver(line, standing)
        if not has_moved:
            await self._idle()

    async def _current(self) -> Standing:
        """Where it stands; read anew when it was changed, after a failure, and when a secret ends."""
        standing = self._standing
        if standing is None or self._now() >= self._old_secret_until:
            version = self._version
            standing = await self._means.store.standing(self.id)
            left = standing.old_secret_seconds if len(standing.secrets) > 1 else math.inf
            self._old_secret_until = self._now() + left
            self._attempts = standing.attempts
            self._bisection = Bisection(standing.refused, look_ahead(standing.attempts))
            self._lines = self._lines_of(standing)
            self._missed.clear()
            if version == self._version:
                self._standing = standing
        return standing

    def _lines_of(self, standing: Standing) -> list[Line]:
        wanted = Wanted(standing.kinds, standing.sites)
        lines = []
        if not standing.kinds or TERMINAL in standing.kinds:
            # first, because it needs no archive, which may be away for long
            lines.append(Line(NEWS, standing.cursors[NEWS], self._news, event_message, wanted))
        if not standing.kinds or standing.kinds & {*Kind}:
            kinds = tuple(sorted(standing.kinds & {*Kind}))
            read = functools.partial(self._punches, kinds)
            lines.append(Line(PUNCHES, standing.cursors[PUNCHES], read, punch_message, wanted))
        return lines

    async def _punches(self, kinds: tuple[str, ...], after: str, limit: int) -> Sequence[Entry]:
        try:
            return await self._means.feed.page(after, limit, kinds)
        except Gone:
            await self._miss(PUNCHES, after)
            return await self._means.feed.page(after, limit, WHAT_REMAINS)

    async def _news(self, after: str, limit: int) -> Sequence[Entry]:
        page, is_gap = await self._means.store.news(after, limit)
        if is_gap:
            await self._miss(NEWS, after)
        return page

    async def _miss(self, name: str, after: str) -> None:
        """Some of what is behind a place is gone: told once for each gap, and gone on with what remains."""
        if name not in self._missed:
            self._missed.add(name)
            told = "{name} behind {after} were gone before webhook {webhook}"
            self._log.warn(told, name=name, after=after, webhook=self.id)
            await self._means.store.missed(self.id, name)

    async def _fill(self, line: Line, most: int) -> None:
        await line.fill(most)
        heads = [int(one.head.partition("-")[0]) for one in self._lines if one.head is not None]
        self.oldest_ms = min(heads, default=None)

    async def _deliver(self, line: Line, standing: Standing) -> bool:
        """Send what comes next, at most a batch unless something is refused; whether there was anything."""
        trial, is_begun = self._bisection, False
        answer, sent = None, 0
        while not trial.is_given_up:
            part = trial.part
            if part is None:
                if is_begun and not trial.suspects:
                    await self._give_way(line, sent)
                    return True
                part = await self._next_part(line, standing.batch, len(trial.suspects))
                if not part:
                    break
                trial.add(part)
                is_begun = True
            sent = len(part)
            answer = await self._post(part, standing)
            judged = trial.accepted() if answer.verdict is Verdict.ACCEPTED else trial.refused()
            if judged is not None:
                await self._settle(line, judged, answer, standing)
        if answer is None:
            return False
        await self._hold(answer._replace(why=REFUSES_ALL + answer.why), standing)
        return True

    async def _give_way(self, line: Line, sent: int) -> None:
        """Where more waits, terminals come first: about half of the time is theirs."""
        if len(line) or not line.is_at_end:
            await task.deferLater(self._means.reactor, sent * PAUSE_A_MESSAGE)

    async def _confirmed(self, judged: Judged, answer: Answer, standing: Standing) -> list[Refused]:
        """What was refused before something was accepted gets another chance: perhaps the receiver came to
        its senses in between. That breaks the order, which is better than a dead letter."""
        refused = []
        for message in judged.refused:
            if judged.accepted:
                answer = await self._post([message], standing)
            if answer.verdict is not Verdict.ACCEPTED:
                told = answer.status or 0, answer.why
                refused.append(Refused(message.place, message.id, *told, message.text))
        return refused

    async def _next_part(self, line: Line, most: int, begin: int) -> Sequence[Message]:
        await self._fill(line, begin + most)
        while 0 < len(line) <= begin and not (line.is_at_end or self._is_finishing):
            # whoever is refused one message after the other waits for the next, wherever that is
            await self._fill(line, begin + most)
        left = self._last_sent + LINGER_SECONDS - self._now()
        if begin < len(line) < begin + most and left > 0:
            await task.deferLater(self._means.reactor, left)
            await self._fill(line, begin + most)
        return line.some(most, begin)

    async def _post(self, part: Sequence[Message], standing: Standing) -> Answer:
        """One request; only what speaks of the message comes back, all else holds or ends the line."""
        answer = await self._ask(part, standing)
        if answer.verdict is Verdict.LATER:
            await self._hold(answer, standing)
        return answer

    async def _ask(self, part: Sequence[Message], standing: Standing) -> Answer:
        message, secrets = single(part[0]) if standing.batch == 1 else batch(part), standing.secrets
        answer = await attempt(self._means.sender, standing.url, secrets, message, self._now())
        self._last_sent = self._now()
        if answer.verdict is Verdict.STOP:
            told = Failure(answer.status, WANTS_NO_MORE)
            if not await self._means.store.stop(self.id, standing.version, told):
                raise _HeldUp
            self._log.warn("webhook {webhook} is stopped: {why}", webhook=self.id, why=WANTS_NO_MORE)
            raise LeaseLost
        return answer

    async def _settle(self, line: Line, judged: Judged, answer: Answer, standing: Standing) -> None:
        refused = await self._confirmed(judged, answer, standing)
        count = len(judged.refused) + judged.accepted
        accepted, after = count - len(refused), line.after(count)
        await self._move(line, Step(line.name, line.cursor, after, accepted, answer.status or 0, refused))
        line.forget(count)
        self._attempts = 0
        self.is_failing = self.is_failing and not accepted
        counted = self._means.metrics.webhooks
        counted["delivered"] += accepted
        counted["dead"] += len(refused)

    async def _move(self, line: Line, step: Step) -> None:
        """Move a cursor, however long the store takes: what was accepted is not to be sent once more."""
        while True:
            try:
                await self._means.store.advance(self.id, step)
                break
            except StoreUnavailable:
                if self._is_finishing:
                    raise
                await task.deferLater(self._means.reactor, AGAIN_SECONDS)
        line.cursor = step.after
        self._last_moved = self._now()

    async def _hold(self, answer: Answer, standing: Standing) -> None:
        """Nothing more for now. Raises _HeldUp."""
        self._attempts += 1
        seconds = next_wait(answer.retry_after, self._attempts, self._means.chance())
        self.is_failing = True
        self._means.metrics.webhooks["failed"] += 1
        self._until = self._now() + seconds
        told = "webhook {webhook}: {why}; the next try is in {seconds:.0f} s"
        self._log.info(told, webhook=self.id, why=answer.why, seconds=seconds)
        failure = Failure(answer.status, answer.why)
        if not await self._means.store.failed(self.id, standing.version, seconds, failure):
            self._until = self._now()
        raise _HeldUp

    async def _send_letters(self, standing: Standing) -> None:
        """Send dead letters that are wanted again, each alone, beside the order of all others."""
        store = self._means.store
        letters = await store.letters(self.id, LETTERS_A_TURN)
        for letter in letters:
            if self._is_finishing or self._standing is not standing:
                return
            answer = await self._ask([Message(letter.origin, letter.message_id, letter.message)], standing)
            if answer.verdict is Verdict.LATER:
                # a letter that the receiver stumbles over must not hold what is new
                self._letters_failed = min(self._letters_failed + 1, LETTERS_WAITS)
                seconds = next_wait(answer.retry_after, self._letters_failed, self._means.chance())
                self._letters_until = self._now() + seconds
                self._means.metrics.webhooks["failed"] += 1
                return
            self._letters_failed = 0
            if answer.verdict is Verdict.ACCEPTED:
                await store.sent_again(self.id, letter, answer.status or 0)
                self._means.metrics.webhooks["redelivered"] += 1
            else:
                told = Refused(letter.origin, letter.message_id, answer.status or 0, answer.why)
                await store.refused_again(self.id, letter, told)
        if len(letters) < LETTERS_A_TURN:
            self._again = 0

    async def _idle(self) -> None:
        """Wait for what comes next."""
        letters = self._letters_until - self._now() if self._again else REST_SECONDS
        if self._is_finishing or self._standing is None or letters <= 0:
            return
        behind = [line for line in self._lines if line.scanned != line.cursor]
        if behind and self._now() - self._last_moved >= LAZY_SECONDS:
            for line in behind:
                await self._move(line, Step(line.name, line.cursor, line.scanned))
        if all(line.is_at_end for line in self._lines):
            self._means.arrivals.watch(self._wake, {line.name: line.scanned for line in self._lines})
            try:
                await self._rest(min(letters, LAZY_SECONDS if behind else REST_SECONDS))
            finally:
                self._means.arrivals.forget(self._wake)

    async def _rest(self, seconds: float) -> None:
        if self._is_finishing:
            return
        self._woken = Deferred()
        alarm = self._means.reactor.callLater(seconds, self._wake)
        try:
            await self._woken
        finally:
            self._woken = None
            if alarm.active():
                alarm.cancel()

    def _wake(self) -> None:
        woken, self._woken = self._woken, None
        if woken is not None:
            woken.callback(None)
