"""Times as terminals write them: local, without zone, to the second (protocol §2.2).

A terminal's second is an integer: seconds since 1970-01-01 00:00:00 of its own wall clock.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from functools import lru_cache

DAY = 86_400
_EXACT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_EPOCH = date(1970, 1, 1).toordinal()
_MINUTES = tuple(f"{hour:02d}:{minute:02d}" for hour in range(24) for minute in range(60))
_SECONDS = tuple(f"{second:02d}" for second in range(60))


def text_of(second: int) -> str:
    """``YYYY-MM-DD HH:MM:SS`` of a terminal's second."""
    # put together from tables: a page of logs has fifty of them, and strftime would be most of its cost
    day, rest = divmod(second, DAY)
    return f"{_date_text(day)} {_MINUTES[rest // 60]}:{_SECONDS[rest % 60]}"


def second_of(text: object) -> int | None:
    """The second of a text in exactly the form that servers must send; None for any other value."""
    if not isinstance(text, str) or not _EXACT.fullmatch(text):
        return None
    try:
        return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())
    except ValueError:
        return None


def day_of(text: object) -> int | None:
    """The first second of a date filter, ``2018-11-1`` too; None when it is not a date."""
    found = _DATE.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is None:
        return None
    try:
        return int(datetime(int(found[1]), int(found[2]), int(found[3]), tzinfo=UTC).timestamp())
    except ValueError:
        return None


@lru_cache(maxsize=1024)
def _date_text(day: int) -> str:
    return date.fromordinal(_EPOCH + day).isoformat()


def local_offset(now: float) -> float:
    """Seconds that this computer's wall clock is ahead of UTC at a POSIX time."""
    offset = datetime.fromtimestamp(now).astimezone().utcoffset()
    return offset.total_seconds() if offset is not None else 0.0
