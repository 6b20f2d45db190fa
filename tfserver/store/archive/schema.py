"""The tables come from one version to the next: by Alembic, in one transaction, one process at a time."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from tfserver.errors import ArchiveUnavailable, StartError
from tfserver.store.archive.meta import remember, remembered
from tfserver.store.archive.writing import PLACE

ID: Final = "id"
"""The name in the table ``meta`` of the random id that this database has for ever."""
_SCRIPTS: Final = Path(__file__).parent / "migrations"
_LOCK: Final = 7_788_778_877
"""Number of the advisory lock in PostgreSQL."""


def prepare(connection: sa.Connection) -> str:
    """Make or renew the tables, in the transaction of the caller; the id of the database. StartError for one
    that a newer tfserver made."""
    if connection.dialect.name == "postgresql":
        _refuse_encoding(connection)
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    _migrate(connection)
    found = remembered(connection, ID)
    if found is None:
        found = uuid.uuid4().hex
        remember(connection, ID, found)
        remember(connection, PLACE, "0-0")
    return found


def _refuse_encoding(connection: sa.Connection) -> None:
    encoding = connection.exec_driver_sql("SHOW server_encoding").scalar()
    if encoding != "UTF8":
        raise StartError(f"the archive's database has the encoding {encoding}: create one with UTF8")


def _migrate(connection: sa.Connection) -> None:
    # Alembic takes a tenth of a second to import: nobody else needs it.
    from alembic import command
    from alembic.config import Config
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    scripts = ScriptDirectory.from_config(config)
    found = MigrationContext.configure(connection).get_current_revision()
    if found == scripts.get_current_head():
        return
    if found is not None and found not in {script.revision for script in scripts.walk_revisions()}:
        raise StartError(
            f"the archive has schema {found}, which a newer tfserver made; this one knows up to "
            f"{scripts.get_current_head()}"
        )
    if found is None and sa.inspect(connection).has_table("punches"):
        raise ArchiveUnavailable("there is a table 'punches' that tfserver did not make: give it a database")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
