"""What terminals can be ordered to do: read off the classes of the vocabulary."""

from __future__ import annotations

import inspect
import re
from typing import Any

import click

from tfserver.cli.outcome import Failed
from tfserver.cli.output import Column, People, Row, prints

COLUMNS = (
    Column("command", lambda row: row["command"]),
    Column("danger", lambda row: row["danger"]),
    Column("needs", lambda row: row["needs"]),
    Column("what it does", lambda row: row["does"]),
)
FIELDS = (
    Column("field", lambda row: row["field"]),
    Column("type", lambda row: row["type"]),
    Column("", lambda row: "required" if row["required"] else ""),
    Column("meaning", lambda row: row["meaning"]),
)


@click.command("commands")
@click.argument("word", required=False, shell_complete=lambda ctx, param, begun: _begins(begun))
@prints
def command(out: People, word: str | None) -> None:
    """List what a terminal can be ordered to do, or the fields of one command.

    \b
      tfserver commands
      tfserver commands opendoor
    """
    if word is None:
        out.rows(vocabulary_rows(), COLUMNS, "no commands")
        return
    found = [row for row in vocabulary_rows() if row["command"] == word.lower()]
    if not found:
        raise Failed(f"there is no command '{word}': 'tfserver commands' lists them")
    fields = fields_of(word.lower())

    def show() -> None:
        """What it does, then its fields."""
        out.details(found)
        print()
        out.rows(fields, FIELDS, "it has no fields")

    out.shown({**found[0], "fields": fields}, show)


def vocabulary_rows() -> list[Row]:
    """A row for each command: ``command``, ``danger``, ``needs``, ``ttl`` (seconds), ``does``."""
    from tfserver.order import LIVES

    rows = []
    for kind in _vocabulary():
        life = LIVES[kind.danger]
        needs = ["a model profile that allows it"] * (not kind.core)
        needs += ["role admin"] * kind.admin_only
        needs += ["--confirm SN"] * (kind.danger.value == "destructive")
        rows.append(
            {
                "command": kind.word(),
                "danger": kind.danger.value,
                "needs": ", ".join(needs),
                "ttl": f"{life.default} s ({life.least} to {life.most})",
                "does": _first_sentence(kind),
            }
        )
    return rows


def fields_of(word: str) -> list[Row]:
    """A row for each field: ``field``, ``type``, ``required``, ``meaning``. What is no command has none."""
    import msgspec

    kind = _vocabulary().find(word)
    if kind is None:
        return []
    [schema], parts = msgspec.json.schema_components([kind])
    schema = parts.get(schema.get("$ref", "").rpartition("/")[2], schema)
    return [
        {
            "field": name,
            "type": _type_of(one, parts),
            "required": name in schema.get("required", ()),
            "meaning": one.get("description", ""),
        }
        for name, one in schema.get("properties", {}).items()
    ]


def _vocabulary() -> Any:
    # importing the package fills it
    import tfserver.commands  # noqa: F401
    from tfserver.wire.table import vocabulary

    return vocabulary


def _begins(begun: str) -> list[str]:
    return [row["command"] for row in vocabulary_rows() if row["command"].startswith(begun)]


def _first_sentence(kind: type) -> str:
    text = " ".join((inspect.getdoc(kind) or "").partition("\n\n")[0].split())
    # not after "e.g."
    return re.split(r"\.\s+(?=[A-Z])", text)[0].removesuffix(".")


def _type_of(schema: Row, parts: Row) -> str:
    """What a field may be, in a few words."""
    if "$ref" in schema:
        return _type_of(parts[schema["$ref"].rpartition("/")[2]], parts)
    if "enum" in schema:
        return _choices(schema["enum"])
    if "anyOf" in schema:
        return " or ".join(_type_of(one, parts) for one in schema["anyOf"] if one.get("type") != "null")
    return _plain_type(str(schema.get("type", "anything")), schema, parts)


def _choices(values: list[Any]) -> str:
    """Numbers as ranges, words as they are."""
    if not all(isinstance(value, int) for value in values):
        return " or ".join(map(str, values))
    runs: list[list[int]] = []
    for value in sorted(values):
        if runs and value == runs[-1][-1] + 1:
            runs[-1].append(value)
        else:
            runs.append([value])
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


def _plain_type(kind: str, schema: Row, parts: Row) -> str:
    if kind == "array":
        most = f", at most {schema['maxItems']}" if "maxItems" in schema else ""
        return f"list of {_type_of(schema.get('items', {}), parts)}{most}"
    if kind == "object":
        names = ", ".join(schema.get("properties", {}))
        return f"object ({names})" if names else kind
    words = {"integer": "whole number", "string": "text", "boolean": "true or false"}
    return words.get(kind, kind) + _bounds(schema)


def _bounds(schema: Row) -> str:
    least = schema.get("minimum", schema.get("minLength"))
    most = schema.get("maximum", schema.get("maxLength"))
    if least is None:
        return "" if most is None else f" up to {most}"
    return f" from {least}" if most is None else f" {least} to {most}"
