"""What stands in the archive, read as an integrator reads it: with SQL and without tfserver."""

from __future__ import annotations

import sqlite3
from collections import Counter
from typing import Any, Final

import psycopg

from tests.real.simulator import Key, key_of

COLUMNS: Final = ("ms", "seq", "uid", "sn", "enrollid", "device_time", "mode", "inout", "event")
_QUERY: Final = (
    'SELECT ms, seq, uid, sn, enrollid, device_time, mode, "inout", event FROM punches ORDER BY ms, seq'
)


def archived(url: str) -> list[dict[str, Any]]:
    """All punches in the order of arrival, each with its place as ``id``."""
    if url.startswith("postgresql:"):
        with psycopg.connect(url) as connection:
            rows = connection.execute(_QUERY).fetchall()
    else:
        database = sqlite3.connect(f"file:{url.removeprefix('sqlite:///')}?mode=ro", uri=True, timeout=20)
        try:
            rows = database.execute(_QUERY).fetchall()
        finally:
            database.close()
    found = [dict(zip(COLUMNS, row, strict=True)) for row in rows]
    return [{**row, "id": f"{row['ms']}-{row['seq']}"} for row in found]


def archive_faults(acked: Counter[Key], feed: list[dict[str, Any]], url: str) -> dict[str, Any]:
    """What is wrong with the archive, compared with what terminals were told and what the feed says; empty
    when it is right. The feed may begin late: what stands before it is then only archived."""
    rows = archived(url)
    keys, uids = Counter(key_of(row) for row in rows), Counter(row["uid"] for row in rows)
    told, kept = ([(row["id"], row["uid"]) for row in some] for some in (feed, rows))
    wrong = {
        "acknowledged and not archived": sum(key not in keys for key in acked),
        "twice": sum(count > 1 for count in [*keys.values(), *uids.values()]),
        "feed and archive differ": sorted({*told} ^ {*kept})[:5],
        "another order": sorted(told) == sorted(kept) and told != kept,
    }
    return {what: found for what, found in wrong.items() if found}
