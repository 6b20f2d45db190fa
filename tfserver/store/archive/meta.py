"""What the archive remembers of itself: names and values."""

from __future__ import annotations

import sqlalchemy as sa

from tfserver.store.archive.rows import Place, place_of
from tfserver.store.archive.tables import META


def remembered(connection: sa.Connection, name: str) -> str | None:
    """A value, or None."""
    found: str | None = connection.execute(sa.select(META.c.value).where(META.c.name == name)).scalar()
    return found


def remember(connection: sa.Connection, name: str, value: str) -> None:
    """Set a value; the caller's transaction is the only one that writes this name."""
    if connection.execute(sa.update(META).where(META.c.name == name).values(value=value)).rowcount == 0:
        connection.execute(sa.insert(META).values(name=name, value=value))


def highest(connection: sa.Connection, beginning: str, ends: tuple[str, ...]) -> Place:
    """The highest of the places under names of one beginning, with one of these ends or (none given) any."""
    asked = sa.select(META.c.name, META.c.value).where(META.c.name.startswith(beginning, autoescape=True))
    places = [
        place_of(value)
        for name, value in connection.execute(asked)
        if not ends or name.removeprefix(beginning) in ends
    ]
    return max(places, default=Place(0, 0))
