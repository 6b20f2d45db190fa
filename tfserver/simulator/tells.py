"""What a terminal tells the fleet: things to do and things that happened; the terminal itself never acts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tfserver.simulator.logbook import Log


@dataclass(frozen=True, slots=True)
class Say:
    """Send this message as one text frame."""

    message: dict[str, Any]


@dataclass(frozen=True, slots=True)
class SayBytes:
    """Send these bytes as one text frame, readable or not."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class Later:
    """Do these things after so many seconds, if the connection is still the same then."""

    seconds: float
    tells: tuple[Tell, ...]


@dataclass(frozen=True, slots=True)
class Ping:
    """Send a WebSocket ping (protocol §1.5)."""


@dataclass(frozen=True, slots=True)
class Drop:
    """Cut the connection, without a close frame, and come back."""

    why: str


@dataclass(frozen=True, slots=True)
class Admitted:
    """The server answered ``reg`` with ``result:true``, the first time on this connection."""


@dataclass(frozen=True, slots=True)
class Denied:
    """The server answered ``reg`` with ``result:false`` and this text or number."""

    reason: str


@dataclass(frozen=True, slots=True)
class LogsSent:
    """A ``sendlog`` went out with so many records; ``tries`` is 1 the first time."""

    records: int
    tries: int


@dataclass(frozen=True, slots=True)
class LogsAcked:
    """A batch was acknowledged, ``waited`` seconds after it was last sent."""

    sn: str
    logs: tuple[Log, ...]
    waited: float


@dataclass(frozen=True, slots=True)
class UserAcked:
    """A ``senduser`` was acknowledged."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """The server answered a request with ``result:false``; it will be sent again."""

    word: str
    reason: str


@dataclass(frozen=True, slots=True)
class Answered:
    """A command of the server was answered (or, for some words, met with silence)."""

    word: str


@dataclass(frozen=True, slots=True)
class Obeyed:
    """The terminal did what a command says, whatever it answers and whether the answer arrives."""

    sn: str
    word: str


@dataclass(frozen=True, slots=True)
class Complaint:
    """The server said something that the protocol does not allow."""

    text: str


Tell = (
    Say
    | SayBytes
    | Later
    | Ping
    | Drop
    | Admitted
    | Denied
    | LogsSent
    | LogsAcked
    | UserAcked
    | Rejected
    | Answered
    | Obeyed
    | Complaint
)
