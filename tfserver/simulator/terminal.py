"""One terminal's conversation as a state machine: told what happens, it tells what to do.

No network, no clock of its own, no reactor: ``now`` (seconds) comes with every call, and each call returns a
list of tells for the fleet to perform in that order.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from random import Random
from typing import Any

from tfserver.simulator.answers import (
    Answer,
    Asked,
    Bare,
    Done,
    Gone,
    Message,
    Refused,
    ReplyFunction,
    Silence,
)
from tfserver.simulator.dialects import BARE_REPLIES, Dialect
from tfserver.simulator.memory import Memory
from tfserver.simulator.moods import Mood
from tfserver.simulator.push import LogPush, Timers, UserPush
from tfserver.simulator.registration import Identity, reg_message
from tfserver.simulator.replies_access import ACCESS_REPLIES
from tfserver.simulator.replies_device import DEVICE_REPLIES
from tfserver.simulator.replies_enrolling import BEYOND_REPLIES, ENROLLING_REPLIES
from tfserver.simulator.replies_logs import LOG_REPLIES
from tfserver.simulator.replies_users import USER_REPLIES
from tfserver.simulator.samples import name_of
from tfserver.simulator.tells import (
    Admitted,
    Answered,
    Complaint,
    Denied,
    Drop,
    Later,
    Obeyed,
    Ping,
    Say,
    SayBytes,
    Tell,
)
from tfserver.simulator.temper import Temper
from tfserver.simulator.times import second_of

REPLIES: dict[str, ReplyFunction] = {
    **USER_REPLIES,
    **ENROLLING_REPLIES,
    **LOG_REPLIES,
    **DEVICE_REPLIES,
    **ACCESS_REPLIES,
}
"""Every command of the documents, with the function that answers it."""
SCAN_SECONDS = 1.0
"""How long somebody takes from one scan to the next."""
FAREWELL = 0.2
"""Seconds between the last answer and the end of the connection, where a command has both."""


class State(Enum):
    """Where a terminal stands with its server (protocol §1.2)."""

    OFF = "no connection"
    ASKING = "reg is not answered yet"
    REFUSED = "the server said no"
    ADMITTED = "the server said yes"


class Terminal:
    """A simulated terminal; ``memory`` is what it keeps and stays over reconnects.

    ``moods`` are what it does to commands otherwise than the documents say (see `tfserver.simulator.moods`).
    ``refused``: the last answer to ``reg`` was no, also while there is no connection; ``pause``: the seconds
    to wait then.
    """

    __slots__ = (
        "_heard_at",
        "_next_ping",
        "_next_reg",
        "_next_scan",
        "_temper",
        "_timers",
        "dialect",
        "ever_admitted",
        "identity",
        "logs",
        "memory",
        "pause",
        "refused",
        "state",
        "users",
    )

    def __init__(
        self,
        identity: Identity,
        dialect: Dialect,
        memory: Memory,
        timers: Timers,
        batch: int,
        moods: Sequence[Mood] = (),
    ) -> None:
        self.identity = identity
        self.dialect = dialect
        self.memory = memory
        self.logs = LogPush(identity.sn, dialect, memory, timers, batch)
        self.users = UserPush(identity.sn, dialect, memory, timers)
        self._temper = Temper(moods)
        self.logs.allowed = self._temper.pushes
        self.state = State.OFF
        self.ever_admitted = False
        self.refused = False
        self.pause = timers.refused
        self._timers = timers
        self._next_reg = self._next_ping = self._next_scan = self._heard_at = 0.0

    @property
    def settled(self) -> bool:
        """Whether it was admitted once and the server has acknowledged everything it should know."""
        return self.ever_admitted and not self.logs.waiting and not self.users.waiting

    # what happens on the connection

    def opened(self, now: float) -> list[Tell]:
        """The WebSocket is open: ``reg`` comes first."""
        self.state = State.ASKING
        self._heard_at = now
        self._next_ping = now + self._timers.heartbeat
        return self._register(now)

    def heard(self, now: float) -> None:
        """A pong or any frame came."""
        self._heard_at = now

    def lost(self) -> None:
        """The connection is gone; what is not acknowledged will be said again."""
        self.state = State.OFF
        self.logs.lost()
        self.users.lost()

    def received(self, message: Message, now: float) -> list[Tell]:
        """One JSON object of the server: a command (``cmd``) or the response to a request (``ret``)."""
        self._heard_at = now
        if isinstance(message.get("cmd"), str):
            return [*_form_fault(message, "cmd"), *self._commanded(message, now)]
        if isinstance(message.get("ret"), str):
            return [
                *_form_fault(message, "ret"),
                *self._set_clock(message, now),
                *self._answered(message, now),
            ]
        return [Complaint("message without cmd and ret")]

    def tick(self, now: float) -> list[Tell]:
        """To be called about once a second: repeats, silence, heartbeat, and a scan of who is enrolled."""
        if self.state is State.OFF:
            return []
        if now >= self._heard_at + self._timers.deaf:
            return [Drop(f"nothing heard for {self._timers.deaf:g} s")]
        told: list[Tell] = []
        if now >= self._next_ping:
            self._next_ping = now + self._timers.heartbeat
            told.append(Ping())
        going_on = self.memory.enrolment
        if going_on is not None and not going_on.asked and now >= self._next_scan:
            # a terminal alone is visited far more often
            self._next_scan = now + SCAN_SECONDS
            self.memory.scan()
        if self.state is State.ADMITTED:
            return [*told, *self.logs.tick(now), *self.users.tick(now)]
        return [*told, *self._register(now)] if now >= self._next_reg else told

    # what people do at the terminal

    def punch(self, now: float, random: Random) -> list[Tell] | None:
        """Somebody punches; None when nobody can (no people, or the device is disabled)."""
        if self.memory.punch(now, self.dialect.modes, random) is None:
            return None
        return self._offer(now)

    def enrol(self, now: float) -> list[Tell]:
        """A new person is enrolled at the keypad, if there is room."""
        enrollid = self.memory.free_enrollid()
        self.memory.enrol(enrollid, self.dialect.credentials[0], name_of(enrollid))
        return self._offer(now)

    # how

    def _register(self, now: float) -> list[Tell]:
        self._next_reg = now + self._timers.reg
        return [Say(reg_message(self.identity, self.dialect, self.memory, now))]

    def _offer(self, now: float) -> list[Tell]:
        if self.state is not State.ADMITTED:
            return []
        return [*self.logs.offer(now), *self.users.offer(now)]

    def _set_clock(self, message: Message, now: float) -> list[Tell]:
        """Each ``cloudtime`` sets the clock (protocol §2.2)."""
        if "cloudtime" not in message:
            return []
        second = second_of(message["cloudtime"])
        if second is None:
            return [Complaint("cloudtime is not YYYY-MM-DD HH:MM:SS")]
        self.memory.set_clock(second, now)
        return []

    def _answered(self, message: Message, now: float) -> list[Tell]:
        word = message["ret"]
        if word == "reg":
            return self._judged(message, now)
        if self.state is not State.ADMITTED:
            return [Complaint(f"answer to {word} before reg was answered")]
        if word == "sendlog":
            return self.logs.answered(message, now)
        if word == "senduser":
            return self.users.answered(message, now)
        return [Complaint(f"answer to {word[:32]!r} that was not sent")]

    def _judged(self, message: Message, now: float) -> list[Tell]:
        """The answer to ``reg``: begin to push, or wait and ask again (protocol §4.1)."""
        if message.get("result") is not True:
            self.state = State.REFUSED
            self.refused = True
            seconds = message.get("tryseconds")
            self.pause = float(seconds) if type(seconds) is int and seconds > 0 else self._timers.refused
            self._next_reg = now + self.pause
            return [Denied(str(message.get("reason", "")))]
        if self.state is State.ADMITTED:
            return []
        self.state = State.ADMITTED
        self.ever_admitted = True
        self.refused = False
        self.users.allowed = message.get("nosenduser") is not True
        if self.dialect.pushes_all_users and self.users.allowed:
            self._announce_everybody()
        return [Admitted(), *self._offer(now)]

    def _announce_everybody(self) -> None:
        """AiFace pushes its whole user base after ``reg`` (protocol §4.3)."""
        queued = set(self.memory.new_users)
        self.memory.new_users.extend(one for one in self.memory.credentials() if one not in queued)

    def _commanded(self, message: Message, now: float) -> list[Tell]:
        """Obey, answer, and push what the obeying brought about; a terminal that goes away pushes nothing."""
        word = message["cmd"]
        function = _function_of(word, self.dialect)
        obeyed: list[Tell] = []

        def carry_out(asked: Asked) -> Answer:
            """Do what the command says, and notice whether it was done."""
            answer = function(asked)
            if not isinstance(answer, Refused | Silence):
                obeyed.append(Obeyed(self.identity.sn, word))
            return answer

        answer = self._temper.answer(Asked(message, self.memory, self.dialect, now), carry_out)
        if isinstance(answer, Done) and not answer.kept:
            obeyed.clear()
        told = [*obeyed, Answered(word), *self._told(message, answer)]
        return told if isinstance(answer, Gone) else [*told, *self._offer(now)]

    def _told(self, command: Message, answer: Answer) -> list[Tell]:
        """An answer as things to do, at once or later."""
        if isinstance(answer, Silence):
            return []
        if isinstance(answer, Gone):
            told: list[Tell] = [Drop(answer.why)]
            if answer.farewell is not None:
                told = [*self._spoken(command, answer.farewell), Later(FAREWELL, tuple(told))]
        else:
            told = self._spoken(command, answer)
        seconds = self._temper.delay(command["cmd"])
        return [Later(seconds, tuple(told))] if seconds else told

    def _spoken(self, command: Message, answer: Done | Bare | Refused) -> list[Tell]:
        reply = self._temper.form(command, self._dressed(command["cmd"], answer))
        return [SayBytes(reply) if isinstance(reply, bytes) else Say(reply)]

    def _dressed(self, word: str, answer: Done | Bare | Refused) -> dict[str, Any]:
        """An answer in this dialect's outer form (protocol §1.3, §1.6, §2.1)."""
        said = self.dialect.failure_words.get(word, word) if isinstance(answer, Refused) else word
        reply: dict[str, Any] = {"ret": self.dialect.ret_words.get(said, said)}
        habit = self.dialect.sn_in_replies
        if habit == "always" or (habit == "mostly" and word not in BARE_REPLIES):
            reply["sn"] = self.identity.sn
        if not isinstance(answer, Bare):
            reply["result"] = not isinstance(answer, Refused)
        if isinstance(answer, Refused):
            reply["reason"] = answer.reason
            if self.dialect.speaks:
                reply["msg"] = answer.msg
        return {**reply, **answer.fields}


def _function_of(word: str, dialect: Dialect) -> ReplyFunction:
    if word in dialect.beyond:
        return BEYOND_REPLIES[word]
    return _unknown if word in dialect.unknown_words else REPLIES.get(word, _unknown)


def _unknown(asked: Asked) -> Answer:
    """A word that is not known: AiFace says so, all others say nothing (protocol §1.3)."""
    return Refused(1, "can not find this command") if asked.dialect.speaks else Silence()


def _form_fault(message: Message, first: str) -> list[Tell]:
    """Old parsers may rely on ``cmd`` or ``ret`` as the first key (protocol §2.1)."""
    return [] if next(iter(message)) == first else [Complaint(f"{first} is not the first key")]
