"""Rows of people as others write them: what each says, what is wrong with it, and what it makes of a person.

A column that is not there leaves things as they are, and an empty cell empties them; but credentials are only
ever given, never taken away. Nothing of what stands in a row is ever told.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from tfserver.commands.enrolling import SetUserInfo
from tfserver.commands.fields import name_problems, person_problems, slot_problems
from tfserver.config import ModelProfile
from tfserver.credentials import CARD, PASSWORD
from tfserver.people.checking import (
    Problems,
    bound_problems,
    external_id_problems,
    groups_problems,
    note_problems,
    order_problems,
)
from tfserver.people.tabular import Row, quoted
from tfserver.person import Access, Known, Person, Validity
from tfserver.store.people.names import plain_name

ZONES: Final = {
    "weekzone": "weekzone",
    "weekzone2": "weekzone2",
    "weekzone3": "weekzone3",
    "weekzone4": "weekzone4",
    "lock_group": "group",
}
"""Columns of a person's access, and what they are called there."""
SLOTS: Final = {"password": PASSWORD, "card": CARD}
PLAIN: Final = (
    *("enrollid", "name", "external_id", "admin", "valid_from", "valid_until", "groups"),
    *ZONES,
    "note",
)
"""What is written and read again."""
TOLD: Final = ("backupnums", "source", "created", "changed", "version")
"""What is only written: passed over in what is read."""
COLUMNS: Final = (*PLAIN, *SLOTS)
FIELDS: Final = (*COLUMNS, "credentials")
"""What JSON may have: photos and templates, too."""
MOST_ENROLLID: Final = 10**15 - 1
MOST_ZONE: Final = 255
_COLUMN: Final = re.compile(r"[a-z][a-z0-9_]{0,40}")
_NUMBER: Final = re.compile(r"[0-9]{1,25}", re.ASCII)


class Given(NamedTuple):
    """A credential of a row, and for a template where it was made."""

    backupnum: int
    record: str
    fpalgo: str = ""
    model: str = ""


class Change(NamedTuple):
    """What a row says of a person. ``fields`` are those of ``Person``, but ``begin`` and ``end`` of its
    validity and ``zones`` of its access stand alone; what is not in it stays as it is."""

    row: int
    enrollid: int
    fields: dict[str, Any]
    zones: dict[str, int | None]
    credentials: tuple[Given, ...]


class Wrong(NamedTuple):
    """What is wrong with a row. The field is empty for all of it."""

    row: int
    field: str
    message: str


def head_problems(columns: Sequence[str]) -> Problems:
    """What is wrong with the columns of a file. Only what looks like the name of one is told."""
    if "enrollid" not in columns:
        return [("enrollid", f"expected a first row that names the columns, some of {', '.join(COLUMNS)}")]
    found: Problems = []
    for place, column in enumerate(columns, 1):
        name = column if _COLUMN.fullmatch(column) else f"column {place}"
        if column not in (*COLUMNS, *TOLD):
            found.append((name, f"unknown column; there are {', '.join(COLUMNS)}"))
        elif column in columns[: place - 1]:
            found.append((name, "expected once"))
    return found


def enrollid_of(row: Row) -> int | None:
    """Whom a row is about, or None when it can't be told."""
    given = row.values.get("enrollid")
    if isinstance(given, str) and _NUMBER.fullmatch(given.strip()):
        given = int(given)
    if not isinstance(given, int) or isinstance(given, bool) or not 1 <= given <= MOST_ENROLLID:
        return None
    return None if person_problems("enrollid", given) else given


def read_row(row: Row) -> Change | list[Wrong]:
    """What a row says, or all that is wrong with it."""
    if row.wrong:
        return [Wrong(row.number, "", row.wrong)]
    found = _Row(row)
    found.read()
    if found.wrong:
        return [Wrong(row.number, field, message) for field, message in found.wrong]
    return Change(row.number, found.enrollid, found.fields, found.zones, tuple(found.given))


def merged(before: Person | None, change: Change) -> tuple[Person, Problems]:
    """A person as it is to be, and what is wrong with that."""
    person = before or Person(enrollid=change.enrollid, source="import")
    fields = dict(change.fields)
    validity = Validity(fields.pop("begin", person.validity.begin), fields.pop("end", person.validity.end))
    if "groups" in fields:
        fields["groups"] = tuple(sorted(set(fields["groups"])))
    access = _access(person.access, change.zones)
    person = msgspec.structs.replace(person, validity=validity, access=access, **fields)
    return person, order_problems("valid_until", validity)


def news(known: Known | None, change: Change, version_of: Callable[[str], str]) -> list[Given]:
    """The credentials of a change that the person does not have."""
    ours = {one.backupnum: one.version for one in known.credentials} if known else {}
    return [one for one in change.credentials if ours.get(one.backupnum) != version_of(one.record)]


def flat(known: Known) -> dict[str, Any]:
    """A person as a row: all that can be read again, then what is only told. No credential."""
    person, access = known.person, known.person.access
    zones = {column: getattr(access, name) if access else None for column, name in ZONES.items()}
    return {
        "enrollid": person.enrollid,
        "name": person.name,
        "external_id": person.external_id,
        "admin": person.admin,
        "valid_from": person.validity.begin,
        "valid_until": person.validity.end,
        "groups": list(person.groups),
        **zones,
        "note": person.note,
        "backupnums": [one.backupnum for one in known.credentials],
        "source": person.source,
        "created": person.created,
        "changed": person.changed,
        "version": person.version,
    }


