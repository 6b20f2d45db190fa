"""How a server fares, as the pages of the system are told."""

from __future__ import annotations

from typing import Any

from tfserver.health import ArchiveVitals, Process, Processes, Told
from tfserver.store.vitals import Beat, Measured, StoreVitals

OWN = "gate-1/0af30af3"


def some_processes() -> Processes:
    """This one alone, at ease."""
    told = Told(OWN, "0.1.0", 3600.0, 3, 2, 1, 0.01, 200 << 20, 1024 << 20, 0.2)
    return Processes([Process(OWN, Beat(OWN, 1500, 2), told)], OWN, True)


def a_store(**other: Any) -> StoreVitals:
    """A store that takes writes."""
    known: dict[str, Any] = {
        "address": "redis://store.example:6379",
        "problem": "",
        "software": "valkey 9.1.0",
        "durability": "always",
        "wanted": "always",
        "acknowledge": "local",
        "generation": 1,
        "lineage": "8e5f",
        "measured": Measured(300 << 20, 1024 << 20, True, "", 0, 9, 86_400),
    }
    return StoreVitals(**{**known, **other})


def an_archive(**other: Any) -> ArchiveVitals:
    """An archive that has everything."""
    known: dict[str, Any] = {
        "description": "sqlite /var/lib/tfserver/archive.sqlite",
        "problem": "",
        "is_up": True,
        "lag": 0,
        "lag_seconds": 0.0,
        "keep_days": {},
        "stream_hours": 72,
    }
    return ArchiveVitals(**{**known, **other})
