"""The first tables: punches, terminals, people, and what the archive remembers of itself."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    # Names are compared by their bytes: the rules of a language would only make their indexes slower.
    text: Any = sa.Text(collation="C") if is_postgresql else sa.Text()
    instant: Any = sa.DateTime(timezone=True) if is_postgresql else sa.Text()
    json: Any = sa.JSON() if is_postgresql else sa.Text()
    _create_punches(text, instant, json)
    op.create_index("punches_uid", "punches", ["uid"], unique=True)
    for first in ("enrollid", "sn", "site"):
        op.create_index(f"punches_{first}_utc", "punches", [first, "utc"])
    op.create_index("punches_utc", "punches", ["utc"])
    _index_doubted()
    _create_small_tables(text, instant)


def _create_punches(text: Any, instant: Any, json: Any) -> None:
    op.create_table(
        "punches",
        sa.Column("ms", sa.BigInteger, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("uid", text, nullable=False),
        sa.Column("sn", text, nullable=False),
        sa.Column("site", text, nullable=False),
        sa.Column("kind", text, nullable=False),
        sa.Column("enrollid", sa.BigInteger),
        sa.Column("external_id", sa.Text),
        sa.Column("device_time", sa.Text),
        sa.Column("time", sa.Text),
        sa.Column("utc", instant),
        sa.Column("offset_ms", sa.BigInteger),
        sa.Column("received", instant),
        sa.Column("mode", sa.BigInteger),
        sa.Column("verify", sa.Text),
        sa.Column("inout", sa.BigInteger),
        sa.Column("event", sa.BigInteger),
        sa.Column("temp", sa.Double),
        sa.Column("clock", sa.Text),
        sa.Column("extra", json),
        sa.Column("direction", sa.Text),
        sa.Column("repeat_of", text),
        sa.Column("body", sa.Text),
        sa.PrimaryKeyConstraint("ms", "seq"),
        # the order of arrival is the order on disk
        sqlite_with_rowid=False,
    )


def _index_doubted() -> None:
    """Few, and asked for in the order of arrival."""
    doubted = sa.text("clock <> 'ok'")
    where: Any = {"sqlite_where": doubted, "postgresql_where": doubted}
    op.create_index("punches_doubted", "punches", ["ms", "seq"], **where)


def _create_small_tables(text: Any, instant: Any) -> None:
    op.create_table(
        "terminals",
        sa.Column("sn", text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("site", sa.Text, nullable=False),
        sa.Column("timezone", sa.Text),
        sa.Column("first_seen", instant),
        sa.Column("changed", instant),
    )
    op.create_table(
        "people",
        sa.Column("enrollid", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("external_id", sa.Text),
        sa.Column("since", instant),
    )
    op.create_table("meta", sa.Column("name", text, primary_key=True), sa.Column("value", sa.Text))
