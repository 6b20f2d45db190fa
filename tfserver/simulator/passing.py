"""Who is let in by a terminal, and how the log tells what with (protocol §3.3, §5.4)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from tfserver.simulator.capacity import kind_of
from tfserver.simulator.times import second_of

Modes = Mapping[str, int]
"""What ``mode`` of a log says for each kind of credential."""


def ways_of(credentials: Collection[int], unusable: Collection[int], modes: Modes) -> list[int]:
    """The modes of the credentials that somebody can be recognised by, a mode for each of them."""
    usable = (kind_of(backupnum) for backupnum in credentials if backupnum not in unusable)
    return [modes[kind] for kind in usable if kind in modes]


def may_pass(lock: Mapping[str, Any] | None, second: int) -> bool:
    """Whether somebody's validity includes this second of the terminal; both ends belong to it, and two equal
    ones mean no limit."""
    if lock is None:
        return True
    begin, end = second_of(lock.get("starttime")), second_of(lock.get("endtime"))
    if begin is None or end is None or begin == end:
        return True
    return begin <= second <= end
