"""Times as people read them: in the terminal's zone, marked up so that the viewer's own shows on hover."""

from __future__ import annotations

import functools
from datetime import UTC, datetime, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_skeleton
from markupsafe import Markup

from tfserver.web.dashboard.languages import Language, language

SECONDS: Final = "%H:%M:%S"
MINUTES: Final = "%H:%M"
_TIME: Final = Markup('<time datetime="{}">{}</time>')
_DAY: Final = "MMMd"
_YEAR: Final = "yMMMd"
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


def moment(instant: str | None, zone: tzinfo, shown: Language, now: datetime, hours: str = SECONDS) -> Markup:
    """An instant (RFC 3339) as the hour, with the day unless it is today, and the year unless it is this one;
    empty without one."""
    if not instant:
        return Markup("")
    try:
        at, here = datetime.fromisoformat(instant).astimezone(zone), now.astimezone(zone)
    except OverflowError:
        # a clock that lost its power may say 0001-01-01, which is before all time farther west
        return _TIME.format(instant, instant)
    text = at.strftime(hours)
    if at.date() == here.date():
        return _TIME.format(instant, text)
    form = _DAY if at.year == here.year else _YEAR
    return _WITH_DAY.format(instant, _day(at.year, at.month, at.day, form, shown.code), text)


@functools.lru_cache(4096)
def _day(year: int, month: int, day: int, form: str, code: str) -> str:
    when, locale = datetime(year, month, day), language(code).locale
    if form == _YEAR:
        return str(format_date(when, "medium", locale=locale))
    return str(format_skeleton(_DAY, when, locale=locale))
