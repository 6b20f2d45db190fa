"""A list of terminals as somebody wants it: which of them, in which order, which page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from tfserver.model import Admission, Clock, Terminal

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
    clock: int = 0
    full: int = 0
    incomplete: int = 0


def state_of(terminal: Terminal) -> str:
    """The state in one word, as ``GET /terminals?state=`` has it."""
    if terminal.admission is not Admission.APPROVED:
        return terminal.admission.value
    return "online" if terminal.online else "offline"


def firmware_of(terminal: Terminal) -> str:
    """What runs on it, as it says itself."""
    return str(terminal.devinfo.get("firmware") or "")[:100]


def model_of(terminal: Terminal) -> str:
    """What it is, as it says itself."""
    return str(terminal.devinfo.get("modelname") or terminal.model_profile or "")[:100]


def fullest(terminal: Terminal) -> float:
    """How much is used of the room that is scarcest."""
    return max((each.used / each.size for each in terminal.capacity.values() if each.size), default=0.0)


def has_wrong_clock(terminal: Terminal) -> bool:
    """Whether somebody should look at its clock."""
    off = terminal.clock_offset_ms
    return terminal.clock is Clock.SUSPECT or (off is not None and abs(off) > SLACK_MS)


def is_incomplete(terminal: Terminal) -> bool:
    """Whether records are known to be missing, or nobody knows."""
    return terminal.completeness.until is None or bool(terminal.completeness.gaps)


def _is(state: str) -> Callable[[Terminal], bool]:
    return lambda terminal: state_of(terminal) == state


FITS: Final[dict[str, Callable[[Terminal], bool]]] = {
    "online": _is("online"),
    "offline": _is("offline"),
    "denied": _is("denied"),
    "clock": lambda terminal: _is_ours(terminal) and has_wrong_clock(terminal),
    "full": lambda terminal: _is_ours(terminal) and fullest(terminal) >= NEARLY_FULL,
    "incomplete": lambda terminal: _is_ours(terminal) and is_incomplete(terminal),
}
"""What can be looked for."""


def _is_ours(terminal: Terminal) -> bool:
    return terminal.admission is Admission.APPROVED


def _text(value: str | None) -> tuple[bool, str]:
    """By the alphabet, what is empty behind all."""
    return not value, (value or "").casefold()


ORDERS: Final[dict[str, Callable[[Terminal], Any]]] = {
    "name": lambda terminal: (*_text(terminal.name), terminal.sn),
    "site": lambda terminal: (*_text(terminal.site), terminal.sn),
    "state": lambda terminal: (list(FITS).index(state_of(terminal)), terminal.sn),
    "punch": lambda terminal: (*_text(terminal.last_punch), terminal.sn),
    "clock": lambda terminal: (-abs(terminal.clock_offset_ms or 0), terminal.sn),
    "complete": lambda terminal: (terminal.completeness.until or "", terminal.sn),
    "room": lambda terminal: (-fullest(terminal), terminal.sn),
    "firmware": lambda terminal: (*_text(firmware_of(terminal)), terminal.sn),
    "owner": lambda terminal: (*_text(terminal.owner), terminal.sn),
}


def chosen(terminals: Sequence[Terminal], wish: Wish) -> list[Terminal]:
    """Those that fit, in order."""
    fits, words = FITS.get(wish.state), wish.search.casefold().split()
    found = [
        terminal
        for terminal in terminals
        if (not wish.site or terminal.site == wish.site)
        and (fits is None or fits(terminal))
        and _has(terminal, words)
    ]
    return sorted(found, key=ORDERS[wish.order.lstrip("-")], reverse=wish.order.startswith("-"))


def _has(terminal: Terminal, words: list[str]) -> bool:
    if not words:
        return True
    parts = [terminal.sn, terminal.name, terminal.site, model_of(terminal), firmware_of(terminal)]
    text = "\n".join([*parts, *terminal.tags]).casefold()
    return all(word in text for word in words)


def counted(terminals: Sequence[Terminal]) -> Counts:
    """How many of each kind."""
    return Counts(len(terminals), **{name: sum(map(fits, terminals)) for name, fits in FITS.items()})
