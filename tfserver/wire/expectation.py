"""What a field takes, in words, read off its type: for refusals, forms and docs.

A ``Meta`` may say it better: ``Meta(extra={"expected": "a day as YYYY-MM-DD"})``. Everything else follows
from the type and its bounds.
"""

from __future__ import annotations

import re
from typing import Any, Final

from msgspec import inspect

MOST_INTEGER: Final = 2**63 - 1
_STEP: Final = re.compile(r"\[(?:\d+|\.\.\.)\]|[^.\[]+")


def expected(annotation: Any) -> str:
    """What a field of this type takes, e.g. ``a whole number from 1 to 4``."""
    return words_of(inspect.type_info(annotation))


def description(annotation: Any) -> str:
    """What the field is for."""
    return description_of(inspect.type_info(annotation))


def description_of(kind: inspect.Type) -> str:
    """What a field of this type is for."""
    if not isinstance(kind, inspect.Metadata):
        return ""
    return str((kind.extra_json_schema or {}).get("description", ""))


def items_of(kind: inspect.Type) -> tuple[inspect.Field, ...]:
    """The fields of each object in a list of them; nothing for other types."""
    if isinstance(kind, inspect.Metadata):
        return items_of(kind.type)
    if isinstance(kind, inspect.ListType) and isinstance(kind.item_type, inspect.StructType):
        return kind.item_type.fields
    return ()


def type_at(annotation: Any, path: str) -> inspect.Type:
    """The type that stands at a path such as ``[3].name`` below a field."""
    kind = inspect.type_info(annotation)
    for step in _STEP.findall(path):
        kind = _below(kind, step)
    return kind


def _below(kind: inspect.Type, step: str) -> inspect.Type:
    if isinstance(kind, inspect.Metadata):
        return _below(kind.type, step)
    if isinstance(kind, inspect.UnionType):
        fitting = inspect.ListType | inspect.DictType if step[0] == "[" else inspect.StructType
        inner = [one.type if isinstance(one, inspect.Metadata) else one for one in kind.types]
        return _below(next(one for one in inner if isinstance(one, fitting)), step)
    if isinstance(kind, inspect.ListType):
        return kind.item_type
    if isinstance(kind, inspect.DictType):
        return kind.value_type
    assert isinstance(kind, inspect.StructType)
    return next(field.type for field in kind.fields if field.encode_name == step)


def words_of(kind: inspect.Type) -> str:
    """What a value of this type looks like."""
    match kind:
        case inspect.Metadata(extra={"expected": words}):
            return str(words)
        case inspect.Metadata(type=inner):
            return words_of(inner)
        case inspect.UnionType(types=choices):
            return " or ".join(dict.fromkeys(words_of(choice) for choice in choices))
        case inspect.LiteralType(values=values):
            *others, last = map(str, values)
            return f"{', '.join(others)} or {last}" if others else last
        case inspect.IntType(ge=least, le=most):
            return _bounded("a whole number", least, None if most == MOST_INTEGER else most)
        case inspect.FloatType(ge=least, le=most):
            return _bounded("a number", least, most)
        case inspect.StrType(min_length=least, max_length=most):
            return "text" + _length(least, most, "characters")
        case inspect.BoolType():
            return "true or false"
        case inspect.StructType(fields=fields):
            return f"an object with {', '.join(field.encode_name for field in fields)}"
        case inspect.ListType(item_type=item, min_length=least, max_length=most):
            return f"a list{_length(least, most, '')}, each {words_of(item)}"
        case inspect.DictType():
            return "an object"
    return "any value"


def _bounded(what: str, least: float | None, most: float | None) -> str:
    if most is not None and least == most - 1:
        return f"{least} or {most}"
    if least is None:
        return what if most is None else f"{what} up to {most}"
    return f"{what} from {least}" if most is None else f"{what} from {least} to {most}"


def _length(least: int | None, most: int | None, unit: str) -> str:
    """The bounds of a list or text."""
    if most is None:
        found = f" of at least {least}" if least else ""
    elif least == most:
        found = f" of {most}"
    else:
        found = f" of {least} to {most}" if least else f" of at most {most}"
    return f"{found} {unit}".rstrip() if found else ""
