"""Times as people read them: in the terminal's zone, marked up so that the viewer's own shows on hover."""

from __future__ import annotations

import functools
from datetime import UTC, datetime, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from babel.dates import format_date
from markupsafe import Markup

from tfserver.web.dashboard.languages import Language, language

_TIME: Final = Markup('<time datetime="{}">{}</time>')
_WITH_DAY: Final = Markup('<time datetime="{}"><span class="day">{}</span> {}</time>')


def zone_of(name: str | None, fallback: str = "") -> tzinfo:
    """A zone by its IANA name; the server's own when nobody chose one that counts."""
    for each in (name, fallback):
        if each and (found := _zone(each)) is not None:
            return found
    return _here()


@functools.lru_cache(1024)
def _zone(name: str) -> tzinfo | None:
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        return None


def _here() -> tzinfo:
    found = datetime.now().astimezone().tzinfo
    return found if found is not None else UTC


def moment(instant: str | None, zone: tzinfo, shown: Language, now: datetime) -> Markup:
    """An instant (RFC 3339) as the hour, with the day unless it is today; empty without one."""
    if not instant:
        return Markup("")
    at = datetime.fromisoformat(instant).astimezone(zone)
    text = f"{at:%H:%M:%S}"
    if at.date() == now.astimezone(zone).date():
        return _TIME.format(instant, text)
    return _WITH_DAY.format(instant, _day(at.year, at.month, at.day, shown.code), text)


@functools.lru_cache(4096)
def _day(year: int, month: int, day: int, code: str) -> str:
    return str(format_date(datetime(year, month, day), "medium", locale=language(code).locale))
