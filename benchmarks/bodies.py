"""Punches as they stand in the stream and the archive, made up by their number."""

from __future__ import annotations

import hashlib
import time
from typing import Final

PEOPLE: Final = 5_000
TERMINALS: Final = 200
FIRST: Final = 1_609_459_200
"""2021-01-01 (Unix, s): the first punch that is dated by its number; ten million end before 2025."""
_BODY: Final = (
    '{{"uid":"{uid}","sn":"ZXBM{terminal:08d}","site":"plant {site}","kind":"punch","enrollid":{person},'
    '"external_id":null,"device_time":"{shown}","time":"{day}T{hour}+00:00","utc":"{day}T{hour}.000Z",'
    '"offset_ms":0,"received":"{day}T{hour}.250Z","mode":8,"verify":"face","inout":{inout},"event":0,'
    '"temp":null,"clock":"ok","extra":{{}}}}'
)


def uid_of(number: int) -> str:
    """The identity of the punch with this number."""
    return hashlib.blake2b(b"%d" % number, digest_size=16).hexdigest()


def body(number: int, at: float) -> str:
    """The punch with this number as JSON; it was made at ``at`` (Unix, s)."""
    shown = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at))
    day, _, hour = shown.partition(" ")
    return _BODY.format(
        uid=uid_of(number),
        terminal=number % TERMINALS,
        site=number % 7,
        # a step that has no divisor in common with PEOPLE: each comes equally often, in no order of numbers
        person=1 + number * 1_237 % PEOPLE,
        shown=shown,
        day=day,
        hour=hour,
        inout=number & 1,
    )
