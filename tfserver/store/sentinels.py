"""Sentinels: which server is the primary now. All are asked at once, and the newest answer counts.

After a failover some sentinels know of it earlier than others, and one that is cut off never learns of it.
So not the first answer counts but that of the latest election (``config-epoch``), and among equals what most
say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import hiredis
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IProtocol, IProtocolFactory, IStreamClientEndpoint
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from tfserver.errors import TfserverError
from tfserver.store.address import Address
from tfserver.store.reach import plain_endpoint, tcp_endpoint

ASK_SECONDS: Final = 1.0
"""A sentinel that says nothing for so long has no say."""
FRESH_SECONDS: Final = 10.0
"""So long an election needs no confirmation: most took part in it, and hear of its outcome one by one."""
REST_SECONDS: Final = 0.1
"""Once most have answered, the others have so long."""
Place = tuple[str, int]
Command = tuple[Any, ...]


class Untold(TfserverError):
    """A sentinel, or all of them, did not say where the primary is; the text says why."""


class Told(NamedTuple):
    """What one sentinel says: where the primary is, and since which election."""

    place: Place
    epoch: int


class Primary(NamedTuple):
    """Where the primary is, and since which election. ``confirmed``: more than half of all say so."""

    place: Place
    epoch: int
    confirmed: bool


def questions(address: Address) -> list[Command]:
    """What each sentinel is asked, in this order; only the last may be refused."""
    greeting = [address.sentinel_greeting] if address.sentinel_greeting else []
    asked: list[Command] = [
        ("SENTINEL", "GET-MASTER-ADDR-BY-NAME", address.service),
        ("SENTINEL", "MASTER", address.service),
    ]
    return greeting + asked


def understood(answers: Sequence[Any], address: Address) -> Told:
    """What the answers to those questions mean; Untold in words when they don't name a primary."""
    padded = [*answers, *[None] * (len(questions(address)) - len(answers))]
    where, more = padded[-2:]
    for answer in padded[:-1]:
        if isinstance(answer, Exception):
            raise Untold(str(answer))
    if not isinstance(where, list) or len(where) != 2:
        raise Untold(f"knows no '{address.service}'")
    fields = dict(zip(more[::2], more[1::2], strict=False)) if isinstance(more, list) else {}
    return Told((where[0].decode(), int(where[1])), int(fields.get(b"config-epoch", 0)))


def chosen(found: Sequence[Told], sentinels: int) -> Primary:
    """The primary by what some of so many sentinels said; at least one has to have said something."""
    latest = max(told.epoch for told in found)
    [(place, _)] = Counter(told.place for told in found if told.epoch == latest).most_common(1)
    votes = sum(told.place == place for told in found)
    return Primary(place, latest, 2 * votes > sentinels)


class Sentinels:
    """All sentinels of an address."""

    def __init__(self, reactor: Any, address: Address) -> None:
        self._reactor = reactor
        self._address = address

    async def primary(self) -> Primary:
        """Where the primary is; Untold when no sentinel tells, with the reason of each."""
        asking = _Asking(self._reactor, self._address)
        return await asking.outcome()


class _Asking:
    """One round: over when all have answered, soon after most have, or when it takes too long."""

    def __init__(self, reactor: Any, address: Address) -> None:
        self._reactor = reactor
        self._address = address
        self._found: list[Told] = []
        self._failed: list[str] = []
        self._over: Deferred[None] = Deferred()
        self._end = reactor.callLater(ASK_SECONDS, self._finish)
        self._conversations = [self._begin(host, port) for host, port in address.hosts]

    async def outcome(self) -> Primary:
        """What came of it."""
        try:
            await self._over
        finally:
            self._finish()
        if self._found:
            return chosen(self._found, len(self._address.hosts))
        raise Untold("no sentinel told the primary: " + "; ".join(self._failed))

    def _begin(self, host: str, port: int) -> _Conversation:
        conversation = _Conversation(questions(self._address))
        asked = Deferred.fromCoroutine(self._ask(conversation, host, port))
        conversation.asked = asked
        asked.addBoth(self._ended, host, port)
        return conversation

    async def _ask(self, conversation: _Conversation, host: str, port: int) -> Told:
        try:
            endpoint = tcp_endpoint(self._reactor, host, port, self._address)
            await endpoint.connect(_Once(conversation))
            return understood(await conversation.answers, self._address)
        finally:
            conversation.done()

    def _ended(self, outcome: Any, host: str, port: int) -> None:
        if isinstance(outcome, Failure):
            self._failed.append(f"{host}:{port}: {outcome.getErrorMessage() or 'no answer'}")
        else:
            self._found.append(outcome)
        if self._over.called:
            return
        everybody = len(self._address.hosts)
        if len(self._found) + len(self._failed) == everybody:
            self._finish()
        elif 2 * len(self._found) > everybody and self._end.active():
            self._end.reset(REST_SECONDS)

    def _finish(self) -> None:
        if self._end.active():
            self._end.cancel()
        for conversation in self._conversations:
            conversation.give_up()
        if not self._over.called:
            self._over.callback(None)


