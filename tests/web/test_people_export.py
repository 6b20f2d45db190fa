"""Everybody as a file."""

from __future__ import annotations

import json
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.gateway.stand_ins import Face
from tests.web.people import a_person
from tfserver.person import Credential, Known, Made
from tfserver.store.archive.forms import Form
from tfserver.store.people.directory import PEOPLE_A_CALL
from tfserver.web.api.people_export import PeopleExport, head_of


class ExportTests(SynchronousTestCase):
    """Over a directory of stand-ins."""

    def export(self, form: Form, many: int, group: str = "") -> bytes:
        """All pieces."""
        people = [
            Known(a_person(enrollid=n, name="=1+1"), (Credential(11, "secret", Made()),))
            for n in range(1, many + 1)
        ]

        def page(after: int, limit: int, _: str) -> list[Known]:
            """As the directory does it."""
            return [one for one in people if one.person.enrollid > after][:limit]

        self.directory = Face(page=page)
        directory: Any = self.directory
        found = PeopleExport(directory, form, group)
        data = head_of(form)
        while (piece := self.successResultOf(Deferred.fromCoroutine(found.next()))) is not None:
            data += piece
        return data

    def test_csv(self) -> None:
        """A heading and a row for each; no cell is a formula, and no credential is told."""
        head, first, *_ = self.export(Form.CSV, 3).decode().split("\r\n")
        columns = dict(zip(head.split(","), first.split(","), strict=True))
        self.assertEqual((columns["enrollid"], columns["name"], columns["backupnums"]), ("1", "'=1+1", "11"))
        self.assertNotIn("secret", first)

    def test_ndjson(self) -> None:
        """An object a line, as they are."""
        found = [json.loads(line) for line in self.export(Form.NDJSON, 2, "day").splitlines()]
        self.assertEqual([one["enrollid"] for one in found], [1, 2])
        self.assertEqual((found[0]["name"], found[0]["backupnums"]), ("=1+1", [11]))
        self.assertEqual(self.directory.asked("page")[0], (0, PEOPLE_A_CALL, "day"))

    def test_pages(self) -> None:
        """Everybody comes once, wherever pages end."""
        for many in (0, PEOPLE_A_CALL - 1, PEOPLE_A_CALL, PEOPLE_A_CALL + 1):
            self.assertEqual(len(self.export(Form.NDJSON, many).splitlines()), many)
