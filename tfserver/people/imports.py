"""Taking files with people, and telling how far their import is; ``entering`` brings their rows in."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from tfserver.errors import StoreError
from tfserver.people.importing import head_problems
from tfserver.people.tabular import SLICE, Table
from tfserver.store.archive.forms import Form
from tfserver.store.errands import Errands
from tfserver.store.people.imports import Asked, Import, Imports, ImportState, RowError

PIECE: Final = 8 * SLICE
"""Characters that are sealed and sent to the store together: a millisecond."""
LOOK_SECONDS: Final = 5.0
KIND: Final = "import"
_TOO_LATE: Final = "it took too long until the import was here; send it again"


class Importing:
    """All imports, as those see them who begin and watch them."""

    def __init__(self, reactor: Any, imports: Imports, errands: Errands) -> None:
        self._reactor = reactor
        self._imports = imports
        self._errands = errands

    async def begin(self, asked: Asked, data: bytes, key: str = "") -> Import:
        """Take a file; its rows are brought in afterwards. What was begun under this idempotency key comes
        back as it is. Raises tabular.Unreadable, TooManyImports, OtherImport."""
        rows, digest = await self._checked(asked, data)
        import_id, wrapped = await self._imports.begin(asked, key, digest)
        if wrapped:
            try:
                await self._send(import_id, wrapped, asked.form, data)
                if not await self._imports.ready(import_id, rows, len(data)):
                    raise StoreError(_TOO_LATE)
            except BaseException:
                Deferred.fromCoroutine(self._imports.drop(import_id)).addErrback(lambda _: None)
                raise
            await self._errands.add(import_id)
        found = await self._imports.get(import_id)
        if found is None:
            raise StoreError("the import was forgotten at once")
        return found

    async def get(self, import_id: str) -> Import | None:
        """How far one is, or None."""
        return await self._imports.get(import_id)

    async def listing(self, limit: int) -> list[Import]:
        """The newest first."""
        return await self._imports.listing(limit)

    async def errors(self, import_id: str, after: int, limit: int) -> list[RowError]:
        """What is wrong with its rows, behind the first ``after`` of those."""
        return await self._imports.errors(import_id, after, limit)

    async def cancel(self, import_id: str) -> bool:
        """Bring in no more rows; what came in stays. False when it was over."""
        return await self._imports.end(import_id, ImportState.CANCELLED, "somebody cancelled it")

    async def _checked(self, asked: Asked, data: bytes) -> tuple[int, str]:
        """How many rows there are, when all can be told apart, and what is the same for the same file."""
        table, digest = Table(asked.form, head_problems), hashlib.sha256()
        async for text in self._texts(table, data):
            table.feed(text)
            digest.update(text.encode())
        table.end()
        return table.rows, digest.hexdigest()

    async def _send(self, import_id: str, wrapped: str, form: Form, data: bytes) -> None:
        # before it is whole, so that nobody's death leaves it without anybody who looks at it
        await self._errands.add(import_id, seconds=LOOK_SECONDS)
        number, waiting = 0, ""
        async for text in self._texts(Table(form, head_problems), data):
            waiting += text
            if len(waiting) >= PIECE:
                number += 1
                await self._put(import_id, wrapped, number, waiting)
                waiting = ""
        await self._put(import_id, wrapped, number + 1, waiting)

    async def _put(self, import_id: str, wrapped: str, number: int, text: str) -> None:
        if not await self._imports.put_piece(import_id, wrapped, number, text):
            raise StoreError(_TOO_LATE)

    async def _texts(self, table: Table, data: bytes) -> AsyncIterator[str]:
        """The pieces of a file as text; between two of them others have their turn."""
        for start in range(0, max(1, len(data)), SLICE):
            yield table.text(data[start : start + SLICE], start + SLICE >= len(data))
            await deferLater(self._reactor, 0)
