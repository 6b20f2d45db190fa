"""Records as a sendlog makes them."""

from __future__ import annotations

import msgspec

from tfserver.model import punch_uid, sighting_of
from tfserver.store.shelf import Record

TIME = "2026-04-02 08:15:04"


def record(
    sn: str, enrollid: int, time: str = TIME, logindex: int | None = None, picture: str = "", day: str = ""
) -> Record:
    """A punch of a person; ``logindex`` is the batch it came in."""
    uid, member = punch_uid(sn, enrollid, time, 0, 0, 0)
    sighting = None if logindex is None else sighting_of(member, logindex)
    body = msgspec.json.encode({"uid": uid, "sn": sn, "enrollid": enrollid, "device_time": time})
    return Record(uid, member, sighting, day or time[:10].replace("-", ""), time, body, picture)


def uids(page: list[tuple[str, str]]) -> list[str]:
    """The uids of a page of the feed, in its order."""
    return [msgspec.json.decode(body)["uid"] for _, body in page]
