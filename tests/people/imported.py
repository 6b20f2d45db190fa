"""Files of people for a real store, and one process that brings them in."""

from __future__ import annotations

from typing import Any

from twisted.internet import reactor

from tests.gateway.stand_ins import Face
from tests.store.people.listed import DirectoryCase
from tfserver.people.entering import Entering, Means
from tfserver.people.imports import KIND, Importing
from tfserver.pressure import Pressure
from tfserver.store.archive.forms import Form
from tfserver.store.errands import Errands
from tfserver.store.people.imports import Asked, Import, Imports

DAYS = 90


def table(*rows: str, head: str = "enrollid;name") -> bytes:
    """A file of a spreadsheet."""
    return "".join(f"{row}\r\n" for row in (head, *rows)).encode()


def asked(form: Form = Form.CSV, *, dry_run: bool = False, on_error: Any = "skip") -> Asked:
    """What somebody wants of a file."""
    return Asked("token a", form, dry_run, on_error)


class ImportCase(DirectoryCase):
    """One process that takes files and brings them in."""

    async def begin_all(self) -> None:
        """All faces."""
        await self.begin()
        self.imports = Imports(self.client, self.vault, DAYS)
        self.errands = Errands(self.client, KIND)
        self.importing = Importing(reactor, self.imports, self.errands)
        self.continuous = Face(touch=None)
        stores = (self.imports, self.directory, self.groups, self.vault)
        self.means = Means(reactor, *stores, Pressure(), self.continuous.touch)

    async def take(self, data: bytes, wanted: Asked | None = None) -> Import:
        """Take a file, without bringing it in."""
        return await self.importing.begin(wanted or asked(), data)

    async def brought(self, data: bytes, wanted: Asked | None = None) -> Import:
        """Bring a file in, and say what came of it."""
        return await self.done((await self.take(data, wanted)).id)

    async def done(self, import_id: str) -> Import:
        """Do it to its end."""
        self.assertIsNone(await Entering(self.means).do(import_id))
        return await self.now(import_id)

    async def now(self, import_id: str) -> Import:
        """As it stands."""
        found = await self.importing.get(import_id)
        assert found is not None
        return found

    async def wrong(self, import_id: str) -> list[tuple[int, str]]:
        """Rows that are wrong, and where."""
        return [(one.row, one.field) for one in await self.importing.errors(import_id, 0, 1000)]

    async def names(self) -> dict[int, str]:
        """Everybody's name."""
        return {one.person.enrollid: one.person.name for one in await self.directory.page(0, 10_000)}

    def counts(self, found: Import) -> tuple[int, int, int, int]:
        """What came of its rows."""
        return found.made, found.changed, found.same, found.wrong
