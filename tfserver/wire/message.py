"""The four kinds of message: a terminal's Request gets our Response; our Command gets a terminal's Reply.

A request is a class; its wire name is the class name in lower case, its fields are what the firmware sends
(protocol §4). Fields that a terminal may leave out have a default, so that nothing but the serial number of
a ``reg`` is ever required.
"""

from __future__ import annotations

import functools
from typing import Any, ClassVar, Generic, TypeVar, get_args

import msgspec

from tfserver import privacy
from tfserver.config import ModelProfile
from tfserver.order import Danger


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


class RawReply(msgspec.Struct, frozen=True):
    """A terminal's answer to a command as it came; ``result`` is None when it can't be read."""

    ret: str
    result: bool | None
    fields: dict[str, Any]


class Reply(msgspec.Struct):
    """What a terminal says when it obeyed; each field has a default. ``rest`` is what else it said.

    A field that the wire calls ``record`` gets a name of its own here unless it is a credential: people see
    the names of the class, and values under private names by their size only.
    """

    rest: dict[str, Any] = msgspec.field(default_factory=dict, name="(rest)")

    def shown(self) -> dict[str, Any]:
        """The reply as people see it."""
        own = {name: value for name, value in msgspec.structs.asdict(self).items() if name != "rest"}
        plain = {name: value for name, value in msgspec.to_builtins(own).items() if value is not None}
        return {
            **privacy.opened(self.rest),
            **{n: privacy.redacted(v) if privacy.is_private(n) else v for n, v in plain.items()},
        }


R = TypeVar("R", bound=Reply)
Problems = list[tuple[str, str]]
"""Fields and what was expected there."""


Profile = ModelProfile


class Command(msgspec.Struct, Generic[R], forbid_unknown_fields=True):
    """What we order a terminal to do. The class name in lower case is the word, fields are named as on the
    wire.

    ``danger`` decides how it may be repeated and how long it may wait, ``within`` bounds the seconds until
    the reply, ``admin_only`` keeps it from operators, ``ends_connection`` says that a lost connection is its
    success, ``aliases`` are words that firmware answers it with by mistake, ``core`` tells the official
    documents' commands from those that need a model profile, ``list_field`` names the list of a paged reply.
    ``tells_time`` says that it sets the clock. What ``moves_pointer`` can't be read twice, so each page is
    kept before the next is asked for. What ``needs_proof`` deletes logs: all of them have to be here first.
    ``local_use`` says whether people can use the terminal afterwards, None when that stays as it is.
    """

    danger: ClassVar[Danger] = Danger.ORDINARY
    within: ClassVar[float] = 20.0
    admin_only: ClassVar[bool] = False
    ends_connection: ClassVar[bool] = False
    aliases: ClassVar[tuple[str, ...]] = ()
    core: ClassVar[bool] = True
    list_field: ClassVar[str] = ""
    tells_time: ClassVar[bool] = False
    moves_pointer: ClassVar[bool] = False
    needs_proof: ClassVar[bool] = False
    local_use: ClassVar[bool | None] = None

    @classmethod
    def word(cls) -> str:
        """The word on the wire."""
        return cls.__name__.lower()

    @classmethod
    def reply_type(cls) -> type[Reply]:
        """The class that reads the reply."""
        return _reply_type(cls)

    def problems(self, profile: Profile) -> Problems:
        """What is wrong beyond the types of the fields, for a terminal of this kind."""
        return []

    def forgives(self, reply: RawReply) -> bool:
        """Whether a refusal means that what was asked for is so already."""
        return False

    def subject(self) -> str:
        """What it changes: orders on the same subject never overtake each other. Empty for those that read.

        ``user 7`` is about one person; ``users`` is about all of them, so it is in order with each.
        """
        return self.word()

    def brings(self) -> list[tuple[int, int]]:
        """The places that it needs on the terminal: people and slots, as ``(enrollid, backupnum)``."""
        return []

    def people(self) -> tuple[int, ...]:
        """Whom it would bring to the terminal, or name there: nobody who was erased."""
        return tuple(dict.fromkeys(enrollid for enrollid, _ in self.brings()))

    def secrets(self) -> dict[str, str]:
        """Fields whose values are sealed while the order waits, with those values as text."""
        fields = self.fields()
        return {
            name: str(value)
            for name, value in fields.items()
            if privacy.is_private(name) and isinstance(value, str | int) and not isinstance(value, bool)
        }

    def fields(self) -> dict[str, Any]:
        """The fields that were given, as on the wire."""
        found: dict[str, Any] = msgspec.to_builtins(self)
        return found

    def shown(self) -> dict[str, Any]:
        """The fields as people see them: those with private names by their size only."""
        fields = self.fields().items()
        return {name: privacy.redacted(v) if privacy.is_private(name) else v for name, v in fields}

    def said(self, cloudtime: str) -> dict[str, Any]:
        """What goes to the terminal beside ``cmd``; ``cloudtime`` is its local time now."""
        return self.fields()


@functools.cache
def _reply_type(kind: type[Command[Any]]) -> type[Reply]:
    for base in (b for owner in kind.__mro__ for b in getattr(owner, "__orig_bases__", ())):
        for argument in get_args(base):
            if isinstance(argument, type) and issubclass(argument, Reply):
                return argument
    return Reply
