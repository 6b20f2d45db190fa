"""The body of an order: its word, the fields of that command, and how long and how surely it is meant."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import msgspec

from tfserver import commands
from tfserver.order import LIVES, Danger
from tfserver.web.body import json_object
from tfserver.web.problem import bad_fields
from tfserver.wire.message import Command
from tfserver.wire.ordering import MORE
from tfserver.wire.table import vocabulary

assert commands.__path__, "the vocabulary is filled by importing the commands"

MOST_SECONDS: Final = 10**9
_MOST_TEXT: Final = 200


class Asked(NamedTuple):
    """What a body asks for; ``fields`` are still as they came."""

    cmd: str
    fields: dict[str, Any]
    ttl: int | None
    confirm: str


class OrderBody:
    """Reads the body of an order. The fields of the command are the commander's to judge."""

    most_bytes = 512 * 1024
    name = "Order_body"

    def read(self, data: bytes) -> Asked:
        """The word and what comes with it; Problem when these are not of the right types."""
        fields = json_object(data)
        given = {name: fields.pop(name) for name in ("cmd", "ttl", "confirm") if name in fields}
        errors = []
        if not isinstance(given.get("cmd"), str):
            errors.append(("cmd", "expected the word of a command"))
        ttl, confirm = given.get("ttl"), given.get("confirm", "")
        if "ttl" in given and (type(ttl) is not int or abs(ttl) > MOST_SECONDS):
            errors.append(("ttl", "expected a whole number of seconds"))
        if not isinstance(confirm, str) or len(confirm) > _MOST_TEXT:
            errors.append(("confirm", "expected the terminal's serial number"))
        if errors:
            raise bad_fields(errors)
        return Asked(given["cmd"], fields, ttl, confirm)


def order_schemas(name: str, ref: str) -> dict[str, Any]:
    """The schema of the body under ``name``, and one for each command of the vocabulary."""
    found = list(vocabulary)
    refs, schemas = msgspec.json.schema_components(found, ref_template=ref)
    mapping = {}
    for command, place in zip(found, refs, strict=True):
        _finish(command, schemas[place["$ref"].removeprefix(ref.format(name=""))])
        mapping[command.word()] = place["$ref"]
    schemas[name] = {
        "oneOf": [{"$ref": place} for place in mapping.values()],
        "discriminator": {"propertyName": "cmd", "mapping": mapping},
    }
    return schemas


def _finish(command: type[Command[Any]], schema: dict[str, Any]) -> None:
    """What a class alone does not say: the word, the seconds, the confirmation, and how dangerous it is."""
    life, danger = LIVES[command.danger], command.danger
    properties = schema["properties"]
    if properties.pop(MORE, None) is not None:
        # fields that nobody described stand beside its own
        schema["additionalProperties"] = True
    ttl = {"type": "integer", "minimum": life.least, "maximum": life.most, "default": life.default}
    confirm = {"type": "string", "maxLength": _MOST_TEXT, "description": "the terminal's serial number"}
    schema["properties"] = {"cmd": {"const": command.word()}, **properties, "ttl": ttl, "confirm": confirm}
    needed = ["confirm"] if danger is Danger.DESTRUCTIVE else []
    schema["required"] = ["cmd", *schema.get("required", []), *needed]
    schema["x-danger"] = danger.value
    schema["x-ttl"] = {"least": life.least, "most": life.most, "default": life.default}
    schema["x-admin-only"] = command.admin_only
    schema["x-core"] = command.core
    schema["description"] = " ".join([*_words(command, schema.get("description", ""))])


def _words(command: type[Command[Any]], told: str) -> list[str]:
    life = LIVES[command.danger]
    words = [told] if told else []
    words.append(f"Danger: {command.danger.value}. Lives {life.default} s ({life.least} to {life.most}).")
    if command.danger is Danger.DESTRUCTIVE:
        words.append("Has to be confirmed by the serial number.")
    if command.admin_only:
        words.append("Only for role admin.")
    if not command.core:
        words.append("Experimental: only for terminals whose model profile allows it.")
    return words
