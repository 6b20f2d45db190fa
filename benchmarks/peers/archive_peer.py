"""Peer: punches into SQL as people write it, redis-py and SQLAlchemy. ``archive_peer.py SOCKET URL AMOUNT``.

Reads the stream of punches from its beginning, 500 at a time, and inserts what is new, each part in a
transaction. It has no lease, no place, no migrations, and an index less. Begins when it is told anything, and
prints how many rows a second it made.
"""

from __future__ import annotations

import json
import sys
import time

import redis
import sqlalchemy as sa

path, url, amount = sys.argv[1], sys.argv[2], int(sys.argv[3])
store = redis.Redis.from_url(f"unix://{path}", decode_responses=True)
engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
punches = sa.Table(
    "peer_punches",
    sa.MetaData(),
    sa.Column("uid", sa.String(32), primary_key=True),
    sa.Column("sn", sa.String(32)),
    sa.Column("site", sa.String(100)),
    sa.Column("enrollid", sa.BigInteger),
    sa.Column("utc", sa.String(24)),
    sa.Column("mode", sa.Integer),
    sa.Column("inout", sa.Integer),
    sa.Column("event", sa.Integer),
    sa.Column("body", sa.Text),
    sa.Index("peer_punches_person", "enrollid", "utc"),
)
punches.metadata.create_all(engine)
if engine.dialect.name == "postgresql":
    from sqlalchemy.dialects.postgresql import insert
else:
    from sqlalchemy.dialects.sqlite import insert
statement = insert(punches).on_conflict_do_nothing()
names = ("uid", "sn", "site", "enrollid", "utc", "mode", "inout", "event")
sys.stdin.readline()
began = time.perf_counter()
place, done = "-", 0
while done < amount and (entries := store.xrange("tf:punches", place, count=500)):
    rows = []
    for _, fields in entries:
        punch = json.loads(fields["p"])
        rows.append({**{name: punch[name] for name in names}, "body": fields["p"]})
    with engine.begin() as connection:
        connection.execute(statement, rows)
    place, done = f"({entries[-1][0]}", done + len(rows)
sys.stdout.write(f"{done / (time.perf_counter() - began)}\n")
