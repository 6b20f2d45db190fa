"""What a look at something found: how it stands, in one sentence, and what to do about it in another."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from tfserver.cli.outcome import DONE, REFUSED
from tfserver.cli.output import People, clean, marked

OK: Final = "ok"
ATTENTION: Final = "attention"
WRONG: Final = "wrong"


class Finding(NamedTuple):
    """``about`` is what was looked at, ``state`` one of OK, ATTENTION, WRONG."""

    about: str
    state: str
    said: str
    advice: str = ""


def report(out: People, findings: Sequence[Finding]) -> int:
    """Print them; the exit status is 0 when nothing is wrong."""
    is_well = all(found.state != WRONG for found in findings)

    def show() -> None:
        """A sentence each, and below it what to do."""
        width = max(len(found.about) for found in findings)
        for found in findings:
            margin = " " * (len(ATTENTION) - len(found.state))
            print(f"{marked(found.state)}{margin}  {found.about:<{width}}  {clean(found.said)}")
            if found.advice:
                print(f"{'':<{len(ATTENTION)}}  {'':<{width}}  → {clean(found.advice)}")

    out.shown({"ok": is_well, "findings": [found._asdict() for found in findings]}, show)
    return DONE if is_well else REFUSED


def ago(when: str, now: datetime) -> str:
    """How long something told in RFC 3339 is over, in words."""
    seconds = max(timedelta(), now - datetime.fromisoformat(when)).total_seconds()
    for unit, size in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        if seconds >= size:
            return _counted(int(seconds // size), unit) + " ago"
    return _counted(int(seconds), "second") + " ago"


def _counted(number: int, unit: str) -> str:
    return f"{number} {unit}" + ("" if number == 1 else "s")
