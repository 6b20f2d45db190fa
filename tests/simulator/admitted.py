"""Terminals that the server has admitted, for the tests of what they answer and push."""

from __future__ import annotations

import json
from typing import Any

from tests.simulator.tiny_server import CLOUDTIME, good_answer
from tfserver.simulator.dialects import DOCUMENTED, Dialect
from tfserver.simulator.making import Plan, make_terminal
from tfserver.simulator.push import Timers
from tfserver.simulator.tells import Say, Tell
from tfserver.simulator.terminal import Terminal
from tfserver.simulator.times import second_of

NOW = 1000.0
"""The simulation's time at which the terminals are admitted."""


class Scripted:
    """A source of chance that always takes the first."""

    def randrange(self, stop: int) -> int:
        """Always 0."""
        return 0

    def choice(self, options: Any) -> Any:
        """Always the first."""
        return options[0]

    def random(self) -> float:
        """Always 0."""
        return 0.0


def terminal_of(dialect: Dialect = DOCUMENTED, **plan: Any) -> Terminal:
    """A terminal that was never connected; its clock shows the time of `CLOUDTIME` at `NOW`."""
    offset = (second_of(CLOUDTIME) or 0) - NOW
    plan.setdefault("timers", Timers())
    return make_terminal(Plan(sn_prefix="ZXDM", **plan), 0, dialect, NOW, offset, Scripted())  # type: ignore[arg-type]


def admitted(dialect: Dialect = DOCUMENTED, **plan: Any) -> Terminal:
    """A terminal that was admitted at `NOW`, without ``senduser``."""
    terminal = terminal_of(dialect, **plan)
    terminal.opened(NOW)
    terminal.received({"ret": "reg", "result": True, "cloudtime": CLOUDTIME, "nosenduser": True}, NOW)
    return terminal


def said(told: list[Tell] | None) -> list[dict[str, Any]]:
    """The messages among the tells, as they come out of JSON."""
    return [json.loads(json.dumps(tell.message)) for tell in told or [] if isinstance(tell, Say)]


def asked(terminal: Terminal, command: dict[str, Any], now: float = NOW) -> dict[str, Any] | None:
    """The terminal's reply to a command; None for silence."""
    replies = [message for message in said(terminal.received(command, now)) if "ret" in message]
    return replies[0] if replies else None


def acknowledged(terminal: Terminal, told: list[Tell] | None, now: float = NOW) -> list[Tell]:
    """Answer each request among the tells well; what the terminal tells then."""
    then: list[Tell] = []
    for message in said(told):
        answer = good_answer(message)
        then += terminal.received(answer, now) if answer is not None else []
    return then
