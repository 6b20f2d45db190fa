"""What the pages of the system have in common: the places within, and how sizes and spans of time read."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import msgspec
from babel.dates import format_timedelta

from tfserver.web.answer import Answer
from tfserver.web.call import Call
from tfserver.web.dashboard.languages import mark
from tfserver.web.dashboard.navigation import Place
from tfserver.web.dashboard.pages import screen_for
from tfserver.web.dashboard.system import words

HERE: Final = "/system"
MEGABYTE: Final = 1 << 20


PLACES: Final = (
    Place(HERE, mark("Overview"), "operator"),
    Place(f"{HERE}/webhooks", mark("Webhooks"), "operator"),
    Place(f"{HERE}/audit", mark("Audit"), "admin"),
    Place(f"{HERE}/handshakes", mark("Failed connections"), "operator", True),
    Place(f"{HERE}/backfills", mark("Backfills"), "operator"),
    Place(f"{HERE}/accounts", mark("Accounts"), "admin", True),
    Place(f"{HERE}/tokens", mark("Tokens"), "admin", True),
    Place(f"{HERE}/configuration", mark("Configuration"), "admin", True),
)


def show_inside(call: Call, template: str, place: str, **context: Any) -> Answer:
    """A page of the system; ``place`` is the path of its entry among them."""
    screen = screen_for(call)
    locale = screen.viewer.language.locale

    def span(seconds: float) -> str:
        """How long, in the viewer's language, as coarse as people say it."""
        return str(format_timedelta(timedelta(seconds=seconds), threshold=1.5, locale=locale))

    common = {
        "here": HERE,
        "since": call.since,
        "here_within": place,
        "places": PLACES,
        "told": words,
        "span": span,
        "mib": mib,
    }
    return screen.page(f"system/{template}", {**common, **context})


def mib(count: float) -> int:
    """Bytes in MiB."""
    return round(count / MEGABYTE)


def pretty(value: Any) -> str:
    """A value as JSON that people can read; empty for what says nothing."""
    return msgspec.json.format(msgspec.json.encode(value), indent=1).decode() if value else ""
