"""The tables as questions are asked of them; ``migrations`` makes them (docs/archive.md is the contract)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from tfserver.model import rfc3339


class Instant(sa.types.TypeDecorator[str]):
    """An instant in UTC: RFC 3339 text with milliseconds for us and for SQLite, timestamptz in PostgreSQL."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> Any:
        """The type that the database has for it."""
        has_type = dialect.name == "postgresql"
        return dialect.type_descriptor(sa.DateTime(timezone=True) if has_type else sa.Text())

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> Any:
        """What the database is told."""
        if value is None or dialect.name != "postgresql":
            return value
        return datetime.fromisoformat(value)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> str | None:
        """What we read."""
        return rfc3339(value) if isinstance(value, datetime) else value


class JsonText(sa.types.TypeDecorator[str]):
    """JSON as the very text that came: ``json`` in PostgreSQL, text in SQLite."""

    impl = sa.Text
    cache_ok = True

    def column_expression(self, column: Any) -> Any:
        """Read as text."""
        return sa.cast(column, sa.Text)


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def instant_of(ms: int) -> str:
    """Milliseconds since 1970 as the text of an instant, within what such texts can say."""
    try:
        return rfc3339(_EPOCH + timedelta(milliseconds=ms))
    except OverflowError:
        return rfc3339(datetime.max.replace(tzinfo=UTC) if ms > 0 else datetime.min.replace(tzinfo=UTC))


METADATA: Final = sa.MetaData()

PUNCHES: Final = sa.Table(
    "punches",
    METADATA,
    sa.Column("ms", sa.BigInteger, primary_key=True),
    sa.Column("seq", sa.BigInteger, primary_key=True),
    sa.Column("uid", sa.Text),
    sa.Column("sn", sa.Text),
    sa.Column("site", sa.Text),
    sa.Column("kind", sa.Text),
    sa.Column("enrollid", sa.BigInteger),
    sa.Column("external_id", sa.Text),
    sa.Column("device_time", sa.Text),
    sa.Column("time", sa.Text),
    sa.Column("utc", Instant),
    sa.Column("offset_ms", sa.BigInteger),
    sa.Column("received", Instant),
    sa.Column("mode", sa.BigInteger),
    sa.Column("verify", sa.Text),
    sa.Column("inout", sa.BigInteger),
    sa.Column("event", sa.BigInteger),
    sa.Column("temp", sa.Double),
    sa.Column("clock", sa.Text),
    sa.Column("extra", JsonText),
    sa.Column("direction", sa.Text),
    sa.Column("repeat_of", sa.Text),
    sa.Column("body", sa.Text),
)
COLUMNS: Final = tuple(column.name for column in PUNCHES.columns)
"""The order of the values in a row of punches."""

TERMINALS: Final = sa.Table(
    "terminals",
    METADATA,
    sa.Column("sn", sa.Text, primary_key=True),
    sa.Column("name", sa.Text),
    sa.Column("site", sa.Text),
    sa.Column("timezone", sa.Text),
    sa.Column("first_seen", Instant),
    sa.Column("changed", Instant),
)

PEOPLE: Final = sa.Table(
    "people",
    METADATA,
    sa.Column("enrollid", sa.BigInteger, primary_key=True),
    sa.Column("external_id", sa.Text),
    sa.Column("since", Instant),
)

META: Final = sa.Table(
    "meta",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text),
)