def cell(value: Any) -> Any:
    """A value of ``flat`` for a spreadsheet."""
    if isinstance(value, list):
        value = " ".join(map(str, value))
    return quoted(value) if isinstance(value, str) else value


def _access(before: Access | None, zones: dict[str, int | None]) -> Access | None:
    if not zones:
        return before
    kept = msgspec.structs.asdict(before) if before else dict[str, int | None]()
    whole = {**kept, **zones}
    given = {name: value for name, value in whole.items() if value is not None}
    return Access(**given) if given else None


class _Row:
    """One row while it is read."""

    def __init__(self, row: Row) -> None:
        self._values = row.values
        self.enrollid = enrollid_of(row) or 0
        self.fields: dict[str, Any] = {}
        self.zones: dict[str, int | None] = {}
        self.given: list[Given] = []
        self.wrong: Problems = []

    def read(self) -> None:
        """Read each column."""
        self._check_names()
        if not self.enrollid:
            self.wrong.append(("enrollid", f"expected the number of a person, from 1 to {MOST_ENROLLID}"))
        self._take_text("name", name_problems)
        self._take_text("note", note_problems)
        self._take_name_of("external_id", "external_id", external_id_problems)
        self._take_name_of("valid_from", "begin", bound_problems)
        self._take_name_of("valid_until", "end", bound_problems)
        if "name" in self.fields:
            self.fields["name"] = plain_name(self.fields["name"])
        if "admin" in self._values:
            self.fields["admin"] = self._small("admin", 2) or 0
        for column, name in ZONES.items():
            if column in self._values:
                self.zones[name] = self._small(column, MOST_ZONE)
        self._take_groups()
        for column, backupnum in SLOTS.items():
            self._take_credential(column, backupnum, self._values.get(column))
        self._take_credentials()

    def _check_names(self) -> None:
        for name in self._values:
            if name not in (*FIELDS, *TOLD):
                told = name if _COLUMN.fullmatch(name) else "a field"
                self.wrong.append((told, f"unknown field; there are {', '.join(FIELDS)}"))

    def _take_text(self, column: str, check: Callable[[str, str], Problems]) -> None:
        """A text as it is, perhaps empty."""
        text = self._text(column)
        if text is not None:
            self.wrong += check(column, text)
            self.fields[column] = text

    def _take_name_of(self, column: str, field: str, check: Callable[[str, str], Problems]) -> None:
        """A text without spaces around it, or None for an empty one."""
        text = self._text(column)
        if text is not None:
            text = text.strip(" ")
            self.wrong += check(column, text) if text else []
            self.fields[field] = text or None

    def _text(self, column: str) -> str | None:
        if column not in self._values:
            return None
        given = self._values[column]
        if given is not None and not isinstance(given, str):
            self.wrong.append((column, "expected text"))
            return None
        return given or ""

    def _small(self, column: str, most: int) -> int | None:
        """A small number, None for nothing."""
        given = self._values[column]
        if isinstance(given, str) and _NUMBER.fullmatch(given.strip()):
            given = int(given)
        if given is None or (isinstance(given, str) and not given.strip()):
            return None
        if isinstance(given, int) and not isinstance(given, bool) and 0 <= given <= most:
            return given
        self.wrong.append((column, f"expected a whole number from 0 to {most}"))
        return None

    def _take_groups(self) -> None:
        if "groups" not in self._values:
            return
        given = self._values["groups"] or []
        names = re.split(r"[\s;]+", self._text("groups") or "") if isinstance(given, str) else given
        names = [name for name in names if name != ""] if isinstance(names, list) else [None]
        if all(isinstance(name, str) for name in names):
            self.wrong += groups_problems("groups", names)
            self.fields["groups"] = names
        else:
            self.wrong.append(("groups", "expected names, separated by spaces or semicolons, or a list"))

    def _take_credentials(self) -> None:
        given = self._values.get("credentials")
        if given is None:
            return
        if not isinstance(given, dict):
            self.wrong.append(("credentials", "expected an object: a record by its backupnum"))
            return
        for slot, one in given.items():
            if not _NUMBER.fullmatch(slot) or slot_problems("", int(slot)):
                self.wrong.append(("credentials", "expected a slot: 0-11, 20-27, 30-37, 40, 41, 50 or 51"))
                continue
            told = one if isinstance(one, dict) else {"record": one}
            extra = [told.get(name, "") for name in ("fpalgo", "model")]
            if not all(isinstance(text, str) and len(text) <= 64 and text.isprintable() for text in extra):
                self.wrong.append((f"credentials.{int(slot)}", "expected fpalgo and model as short texts"))
                continue
            self._take_credential(f"credentials.{int(slot)}", int(slot), told.get("record"), *extra)

    def _take_credential(
        self, field: str, backupnum: int, given: Any, fpalgo: str = "", model: str = ""
    ) -> None:
        if given is None or (isinstance(given, str) and not given.strip()):
            return
        if isinstance(given, bool) or not isinstance(given, int | str):
            self.wrong.append((field, "expected a number or text"))
            return
        record = given.strip() if isinstance(given, str) else given
        said = SetUserInfo(enrollid=self.enrollid or 1, backupnum=backupnum, record=record)
        problems = said.problems(ModelProfile())
        if problems:
            self.wrong += [(field, message) for _, message in problems]
        elif any(one.backupnum == backupnum for one in self.given):
            self.wrong.append((field, "expected once for each slot"))
        else:
            self.given.append(Given(backupnum, str(said.said("")["record"]), fpalgo, model))
