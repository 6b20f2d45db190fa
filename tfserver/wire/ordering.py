"""From a word and fields as people give them to a command, or to what is wrong with them, field by field."""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, Generic

import msgspec

from tfserver import privacy
from tfserver.wire.expectation import expected, type_at, words_of
from tfserver.wire.message import Command, Problems, Profile, R
from tfserver.wire.table import vocabulary

MORE: Final = "(more)"
"""The name of no field: under it a class keeps those that nobody described."""
RESERVED: Final = frozenset({"cmd", "ret", "result", "reason", "msg", "sn", "stn"})
"""What every message may have: these are never settings."""
MOST_MORE: Final = 100
_GOT: Final = re.compile(r", got `(\w+)`")
_KINDS: Final = {
    "str": "text",
    "int": "a whole number",
    "float": "a number with a fraction",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
_MOST_WORD: Final = 64
_NOT_INSIDE: Final = "expected no password, card or picture inside it: only those beside cmd are sealed"


class OpenCommand(Command[R], Generic[R]):
    """A command that also takes fields nobody described, flat beside its own."""

    more: dict[str, Any] = msgspec.field(default_factory=dict, name=MORE)

    def fields(self) -> dict[str, Any]:
        """The fields that were given, all side by side."""
        found = super().fields()
        more = found.pop(MORE)
        return {**found, **more}

    def problems(self, profile: Profile) -> Problems:
        """What would change the message itself, or is too much for one."""
        told = "expected another name; this one is part of every message"
        found = [(name, told) for name in self.more if name in RESERVED]
        found += [(name, _NOT_INSIDE) for name, value in self.more.items() if _hides_private(value)]
        if len(self.more) > MOST_MORE:
            found.append(("cmd", f"expected at most {MOST_MORE} fields that nobody described"))
        return found


def decode(word: Any, fields: Any, profile: Profile) -> tuple[Command[Any] | None, Problems]:
    """A command, or None and all that is wrong: fields, and what was expected there. Never raises.

    ``fields`` is a JSON object, flat as on the wire; a ``cmd`` in it says no more than ``word``. No value of
    a field is ever told again: it may be a password.
    """
    kind, problems = _kind(word, profile)
    if kind is None:
        return None, problems
    if not isinstance(fields, dict):
        return None, [("cmd", "expected an object with the fields of the command beside it")]
    if problems := _unwritable(fields):
        return None, problems
    try:
        command = _filled(kind, fields)
    except msgspec.ValidationError:
        return None, _explained(kind, fields)
    problems = command.problems(profile)
    return (None, problems) if problems else (command, [])


def restored(word: str, fields: Mapping[str, Any]) -> Command[Any]:
    """A command from the fields it was accepted with. Raises LookupError or msgspec.ValidationError where the
    vocabulary is another one by now."""
    kind = vocabulary.find(word)
    if kind is None:
        raise LookupError(f"{word} is no command")
    return _filled(kind, fields)


def _kind(word: Any, profile: Profile) -> tuple[type[Command[Any]] | None, Problems]:
    if not isinstance(word, str):
        return None, [("cmd", "expected the word of a command")]
    kind = vocabulary.find(word)
    if kind is None:
        return None, [("cmd", _unknown(word))]
    if not kind.core and word not in profile.allow:
        return None, [("cmd", _not_allowed(word))]
    return kind, []


def _unknown(word: str) -> str:
    known = [kind.word() for kind in vocabulary]
    close = difflib.get_close_matches(word.strip().lower()[:_MOST_WORD], known, n=3)
    return f"unknown command; did you mean {' or '.join(close)}?" if close else "unknown command"


def _not_allowed(word: str) -> str:
    return (
        f"{word} is experimental: not every model knows it. List it under profiles.<name>.allow in the "
        "configuration, and give that name to the terminal as its model_profile"
    )


def _filled(kind: type[Command[Any]], fields: Mapping[str, Any]) -> Command[Any]:
    given = {name: value for name, value in fields.items() if name != "cmd"}
    if issubclass(kind, OpenCommand):
        own = _own(kind)
        more = {name: value for name, value in given.items() if name not in own}
        given = {**{name: value for name, value in given.items() if name in own}, MORE: more}
    found: Command[Any] = msgspec.convert(given, kind)
    return found


@functools.cache
def _own(kind: type[Command[Any]]) -> dict[str, msgspec.structs.FieldInfo]:
    """The described fields of a command by their names on the wire."""
    found = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    found.pop(MORE, None)
    return found


def _explained(kind: type[Command[Any]], fields: Mapping[str, Any]) -> Problems:
    """Everything that is wrong with the types, not only the first of it."""
    found = [*_wrong(kind, fields), *_missing(kind, fields)]
    return found or [("cmd", "expected fields that make a command together")]


def _wrong(kind: type[Command[Any]], fields: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    own = _own(kind)
    for name, value in fields.items():
        if name in own:
            yield from _judged(name, value, own[name].type)
        elif issubclass(kind, OpenCommand):
            yield from _judged_more(kind, name, value)
        elif name != "cmd":
            known = f"known here: {', '.join(own)}" if own else "this command has no fields"
            yield str(name), f"unknown field; {known}"


def _missing(kind: type[Command[Any]], fields: Mapping[str, Any]) -> Problems:
    return [
        (name, f"missing; expected {expected(field.type)}")
        for name, field in _own(kind).items()
        if field.required and name not in fields
    ]


def _judged(name: str, value: Any, annotation: Any) -> Problems:
    try:
        msgspec.convert(value, annotation)
    except msgspec.ValidationError as wrong:
        return [_told(name, str(wrong), annotation)]
    return []


def _judged_more(kind: type[Command[Any]], name: str, value: Any) -> Problems:
    """One of the fields that nobody described."""
    annotation = next(field.type for field in msgspec.structs.fields(kind) if field.encode_name == MORE)
    try:
        msgspec.convert({name: value}, annotation)
    except msgspec.ValidationError as wrong:
        if "- at `key`" in str(wrong):
            return [(name, "expected the name of a setting: letters, digits and _")]
        return [(name, f"expected {words_of(type_at(annotation, '[...]'))}")]
    return []


def _told(name: str, wrong: str, annotation: Any) -> tuple[str, str]:
    """msgspec's words and path as ours: ``$[3].name`` below ``record`` is ``record[3].name``."""
    what, _, where = wrong.partition(" - at `$")
    path = where.removesuffix("`")
    here = type_at(annotation, path)
    if what.startswith("Object missing required field"):
        inner = what.split("`")[1]
        path = f"{path}.{inner}"
        return f"{name}{path}", f"missing; expected {words_of(type_at(annotation, path))}"
    if what.startswith("Object contains unknown field"):
        return f"{name}{path}.{what.split('`')[1]}", f"unknown field; expected {words_of(here)}"
    got = _GOT.search(what)
    return f"{name}{path}", f"expected {words_of(here)}" + (f", got {_KINDS[got[1]]}" if got else "")


def _hides_private(value: Any) -> bool:
    inner = value if isinstance(value, list) else [value]
    return any(privacy.is_private(name) for one in inner if isinstance(one, dict) for name in one)


def _unwritable(fields: Mapping[str, Any]) -> Problems:
    """Half letters, which texts in Python may hold and UTF-8 may not, and nesting without end."""
    if _is_writable(fields):
        return []
    told = "expected text that UTF-8 can write, not too deep inside"
    return [
        (str(name).encode("utf-8", "replace").decode(), told)
        for name, value in fields.items()
        if not _is_writable({name: value})
    ]


def _is_writable(fields: Mapping[str, Any]) -> bool:
    try:
        msgspec.json.encode(fields)
    except (UnicodeEncodeError, RecursionError):
        return False
    return True
