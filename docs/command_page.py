"""``docs/commands.md``: every command there is, read off the classes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from msgspec import inspect

import tfserver.commands
from tfserver.order import LIVES
from tfserver.wire.expectation import description_of, items_of, words_of
from tfserver.wire.message import Command
from tfserver.wire.ordering import MORE, OpenCommand
from tfserver.wire.table import vocabulary

assert tfserver.commands, "fills the vocabulary"

HEAD = [
    "| command | what it does | danger | may wait | who | fields | reply |",
    "| --- | --- | --- | --- | --- | --- | --- |",
]
_HOUR = 3600


def page() -> str:
    """The whole page."""
    known = list(vocabulary)
    lines = [
        "# Commands",
        "",
        "Written by `docs/generate.py` from the classes in `tfserver/commands/`.",
        "",
        "`POST /api/v1/terminals/{sn}/commands` takes `cmd` and the fields beside it. How long an order may",
        "wait by default, and how it is repeated, follows from its danger: `door` and `once` are said at",
        "most once, `destructive` also asks for `confirm` (the serial number), `ordinary` is tried again. An",
        "operator may order what is marked so, an admin everything. A field marked * has to be given.",
        "",
        *table(kind for kind in known if kind.core),
        "",
        "## Experimental",
        "",
        "Not every model knows these, and their fields are not sure. They are refused unless a model profile",
        "allows them: list the word under `profiles.<name>.allow` in the configuration and give that name to",
        "the terminal as its `model_profile`.",
        "",
        *table(kind for kind in known if not kind.core),
    ]
    return "\n".join(lines) + "\n"


def table(kinds: Iterable[type[Command[Any]]]) -> list[str]:
    """The lines of a table of commands."""
    return HEAD + [line(kind) for kind in kinds]


def line(kind: type[Command[Any]]) -> str:
    """One command."""
    cells = (
        f"`{kind.word()}`",
        " ".join((kind.__doc__ or "").split()).replace("``", "`"),
        kind.danger.value,
        duration(LIVES[kind.danger].default),
        "admin" if kind.admin_only else "operator",
        "<br>".join(fields(kind)),
        ", ".join(
            f"`{field.name}`" for field in msgspec.structs.fields(kind.reply_type()) if field.name != "rest"
        ),
    )
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def fields(kind: type[Command[Any]]) -> Iterator[str]:
    """What may stand beside ``cmd``."""
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)
    for field in info.fields:
        if field.encode_name != MORE:
            yield from described(field, "")
    if issubclass(kind, OpenCommand):
        yield "and any other"


def described(field: inspect.Field, above: str) -> Iterator[str]:
    """A field, and those of the objects in it."""
    name = above + field.encode_name
    star = "*" if field.required else ""
    yield f"`{name}`{star}: {words_of(field.type)}. {description_of(field.type)}".rstrip()
    for inner in items_of(field.type):
        yield from described(inner, f"{name}[].")


def duration(seconds: int) -> str:
    """Seconds in the largest unit that fits."""
    for unit, name in ((_HOUR, "h"), (60, "min")):
        if seconds % unit == 0:
            return f"{seconds // unit} {name}"
    return f"{seconds} s"
