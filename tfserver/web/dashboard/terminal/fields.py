"""The fields of a form for a command, read off its class in the vocabulary."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from msgspec import inspect

from tfserver import privacy
from tfserver.order import LIVES, Danger, Life
from tfserver.wire.expectation import MOST_INTEGER, description_of, words_of
from tfserver.wire.message import Command
from tfserver.wire.ordering import MORE

DAY: Final = r"^\d{4}-\d\d-\d\d$"


class Field(NamedTuple):
    """One field: ``kind`` says what is shown for it, ``reads`` how the page makes JSON of what was typed.

    ``told`` is what it is for, ``expects`` what it takes, in the API's words.
    """

    name: str
    kind: str
    reads: str
    told: str
    expects: str
    is_required: bool
    least: int | None = None
    most: int | None = None
    longest: int | None = None
    options: tuple[str, ...] = ()

    @property
    def is_explained(self) -> bool:
        """Whether what it takes is not seen from the control itself."""
        return self.expects != "" and self.kind in ("json", "lines", "number", "text", "secret")


class Form(NamedTuple):
    """What somebody fills in to give an order."""

    word: str
    told: str
    danger: str
    life: Life
    fields: tuple[Field, ...]
    is_confirmed: bool
    subject: str
    is_core: bool


def form_of(command: type[Command[Any]]) -> Form:
    """The form of a command."""
    kind = inspect.type_info(command)
    assert isinstance(kind, inspect.StructType)
    return Form(
        word=command.word(),
        told=told_of(command),
        danger=command.danger.value,
        life=LIVES[command.danger],
        fields=tuple(map(_field, kind.fields)),
        is_confirmed=command.danger is Danger.DESTRUCTIVE,
        subject=subject_of(command),
        is_core=command.core,
    )


def told_of(command: type[Command[Any]]) -> str:
    """What a command is for, in one sentence, without the marks of a docstring."""
    return " ".join((command.__doc__ or "").split("\n\n")[0].replace("``", "").split())


def subject_of(command: type[Command[Any]]) -> str:
    """What it is about: the module that it stands in."""
    return command.__module__.rpartition(".")[2]


def _field(field: inspect.Field) -> Field:
    name, is_required = field.encode_name, field.required
    if name == MORE:
        return Field(name, "json", "more", "", "", False)
    told, expects = description_of(field.type), words_of(field.type)
    bare = _bare(field.type)
    options = _options(field.type)
    if privacy.is_private(name) and isinstance(bare, inspect.StrType | inspect.UnionType):
        return Field(name, "secret", "text", told, expects, is_required)
    if options:
        return Field(name, "choice", "number", told, expects, is_required, options=options)
    if _is_flag(bare):
        return Field(name, "flag", "flag", told, expects, is_required)
    if isinstance(bare, inspect.IntType):
        most = bare.le if bare.le is not None and bare.le < MOST_INTEGER else None
        return Field(name, "number", "number", told, expects, is_required, bare.ge, most)
    if isinstance(bare, inspect.StrType):
        return _text(name, bare, told, expects, is_required)
    if isinstance(bare, inspect.ListType) and isinstance(_bare(bare.item_type), inspect.IntType):
        return Field(name, "text", "numbers", told, expects, is_required)
    if isinstance(bare, inspect.ListType) and isinstance(_bare(bare.item_type), inspect.StrType):
        return Field(name, "lines", "lines", told, expects, is_required)
    if isinstance(bare, inspect.UnionType):
        return Field(name, "text", "text", told, expects, is_required)
    return Field(name, "json", "json", told, expects, is_required)


def _text(name: str, kind: inspect.StrType, told: str, expects: str, is_required: bool) -> Field:
    is_day = kind.pattern is not None and kind.pattern.startswith(DAY)
    return Field(
        name, "day" if is_day else "text", "text", told, expects, is_required, longest=kind.max_length
    )


def _bare(kind: inspect.Type) -> inspect.Type:
    """A type without what was noted about it."""
    return _bare(kind.type) if isinstance(kind, inspect.Metadata) else kind


def _is_flag(kind: inspect.Type) -> bool:
    if isinstance(kind, inspect.UnionType):
        return any(isinstance(_bare(one), inspect.BoolType) for one in kind.types)
    return isinstance(kind, inspect.BoolType)


def _options(kind: inspect.Type) -> tuple[str, ...]:
    """The only values that it takes, when there are few."""
    bare = _bare(kind)
    if isinstance(bare, inspect.LiteralType):
        return tuple(map(str, bare.values))
    told = (kind.extra_json_schema or {}) if isinstance(kind, inspect.Metadata) else {}
    return tuple(map(str, told.get("enum", ())))
