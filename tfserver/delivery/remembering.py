"""What the archive has and the store has lost is known there again: a terminal may send it once more."""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import msgspec

from tfserver.store.archive.database import Archive
from tfserver.store.archive.rows import Entry, place_of
from tfserver.store.archived import Archived
from tfserver.wire.times import told

PAGE: Final = 500
MOST_PAGES: Final = 400
"""A failover loses seconds. Of a store that was set back by days not all is made known."""
_FIRST_64: Final = struct.Struct(">q").unpack


class _Punch(msgspec.Struct):
    """As much of a punch as its identity needs."""

    uid: str
    sn: str
    device_time: str


async def remember(archive: Archive, archived: Archived, after: str, to: str) -> None:
    """Make known what is archived behind one place, up to another one."""
    for _ in range(MOST_PAGES):
        page = await archive.page(after, PAGE)
        entries = [entry for entry in page if place_of(entry[0]) <= place_of(to)]
        await archived.know(known_of(entries))
        if len(entries) < PAGE:
            break
        after = entries[-1][0]


def known_of(entries: Sequence[Entry]) -> dict[tuple[str, str], list[int]]:
    """The members of the sets of known punches, by terminal and day of its time."""
    found = defaultdict(list)
    for _, text in entries:
        try:
            punch = msgspec.json.decode(text, type=_Punch)
            [member] = _FIRST_64(bytes.fromhex(punch.uid)[:8])
        except (msgspec.MsgspecError, ValueError, struct.error):
            # put there by somebody else
            continue
        found[punch.sn, told(punch.device_time).day].append(member)
    return found
