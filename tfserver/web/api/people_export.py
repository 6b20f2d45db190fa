"""Everybody in the directory as a file: CSV for spreadsheets, or one JSON object a line. What comes out can
be sent to ``/imports`` again; no credential is in it."""

from __future__ import annotations

from typing import Final

import msgspec

from tfserver.people.importing import PLAIN, TOLD, cell, flat
from tfserver.person import Known
from tfserver.store.archive.forms import Form, csv_lines
from tfserver.store.people.directory import PEOPLE_A_CALL, Directory
from tfserver.web import exports
from tfserver.web.answer import Answer, Streamed
from tfserver.web.call import Call
from tfserver.web.formats import media_of

HEADINGS: Final = (*PLAIN, *TOLD)
_LINE: Final = msgspec.json.Encoder()


class PeopleExport:
    """People by number, of a group alone if one is named."""

    def __init__(self, directory: Directory, form: Form, group: str) -> None:
        self._directory = directory
        self._form = form
        self._group = group
        self._after = 0
        self._is_over = False

    async def open(self, after: str) -> None:
        """Begin behind a number."""
        self._after = int(after or 0)

    async def next(self) -> bytes | None:
        """The next lines, None behind the last."""
        if self._is_over:
            return None
        found = await self._directory.page(self._after, PEOPLE_A_CALL, self._group)
        self._is_over = len(found) < PEOPLE_A_CALL
        if not found:
            return None
        self._after = found[-1].person.enrollid
        return lines_of(self._form, found)


def head_of(form: Form) -> bytes:
    """What stands before all people."""
    return ",".join(HEADINGS).encode() + b"\r\n" if form is Form.CSV else b""


def lines_of(form: Form, found: list[Known]) -> bytes:
    """A line for each person."""
    rows = [flat(known) for known in found]
    if form is Form.NDJSON:
        return b"".join(_LINE.encode(row) + b"\n" for row in rows)
    return csv_lines(HEADINGS, ({name: cell(value) for name, value in row.items()} for row in rows))


async def export(call: Call, form: Form, group: str) -> Answer | Streamed:
    """All people there are, or all of a group."""
    name = f'attachment; filename="people.{form.value}"'
    if call.is_head:
        return Answer(b"", headers={"Content-Disposition": name}, media=media_of(form))
    found = PeopleExport(call.sources.people.directory, form, group)
    headers = {"Content-Disposition": name, "Content-Type": media_of(form)}
    return await exports.send(call, found, "", head_of(form), headers)
