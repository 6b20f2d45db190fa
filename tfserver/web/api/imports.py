"""``/imports``: people from a file, brought into the directory behind the answer."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

import msgspec

from tfserver.people.imports import Importing
from tfserver.people.tabular import Unreadable
from tfserver.store.people.imports import (
    MOST_KEPT,
    MOST_TOLD,
    Asked,
    Import,
    OtherImport,
    RowError,
    TooManyImports,
)
from tfserver.web.answer import Answer
from tfserver.web.body import given_media
from tfserver.web.call import Call
from tfserver.web.formats import CSV, FORMS, NDJSON
from tfserver.web.problem import Problem, bad_fields, bad_input
from tfserver.web.query import Parameter, integer

MOST_BYTES: Final = 32 * 1024 * 1024
PATH: Final = "/api/v1/imports"


def _one_of(name: str, told: str, *allowed: str) -> Parameter:
    def read(given: str) -> str:
        """One of the words."""
        if given not in allowed:
            raise ValueError(f"expected {' or '.join(allowed)}")
        return given

    schema = {"type": "string", "enum": list(allowed), "default": allowed[0]}
    return Parameter(name, told, schema, read, allowed[0])


PARAMETERS: Final = (
    _one_of("dry_run", "true: say what would come of it, and change nothing", "false", "true"),
    _one_of("on_error", "what to do at a row that is wrong: pass over it, or stop there", "skip", "stop"),
)
LISTING: Final = (integer("limit", "how many imports", 1, MOST_KEPT, 100),)
ERRORS: Final = (
    integer("after", "only errors behind so many", 0, MOST_TOLD, 0),
    integer("limit", "how many errors", 1, MOST_TOLD, 100),
)


class PeopleFile:
    """A file with people: CSV or one JSON object a line."""

    most_bytes = MOST_BYTES
    name = "People_file"
    media = (CSV, NDJSON)

    def read(self, data: bytes) -> bytes:
        """As it came: rows are read later."""
        if not data:
            raise bad_input("body", "expected a file with people")
        return data


class ImportList(msgspec.Struct, frozen=True):
    """Imports, newest first."""

    imports: list[Import]


class ImportReport(Import, frozen=True, kw_only=True):
    """An import with what is wrong with its rows, in their order: of the first thousand errors those that
    were asked for. ``wrong`` counts all rows."""

    errors: list[RowError]


async def begin(call: Call) -> Answer:
    """Take a file."""
    query, data = call.query, call.body
    form = FORMS[given_media(call.header("Content-Type"))]
    asked = Asked(call.actor, form, query["dry_run"] == "true", query["on_error"])
    try:
        made = await _imports(call).begin(asked, data, call.key)
    except Unreadable as wrong:
        raise bad_fields(wrong.errors) from wrong
    except OtherImport as why:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(why)) from why
    except TooManyImports as why:
        raise Problem(HTTPStatus.TOO_MANY_REQUESTS, str(why)) from why
    await call.note("done", {"import": made.id, "rows": made.rows, "dry_run": made.dry_run})
    return Answer(made, HTTPStatus.ACCEPTED, {"Location": f"{PATH}/{made.id}"})


async def listing(call: Call) -> ImportList:
    """The newest imports."""
    return ImportList(await _imports(call).listing(call.query["limit"]))


async def one(call: Call) -> ImportReport:
    """How far an import is, and what is wrong with its rows; Problem 404."""
    found = await _found(call)
    errors = await _imports(call).errors(found.id, call.query["after"], call.query["limit"])
    return ImportReport(**msgspec.structs.asdict(found), errors=errors)


async def cancel(call: Call) -> Answer:
    """Bring in no more rows; Problem 404, 409 when it is over."""
    found = await _found(call)
    if not await _imports(call).cancel(found.id):
        raise Problem(HTTPStatus.CONFLICT, f"import {found.id} is over: {found.state.value}")
    await call.note("done", {"import": found.id})
    return Answer(status=HTTPStatus.NO_CONTENT)


async def _found(call: Call) -> Import:
    found = await _imports(call).get(call.path["id"])
    if found is None:
        raise Problem(HTTPStatus.NOT_FOUND, f"there is no import {call.path['id']}")
    return found


def _imports(call: Call) -> Importing:
    people: Any = call.sources.people
    found: Importing = people.imports
    return found
