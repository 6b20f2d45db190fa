"""Terminals that were disabled for local use are enabled again, whatever became of who disabled them.

The mark in the store is made before a terminal is told to keep people away, and taken away when it said that
it lets them in again. In between somebody owes it an ``enabledevice``: the process that has its connection.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from twisted.logger import Logger

from tfserver.commands.context import Services
from tfserver.commands.upkeep import EnableDevice
from tfserver.gateway.courier import Courier
from tfserver.gateway.link import Link
from tfserver.gateway.post import Post
from tfserver.gateway.silence import Silences, never_answered
from tfserver.model import canonical_sn
from tfserver.order import OrderEvent
from tfserver.store.outbox import Outcome
from tfserver.wire.exchange import End

AGAIN_SECONDS: Final = 60.0
"""After a first try that was of no use; each next one waits twice as long."""
MOST_AGAIN_SECONDS: Final = 3600.0
UNKNOWN_COMMAND: Final = "find this command"
"""What AiFace says of a command that it does not know (protocol §1.3)."""


class Enabling:
    """Enables terminals of ``by_sn``: at once after a connect, else some time after they were disabled."""

    _log = Logger()

    def __init__(
        self,
        services: Services,
        post: Post,
        by_sn: dict[str, Link],
        silences: Silences,
        clock: Callable[[], float],
    ) -> None:
        self._services = services
        self._silences = silences
        self._post = post
        self._by_sn = by_sn
        self._clock = clock
        self._due: dict[str, float] = {}
        self._waits: dict[str, float] = {}

    def registered(self, link: Link) -> None:
        """A terminal came over a new connection; the mark may be of any process."""
        if link.context.registration.disabled:
            sn = canonical_sn(link.context.sn)
            self._services.store.terminals.disabled.add(sn)
            self._due[sn] = self._clock()
            self._waits.pop(sn, None)

    def sweep(self) -> None:
        """Enable those whose time has come; those that went elsewhere are somebody else's."""
        disabled = self._services.store.terminals.disabled
        for sn in [sn for sn in self._due if sn not in disabled]:
            del self._due[sn]
            self._waits.pop(sn, None)
        now = self._clock()
        for sn in list(disabled):
            link = self._by_sn.get(sn)
            if link is None:
                disabled.discard(sn)
            elif now >= self._due.setdefault(sn, now + self._services.settings.orders.disabled_seconds):
                wait = self._waits[sn] = min(2 * self._waits.get(sn, AGAIN_SECONDS / 2), MOST_AGAIN_SECONDS)
                self._due[sn] = now + wait
                self._post.courier_of(link).own(self._enable)

    async def _enable(self, courier: Courier) -> None:
        link, context, word = courier.link, courier.link.context, EnableDevice.word()
        terminals = context.store.terminals
        if canonical_sn(context.sn) not in terminals.disabled:
            return
        outcome = await courier.obey(EnableDevice())
        learnt = await terminals.models.get(context.make.model, context.make.firmware)
        await self._silences.note(link, learnt, word, _end_of(outcome, link))
        if outcome.event is OrderEvent.SAID_TRUE:
            self._log.info("{sn}: people can use it again", **context.about)
        elif _is_unknown(outcome) or (_was_silent(outcome) and word in never_answered(context, learnt)):
            self._log.info("{sn}: it does not know how to be disabled", **context.about)
            await terminals.clear_disabled(context.sn)


def _is_unknown(outcome: Outcome) -> bool:
    said = outcome.error.msg if outcome.error is not None else None
    return outcome.event is OrderEvent.SAID_FALSE and UNKNOWN_COMMAND in (said or "").lower()


def _was_silent(outcome: Outcome) -> bool:
    return outcome.event is OrderEvent.NOT_LEARNED


def _end_of(outcome: Outcome, link: Link) -> End:
    if _was_silent(outcome):
        return End.LOST if link.closing else End.SILENT
    is_reply = outcome.event in (OrderEvent.SAID_TRUE, OrderEvent.SAID_FALSE, OrderEvent.UNREADABLE)
    return End.REPLIED if is_reply else End.UNSENT
