"""What a terminal can answer to a command, before its dialect gives the answer its outer form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tfserver.simulator.dialects import Dialect
    from tfserver.simulator.memory import Memory

Message = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Done:
    """Success: ``result:true`` and the fields of the reply (protocol §5). ``kept`` False: that is a lie."""

    fields: dict[str, Any] = field(default_factory=dict)
    kept: bool = True


@dataclass(frozen=True, slots=True)
class Bare:
    """Data without any ``result``, as ``gettime`` has it (protocol §1.3)."""

    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Refused:
    """``result:false`` with its number; ``msg`` is said by AiFace only (protocol §2.1, §3.8)."""

    reason: int | str = 1
    msg: str = "failed"
    fields: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Gone:
    """The terminal drops the connection and comes back; as a rule without an answer (protocol §5.3)."""

    why: str
    farewell: Done | None = None
    """What some firmware still says before it goes."""


@dataclass(frozen=True, slots=True)
class Silence:
    """No answer at all: what old firmware gives to a word that it does not know (protocol §1.3)."""


Answer = Done | Bare | Refused | Gone | Silence


@dataclass(frozen=True, slots=True)
class Asked:
    """One command as a reply function sees it: the message, the terminal's memory and dialect, the time.

    ``now`` is in seconds of the clock that the whole simulation runs by.
    """

    command: Message
    memory: Memory
    dialect: Dialect
    now: float

    def number(self, key: str) -> int | None:
        """The integer of a field, also from text (protocol §2.2); None when missing or not a number."""
        return whole(self.command.get(key))

    def records(self, key: str = "record") -> list[Message]:
        """The objects of a list field; anything else in it is left out."""
        found = self.command.get(key)
        return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


ReplyFunction = Callable[[Asked], Answer]


def whole(value: object) -> int | None:
    """Read an integer that may have come as text; None for everything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, str) and value.strip().isdecimal():
        return int(value)
    return None
