"""An import of people, and a stand-in for who knows about imports."""

from __future__ import annotations

from typing import Any, Final

from tests.gateway.stand_ins import Face
from tfserver.store.archive.forms import Form
from tfserver.store.people.imports import Import, ImportState, RowError

IMPORT_ID: Final = "0af3"
AT: Final = "2026-04-02T08:15:04.000Z"


def an_import(**more: Any) -> Import:
    """One that waits."""
    told: dict[str, Any] = {
        "id": IMPORT_ID,
        "state": ImportState.WAITING,
        "actor": "token o",
        "form": Form.CSV,
        "dry_run": False,
        "on_error": "skip",
        "created": AT,
        "begun": None,
        "ended": None,
        "why": "",
        **dict.fromkeys(("bytes", "rows", "reached", "made", "changed", "same", "wrong", "told"), 0),
    }
    return Import(**{**told, **more})


def imports() -> Face:
    """One import, with one wrong row."""
    return Face(
        begin=an_import(),
        get=lambda import_id: an_import() if import_id == IMPORT_ID else None,
        listing=[an_import()],
        errors=[RowError(3, "card", "expected a number")],
        cancel=True,
    )