class _Conversation(Protocol):
    """Some commands, as many replies, over."""

    def __init__(self, commands: Sequence[Command]) -> None:
        self.answers: Deferred[list[Any]] = Deferred()
        self.asked: Deferred[Any] | None = None
        self._commands = commands
        self._got: list[Any] = []
        self._reader = hiredis.Reader()

    def connectionMade(self) -> None:
        """Ask all of it at once."""
        assert self.transport is not None
        self.transport.write(b"".join(hiredis.pack_command(command) for command in self._commands))

    def dataReceived(self, data: bytes) -> None:
        """Answers, perhaps not all of them yet."""
        self._reader.feed(data)
        while (found := self._reader.gets()) is not False:
            self._got.append(found)
        if len(self._got) >= len(self._commands) and not self.answers.called:
            self.answers.callback(self._got)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """No more answers will come; whoever only got some has to do with them."""
        if self.answers.called:
            return
        if self._got:
            self.answers.callback(self._got)
        else:
            self.answers.errback(reason)

    def give_up(self) -> None:
        """It took too long."""
        if self.asked is not None and not self.asked.called:
            self.asked.cancel()
        self.done()

    def done(self) -> None:
        """Close, whatever became of it."""
        self.answers.addErrback(lambda _: None)
        if self.transport is not None:
            self.transport.loseConnection()


class _Once(Factory):
    """Leads to a conversation, and says nothing of it in the log."""

    noisy = False

    def __init__(self, conversation: _Conversation) -> None:
        self._conversation = conversation

    def buildProtocol(self, addr: Any) -> _Conversation:
        """The one there is."""
        return self._conversation


@implementer(IStreamClientEndpoint)
class SentinelEndpoint:
    """Asks the sentinels where the primary is, then connects there."""

    def __init__(self, reactor: Any, address: Address, sentinels: Sentinels) -> None:
        self.found: Primary | None = None
        """What the sentinels said when somebody connected last."""
        self._reactor = reactor
        self._address = address
        self._sentinels = sentinels
        self._elected_at = -FRESH_SECONDS

    def learn(self, told: Primary) -> Primary:
        """This is what the sentinels say now."""
        now = self._reactor.seconds()
        if self.found is not None and told.epoch > self.found.epoch:
            self._elected_at = now
        is_fresh = 0 <= now - self._elected_at < FRESH_SECONDS
        self.found = told._replace(confirmed=told.confirmed or is_fresh)
        return self.found

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """Fire with the connected protocol, or fail when no sentinel knows a primary."""
        return Deferred.fromCoroutine(self._connect(protocolFactory))

    async def _connect(self, factory: IProtocolFactory) -> IProtocol:
        found = self.learn(await self._sentinels.primary())
        place = tcp_endpoint(self._reactor, *found.place, self._address)
        made: IProtocol = await place.connect(factory)
        return made


def endpoint_of(reactor: Any, address: Address) -> IStreamClientEndpoint:
    """The endpoint that leads to the (primary) server; connecting asks the sentinels anew each time."""
    if address.service:
        return SentinelEndpoint(reactor, address, Sentinels(reactor, address))
    return plain_endpoint(reactor, address)
