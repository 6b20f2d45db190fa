"""What every setting is called, is for and is by default, read off the classes of the settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, NamedTuple, get_args, get_origin

import msgspec

from tfserver.config import Section
from tfserver.configfile import plain_type


class Field(NamedTuple):
    """One setting: its dotted name, its default, what it is for, and its type."""

    name: str
    default: Any
    told: str
    kind: Any


def fields(section: type[Section], prefix: str = "") -> Iterator[Field]:
    """All settings below a section, in the order they are written."""
    for field in msgspec.structs.fields(section):
        kind = plain_type(field.type)
        if isinstance(kind, type) and issubclass(kind, Section):
            yield from fields(kind, f"{prefix}{field.name}.")
        else:
            default = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
            yield Field(f"{prefix}{field.name}", default, description(field.type), kind)


def description(annotation: Any) -> str:
    """What the ``Meta`` of a setting says; TypeError for one that says nothing."""
    found = [meta for meta in get_args(annotation)[1:] if isinstance(meta, msgspec.Meta)]
    if get_origin(annotation) is Annotated and found:
        return next((meta.description for meta in reversed(found) if meta.description), "")
    raise TypeError(f"a setting has no description: {annotation}")


def value_of(settings: Section, name: str) -> Any:
    """The value of a setting by its dotted name."""
    found: Any = settings
    for part in name.split("."):
        found = getattr(found, part)
    return found
