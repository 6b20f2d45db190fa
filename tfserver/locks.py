"""When somebody may pass, as terminals are told it, and as it is compared (protocol §5.4)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from tfserver.person import NO_END, Access, Validity

ALWAYS: Final = "2000-01-01 00:00:00"
"""What both times are for a person who may pass at any time (protocol §5.4)."""
ZONES: Final = ("weekzone", "weekzone2", "weekzone3", "weekzone4", "group")
TIMES: Final = ("starttime", "endtime")
_DAY: Final = len("YYYY-MM-DD")


def _whole(text: str | None, hour: str) -> str | None:
    return f"{text} {hour}" if text and len(text) == _DAY else text


def lock_fields(access: Access | None, validity: Validity) -> dict[str, Any]:
    """The fields of ``setuserlock`` for somebody; all of them, so that nothing stays of what was before."""
    given = access or Access()
    return {
        **{zone: getattr(given, zone) for zone in ZONES},
        "starttime": _whole(validity.begin, "00:00:00") or ALWAYS,
        "endtime": _whole(validity.end, "23:59:59") or NO_END,
    }


def lock_of(fields: Mapping[str, Any]) -> str:
    """The digest of such fields, the same for the same meaning; empty when one is missing, so that nobody
    knows."""
    if any(fields.get(name) is None for name in (*ZONES, *TIMES)):
        return ""
    begin, end = (str(fields[name]) for name in TIMES)
    begin = "" if begin <= ALWAYS else begin
    end = "" if end >= NO_END or end <= ALWAYS else end
    text = "|".join([*(str(int(fields[zone])) for zone in ZONES), begin, end])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


UNLOCKED: Final = lock_of(lock_fields(None, Validity()))
"""Of somebody of whom nothing is set."""
DOUBTFUL: Final = "doubtful"
"""In the place of a digest: nobody knows any more which lock it is, so that it is to be told anew
(holdings/1_kept.lua says so too)."""
