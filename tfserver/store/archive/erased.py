"""Who was erased, remembered beside the punches: a store brought back from a backup does not know it."""

from __future__ import annotations

from typing import Final, NamedTuple

import sqlalchemy as sa

from tfserver.store.archive.meta import remember
from tfserver.store.archive.tables import META

ERASED: Final = "erased:"
"""Beginning of a name in ``meta``; the person's number follows. The value: the erasure's id, when (ms)."""


class Erased(NamedTuple):
    """The last erasure of a person: its id, and when it was ordered (ms)."""

    enrollid: int
    id: str
    ordered: int


def note(connection: sa.Connection, erased: Erased) -> None:
    """Remember one; the last of a person counts."""
    remember(connection, f"{ERASED}{erased.enrollid}", f"{erased.id} {erased.ordered}")


def noted(connection: sa.Connection) -> list[Erased]:
    """All that are remembered."""
    return [_erased(name, value) for name, value in rows(connection)]


def rows(connection: sa.Connection) -> list[tuple[str, str]]:
    """The same as names and values."""
    asked = sa.select(META.c.name, META.c.value).where(META.c.name.startswith(ERASED, autoescape=True))
    return [(name, value) for name, value in connection.execute(asked)]


def forget(connection: sa.Connection, before_ms: int) -> int:
    """Forget those that were ordered before this moment; how many."""
    old = [one for one in noted(connection) if one.ordered < before_ms]
    for one in old:
        connection.execute(sa.delete(META).where(META.c.name == f"{ERASED}{one.enrollid}"))
    return len(old)


def _erased(name: str, value: str) -> Erased:
    erasure_id, _, ordered = value.partition(" ")
    return Erased(int(name.removeprefix(ERASED)), erasure_id, int(ordered))
