"""Many terminals in one process: connecting, punching at a rate, reconnecting; all on one shared ticker."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import Any, Protocol

import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall

from tfserver.simulator.report import Report
from tfserver.simulator.tells import Drop, Later, Ping, Say, SayBytes, Tell
from tfserver.simulator.terminal import State, Terminal

TICK = 0.01
"""Seconds between two ticks of the fleet; each terminal is visited once a second."""
BACKOFF = (0.5, 1.0, 2.0, 5.0)
"""Seconds before the first, second, … attempt to reconnect; each is stretched by up to a half at random."""
HANDSHAKE = 30.0
"""Seconds within which a connection must be open."""
FAREWELL = 2.0
"""Seconds that closing handshakes get when the fleet stops."""


class Link(Protocol):
    """An open connection, as the fleet uses it."""

    def send(self, payload: bytes) -> None:
        """Send one text frame."""

    def ping(self) -> None:
        """Send a ping frame."""

    def close(self) -> None:
        """Close politely."""

    def abort(self) -> None:
        """Cut the connection off."""


class Listener(Protocol):
    """What hears of a connection; after ``closed`` it hears nothing more."""

    def opened(self, link: Link) -> None:
        """The WebSocket is open."""

    def received(self, payload: bytes) -> None:
        """A message came."""

    def heard(self) -> None:
        """A ping or pong came."""

    def closed(self, why: str) -> None:
        """The connection is gone, or could never be opened."""


Dial = Callable[[Listener], Callable[[], None]]
"""Begins to connect for a listener; what it returns gives the attempt up."""


class Member:
    """A terminal of the fleet and its connection."""

    __slots__ = ("_fleet", "give_up", "give_up_at", "link", "terminal", "tries")

    def __init__(self, fleet: Fleet, terminal: Terminal) -> None:
        self._fleet = fleet
        self.terminal = terminal
        self.link: Link | None = None
        self.tries = 0
        self.give_up: Callable[[], None] | None = None
        self.give_up_at = 0.0

    def opened(self, link: Link) -> None:
        """See `Listener.opened`."""
        self.link = link
        self._fleet.opened(self)

    def received(self, payload: bytes) -> None:
        """See `Listener.received`."""
        self._fleet.received(self, payload)

    def heard(self) -> None:
        """See `Listener.heard`."""
        self._fleet.heard(self)

    def closed(self, why: str) -> None:
        """See `Listener.closed`."""
        self._fleet.closed(self, why)


class Fleet:
    """Some terminals, ``dial`` to connect them, a clock and a source of chance.

    ``rate`` is in punches a second, ``enrol_rate`` in new people a second, over all terminals together. At
    most ``handshakes`` connections are being opened at a time, because servers have short queues for them.
    """

    def __init__(
        self,
        terminals: Sequence[Terminal],
        dial: Dial,
        clock: IReactorTime,
        random: Random,
        report: Report,
        handshakes: int = 50,
    ) -> None:
        self.members = [Member(self, terminal) for terminal in terminals]
        self.report = report
        self.rate = 0.0
        self.enrol_rate = 0.0
        self._dial = dial
        self._clock = clock
        self._random = random
        self._handshakes = handshakes
        self._dialling: set[Member] = set()
        self._due: list[tuple[float, int, Member]] = []
        self._late: list[tuple[float, int, Member, Link, tuple[Tell, ...]]] = []
        self._order = itertools.count()
        self._visited = self._punching = 0
        self._owed_punches = self._owed_people = 0.0
        self._last_tick = 0.0
        self._away = False
        self._stopping: Deferred[None] | None = None
        self._farewell_ends = 0.0
        self._ticker = LoopingCall(self._tick)
        self._ticker.clock = clock

    # for those who run it

    def start(self) -> Deferred[LoopingCall]:
        """Connect all terminals and begin to punch; fires when stopped, fails by a mistake of our own."""
        now = self._clock.seconds()
        self._last_tick = now
        for member in self.members:
            self._call_later(member, now)
        return self._ticker.start(TICK)

    def stop(self) -> Deferred[None]:
        """Close all connections and never open one again; fires when the last is gone."""
        self._due.clear()
        self._stopping = Deferred()
        self._farewell_ends = self._clock.seconds() + FAREWELL
        for member in self.members:
            if member.link is not None:
                member.link.close()
        for member in list(self._dialling):
            self._give_up(member)
        done = self._stopping
        self._stop_when_alone()
        return done

    def leave_or_return(self) -> None:
        """All terminals lose their network, or have it again; people go on punching at them."""
        self._away = not self._away
        if self._away:
            for member in self.members:
                if member.link is not None:
                    member.link.abort()
            for member in list(self._dialling):
                self._give_up(member)

    @property
    def settled(self) -> bool:
        """Whether the server has acknowledged everything of every terminal."""
        return all(member.terminal.settled for member in self.members)

    def standing(self) -> dict[str, int]:
        """The present numbers: terminals, online, refused, punches, waiting, erased, users_waiting."""
        terminals = [member.terminal for member in self.members]
        return {
            "terminals": len(terminals),
            "online": sum(terminal.state is State.ADMITTED for terminal in terminals),
            "refused": sum(terminal.refused for terminal in terminals),
            "punches": sum(terminal.memory.logs.made for terminal in terminals),
            "waiting": sum(terminal.memory.logs.waiting for terminal in terminals),
            "erased": sum(terminal.memory.logs.erased for terminal in terminals),
            "users_waiting": sum(terminal.users.waiting for terminal in terminals),
        }

    # for the connections

    def opened(self, member: Member) -> None:
        """A terminal is connected."""
        self._dialling.discard(member)
        member.give_up = None
        self.report.connected()
        if self._stopping is not None and member.link is not None:
            member.link.close()
            return
        self._perform(member, member.terminal.opened(self._clock.seconds()))

    def received(self, member: Member, payload: bytes) -> None:
        """A message came for a terminal; the time is measured before it is read."""
        now = self._clock.seconds()
        try:
            message: Any = msgspec.json.decode(payload)
        except msgspec.DecodeError:
            message = None
        if not isinstance(message, dict):
            self.report.complaints["message is not a JSON object"] += 1
            return
        self._perform(member, member.terminal.received(message, now))

    def heard(self, member: Member) -> None:
        """A pong came for a terminal."""
        member.terminal.heard(self._clock.seconds())

    def closed(self, member: Member, why: str) -> None:
        """A terminal lost its connection, or got none; it comes back after a pause."""
        self._dialling.discard(member)
        member.give_up = None
        if member.link is None:
            self.report.unreachable(why)
        else:
            self.report.disconnected()
        member.tries = 0 if member.terminal.state is State.ADMITTED else member.tries
        member.link = None
        member.terminal.lost()
        if self._stopping is None:
            pause = BACKOFF[min(member.tries, len(BACKOFF) - 1)] * (1 + self._random.random() / 2)
            member.tries += 1
            self._call_later(
                member, self._clock.seconds() + (member.terminal.pause if member.terminal.refused else pause)
            )
        else:
            self._stop_when_alone()

    # how

    def _tick(self) -> None:
        now = self._clock.seconds()
        passed, self._last_tick = now - self._last_tick, now
        if self._stopping is not None:
            self._end_farewell(now)
            return
        self._connect_some(now)
        self._perform_late(now)
        self._visit_some(now, passed)
        self._owed_punches = self._pay(self._owed_punches + self.rate * passed, self._punch)
        self._owed_people = self._pay(self._owed_people + self.enrol_rate * passed, self._enrol)

    def _pay(self, owed: float, act: Callable[[], None]) -> float:
        for _ in range(int(owed)):
            act()
        return owed - int(owed)

    def _punch(self) -> None:
        """The next terminal in turn that somebody can punch at."""
        now = self._clock.seconds()
        for _ in self.members:
            member = self._next_member()
            told = member.terminal.punch(now, self._random)
            if told is not None:
                self._perform(member, told)
                return

    def _enrol(self) -> None:
        member = self._random.choice(self.members)
        self._perform(member, member.terminal.enrol(self._clock.seconds()))

    def _next_member(self) -> Member:
        member = self.members[self._punching % len(self.members)]
        self._punching += 1
        return member

    def _call_later(self, member: Member, when: float) -> None:
        heapq.heappush(self._due, (when, next(self._order), member))

    def _connect_some(self, now: float) -> None:
        while (
            not self._away and self._due and self._due[0][0] <= now and len(self._dialling) < self._handshakes
        ):
            member = heapq.heappop(self._due)[2]
            self._dialling.add(member)
            member.give_up_at = now + HANDSHAKE
            give_up = self._dial(member)
            # a dial that failed at once has told so already
            if member in self._dialling:
                member.give_up = give_up
        for member in [late for late in self._dialling if late.give_up_at <= now]:
            self._give_up(member)

    def _give_up(self, member: Member) -> None:
        if member.give_up is not None:
            member.give_up()

    def _visit_some(self, now: float, passed: float) -> None:
        """Visit the terminals in turn, so many that each is visited once a second."""
        share = min(len(self.members), int(len(self.members) * passed) + 1)
        for _ in range(share):
            member = self.members[self._visited % len(self.members)]
            self._visited += 1
            self._perform(member, member.terminal.tick(now))

    def _perform_late(self, now: float) -> None:
        """What terminals put off, if they still have the connection that it was meant for."""
        while self._late and self._late[0][0] <= now:
            _, _, member, link, told = heapq.heappop(self._late)
            if member.link is link:
                self._perform(member, told)

    def _perform(self, member: Member, told: Iterable[Tell]) -> None:
        for tell in told:
            self.report.note(tell)
            if member.link is None:
                continue
            if isinstance(tell, Say):
                member.link.send(msgspec.json.encode(tell.message))
            elif isinstance(tell, SayBytes):
                member.link.send(tell.payload)
            elif isinstance(tell, Later):
                due = self._clock.seconds() + tell.seconds
                heapq.heappush(self._late, (due, next(self._order), member, member.link, tell.tells))
            elif isinstance(tell, Ping):
                member.link.ping()
            elif isinstance(tell, Drop):
                member.link.abort()

    def _end_farewell(self, now: float) -> None:
        if now >= self._farewell_ends:
            for member in self.members:
                if member.link is not None:
                    member.link.abort()

    def _stop_when_alone(self) -> None:
        done = self._stopping
        if done is None or self._dialling or any(member.link is not None for member in self.members):
            return
        if self._ticker.running:
            self._ticker.stop()
        if not done.called:
            done.callback(None)
