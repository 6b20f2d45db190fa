"""Many punches put straight into the archive's tables: by way of the feed they would take hours."""

from __future__ import annotations

import sqlite3
from typing import Final

import psycopg

from benchmarks.bodies import FIRST, PEOPLE, TERMINALS

A_DAY: Final = 9_000
"""Punches a day: 5,000 people for three years are ten million."""
_STEP: Final = 1_237
_A_TRANSACTION: Final = 500_000
_COLUMNS: Final = (
    "ms, seq, uid, sn, site, kind, enrollid, device_time, time, utc, offset_ms, received, mode, verify, "
    '"inout", event, clock, extra'
)
_POSTGRES: Final = f"""
WITH numbers AS (SELECT generate_series(%s::bigint, %s::bigint) AS n),
seconds AS (SELECT n, {FIRST} + n * 86400 / {A_DAY} AS s FROM numbers),
dated AS (SELECT n, s, to_timestamp(s) AT TIME ZONE 'UTC' AS t FROM seconds)
INSERT INTO punches ({_COLUMNS})
SELECT s * 1000 + 250, 0, md5(n::text), 'ZXBM' || lpad((n %% {TERMINALS})::text, 8, '0'),
    'plant ' || (n %% 7), 'punch', 1 + n * {_STEP} %% {PEOPLE}, to_char(t, 'YYYY-MM-DD HH24:MI:SS'),
    to_char(t, 'YYYY-MM-DD"T"HH24:MI:SS') || '+00:00', to_timestamp(s), 0, to_timestamp(s + 0.25), 8, 'face',
    n %% 2, 0, 'ok', '{{}}'
FROM dated
"""
_SQLITE: Final = f"""
WITH RECURSIVE numbers(n) AS (SELECT ?1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?2),
dated AS (SELECT n, {FIRST} + n * 86400 / {A_DAY} AS s FROM numbers)
INSERT INTO punches ({_COLUMNS})
SELECT s * 1000 + 250, 0, lower(hex(randomblob(16))), printf('ZXBM%08d', n % {TERMINALS}),
    'plant ' || (n % 7), 'punch', 1 + n * {_STEP} % {PEOPLE}, datetime(s, 'unixepoch'),
    strftime('%Y-%m-%dT%H:%M:%S+00:00', s, 'unixepoch'),
    strftime('%Y-%m-%dT%H:%M:%S.000Z', s, 'unixepoch'), 0,
    strftime('%Y-%m-%dT%H:%M:%S.250Z', s, 'unixepoch'), 8, 'face', n % 2, 0, 'ok', '{{}}'
FROM dated
"""


def fill(url: str, amount: int) -> None:
    """Put in punches with the numbers from 0, ``A_DAY`` of them on each day since ``bodies.FIRST``."""
    if url.startswith("postgresql:"):
        with psycopg.connect(url, autocommit=True) as connection:
            for first, last in _parts(amount):
                connection.execute(_POSTGRES.encode(), (first, last))
            connection.execute("VACUUM ANALYZE punches")
        return
    database = sqlite3.connect(url.removeprefix("sqlite:///"), timeout=60)
    for first, last in _parts(amount):
        with database:
            database.execute(_SQLITE, (first, last))
    database.close()


def last_ms(amount: int) -> int:
    """When the last of so many arrived."""
    return (FIRST + (amount - 1) * 86400 // A_DAY) * 1000 + 250


def punches_of(person: int, since: float, until: float, amount: int) -> int:
    """How many of them are a person's, between these moments."""
    first, last = (-(-int(at - FIRST) * A_DAY // 86400) for at in (since, until))
    numbers = range(max(0, first), min(amount, last))
    # the one number below PEOPLE that is this person's; every PEOPLE-th after it is as well
    own = (person - 1) * pow(_STEP, -1, PEOPLE) % PEOPLE
    return len(range(numbers.start + (own - numbers.start) % PEOPLE, numbers.stop, PEOPLE))


def _parts(amount: int) -> list[tuple[int, int]]:
    return [(n, min(n + _A_TRANSACTION, amount) - 1) for n in range(0, amount, _A_TRANSACTION)]
