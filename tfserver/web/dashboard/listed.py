"""A list of terminals as somebody wants it: which of them, in which order, which page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from tfserver.model import Admission, Clock
from tfserver.store.briefs import Brief
from tfserver.store.headcount import SILENT_MS

SLACK_MS: Final = 5_000
"""A clock that is off by less needs nobody's attention."""
NEARLY_FULL: Final = 0.9


class Wish(NamedTuple):
    """``search`` is found in name, serial number, site, tags, model or firmware; ``order`` is a column, with
    a minus before it for the other way round."""

    search: str = ""
    state: str = ""
    site: str = ""
    order: str = "name"
    page: int = 1


class Counts(NamedTuple):
    """How many terminals there are of each kind that somebody looks for."""

    all: int = 0
    online: int = 0
    offline: int = 0
    denied: int = 0
    pending: int = 0
    clock: int = 0
    full: int = 0
    silent: int = 0
    incomplete: int = 0


def state_of(terminal: Brief) -> str:
    """The state in one word, as ``GET /terminals?state=`` has it."""
    if terminal.admission is not Admission.APPROVED:
        return terminal.admission.value
    return "online" if terminal.online else "offline"


def has_wrong_clock(terminal: Brief) -> bool:
    """Whether somebody should look at its clock."""
    off = terminal.clock_offset_ms
    return terminal.clock is Clock.SUSPECT or (off is not None and abs(off) > SLACK_MS)


def is_incomplete(terminal: Brief) -> bool:
    """Whether records are known to be missing, or nobody knows."""
    return terminal.until is None or terminal.has_gaps


KINDS: Final[dict[str, Callable[[Brief, float], bool]]] = {
    "clock": lambda terminal, _: has_wrong_clock(terminal),
    "full": lambda terminal, _: terminal.fullest >= NEARLY_FULL,
    "silent": lambda terminal, now_ms: terminal.online and terminal.punched < now_ms - SILENT_MS,
    "incomplete": lambda terminal, _: is_incomplete(terminal),
}
"""What somebody looks for among those that are approved, beside whether they are there."""
STATES: Final = ("online", "offline", "denied", "pending", "quarantined")
CHOICES: Final = ("online", "offline", "denied", "pending", *KINDS)


class Entry(NamedTuple):
    """A terminal, and what lists ask of it: found out once, not for each who looks."""

    terminal: Brief
    kinds: tuple[str, ...]
    """Its state, and which of KINDS it is one of."""
    name: tuple[bool, str, str]
    """By this it stands in the order of names."""
    text: str
    """What words are searched in."""


def entry_of(terminal: Brief, now_ms: float) -> Entry:
    """What lists know of a terminal at a moment."""
    is_ours = terminal.admission is Admission.APPROVED
    kinds = tuple(name for name, fits in KINDS.items() if is_ours and fits(terminal, now_ms))
    parts = [terminal.sn, terminal.name, terminal.site, terminal.model, terminal.firmware, terminal.owner]
    text = "\n".join([*parts, *terminal.tags]).casefold()
    name = (*_text(terminal.name), terminal.sn)
    return Entry(terminal, (state_of(terminal), *kinds), name, text)


def _text(value: str | None) -> tuple[bool, str]:
    """By the alphabet, what is empty behind all."""
    return not value, (value or "").casefold()


ORDERS: Final[dict[str, Callable[[Entry], Any]]] = {
    "name": lambda entry: entry.name,
    "site": lambda entry: (*_text(entry.terminal.site), entry.terminal.sn),
    "state": lambda entry: (STATES.index(entry.kinds[0]), entry.terminal.sn),
    "punch": lambda entry: (not entry.terminal.punched, entry.terminal.punched, entry.terminal.sn),
    "clock": lambda entry: (-abs(entry.terminal.clock_offset_ms or 0), entry.terminal.sn),
    "complete": lambda entry: (entry.terminal.until or 0, entry.terminal.sn),
    "room": lambda entry: (-entry.terminal.fullest, entry.terminal.sn),
    "firmware": lambda entry: (*_text(entry.terminal.firmware), entry.terminal.sn),
    "owner": lambda entry: (*_text(entry.terminal.owner), entry.terminal.sn),
}


def chosen(entries: Sequence[Entry], wish: Wish) -> list[Entry]:
    """Those that fit, in order."""
    words = wish.search.casefold().split()
    found = [
        entry
        for entry in entries
        if (not wish.state or wish.state in entry.kinds)
        and (not wish.site or entry.terminal.site == wish.site)
        and all(word in entry.text for word in words)
    ]
    key = ORDERS[wish.order.lstrip("-")]
    found.sort(key=key, reverse=wish.order.startswith("-"))
    # whichever way round, what is empty is last
    return sorted(found, key=lambda entry: key(entry)[0] is True)


def counted(entries: Sequence[Entry]) -> Counts:
    """How many of each kind; all are those that somebody has decided upon."""
    found = Counter(kind for entry in entries for kind in entry.kinds)
    return Counts(len(entries) - found["pending"], **{name: found[name] for name in CHOICES})
