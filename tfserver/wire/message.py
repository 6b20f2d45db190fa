"""The four kinds of message: a terminal's Request gets our Response; our Command gets a terminal's Reply.

A request is a class; its wire name is the class name in lower case, its fields are what the firmware sends
(protocol §4). Fields that a terminal may leave out have a default, so that nothing but the serial number of
a ``reg`` is ever required.
"""

from __future__ import annotations

import functools
from typing import Any, ClassVar

import msgspec


class Request(msgspec.Struct):
    """What a terminal asks of us.

    ``echo`` names the fields the answer repeats exactly as they came, ``tells_time`` says that the answer
    sets the terminal's clock, ``within`` bounds the seconds until the answer, ``rest`` is what else came.
    """

    echo: ClassVar[tuple[str, ...]] = ()
    tells_time: ClassVar[bool] = False

    within: ClassVar[float] = 1.9

    sn: str = ""
    rest: dict[str, Any] = msgspec.field(default_factory=dict, name="(rest)")

    @classmethod
    def word(cls) -> str:
        """The word on the wire."""
        return _word(cls)


@functools.cache
def _word(kind: type[Request]) -> str:
    return kind.__name__.lower()


class Unknown(Request):
    """A request nobody has described: answered, or the terminal repeats it for ever (protocol §4.9)."""


class Response(msgspec.Struct, frozen=True):
    """Our answer to a request: success or not, and the fields of that answer in the order they are sent.

    ``reason`` goes to the terminal's screen on a refused ``reg`` and is the number 1 elsewhere.
    """

    result: bool = True
    reason: str | int = 1
    fields: dict[str, Any] = {}


class Reply(msgspec.Struct, frozen=True):
    """A terminal's answer to a command of ours."""

    ret: str
    result: bool
    fields: dict[str, Any]
