"""A snapshot, its file and giving it back, as the pages show them."""

from __future__ import annotations

from typing import Any

from tests.web.samples import AT, SN
from tfserver.store.people.restorations import Refusal, Restoration, Step
from tfserver.store.people.snapshots import Snapshot, SnapshotState


def a_snapshot(**more: Any) -> Snapshot:
    """A whole one of two people."""
    told: dict[str, Any] = {"id": "s1", "sn": SN, "actor": "token a", "made": AT, "people": 2}
    told.update(state=SnapshotState.DONE, credentials={"card": 2})
    return Snapshot(**{**told, **more})


def a_restoration(**more: Any) -> Restoration:
    """One that could not bring over a finger."""
    told: dict[str, Any] = {"id": "r1", "sn": SN, "actor": "token a", "made": AT, "snapshot": "s1"}
    refusals = (Refusal(7, 0, "made with thbio1.0"),)
    steps = (Step("settings", "done", "2 written"),)
    return Restoration(steps=steps, refused=1, refusals=refusals, **{**told, **more})


class Chunks:
    """A file on its way out."""

    def __init__(self) -> None:
        self._left = [b"sealed ", b"bytes"]

    async def open(self, after: str) -> None:
        """Begin."""

    async def next(self) -> bytes | None:
        """What comes next."""
        return self._left.pop(0) if self._left else None
