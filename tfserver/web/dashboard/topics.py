"""What an open page wants to be told of: rows of terminals, punches, and when it has to load itself anew."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from tfserver.model import SN_PATTERN, canonical_sn
from tfserver.store.events import Ends
from tfserver.web.query import Parameter, Query, choices, text

MOST_TERMINALS: Final = 200
MOST_TEXT: Final = 8000
PLACE: Final = re.compile(r"\d{1,15}-\d{1,15}", re.ASCII)
KINDS: Final = ("punch", "terminal", "command", "sync", "enrolment")
"""Of what happens."""


def _sns(given: str) -> frozenset[str]:
    """Serial numbers with commas between them."""
    found = frozenset(canonical_sn(each) for each in given.split(","))
    if len(given) > MOST_TEXT or len(found) > MOST_TERMINALS or not all(map(SN_PATTERN.fullmatch, found)):
        raise ValueError(f"expected up to {MOST_TERMINALS} serial numbers with commas between them")
    return found


def _ends(given: str) -> Ends:
    """Places as ``data-since`` of a page has them."""
    punches, _, events = given.partition(".")
    if not (PLACE.fullmatch(punches) and PLACE.fullmatch(events)):
        raise ValueError("expected the place of a punch and that of an event with a point between them")
    return Ends(punches, events)


PARAMETERS: Final = (
    Parameter("rows", "tell of these terminals as rows of the fleet", {"type": "string"}, _sns, frozenset()),
    choices("wall", "tell of punches as rows of the wall", ("on",)),
    choices("hints", "tell that something of these kinds happened", KINDS),
    Parameter("of", "hints and punches only of these terminals", {"type": "string"}, _sns, frozenset()),
    text("site", "punches only of this site"),
    Parameter("since", "where the feeds ended when the page was made", {"type": "string"}, _ends, None),
)


class Topics(NamedTuple):
    """What one page wants; pages that want the same are told the same."""

    rows: frozenset[str] = frozenset()
    has_wall: bool = False
    hints: frozenset[str] = frozenset()
    of: frozenset[str] = frozenset()
    site: str = ""

    def wants(self, kind: str, sn: str) -> bool:
        """Whether a hint of this kind about a terminal (empty: about none) is for this page."""
        return kind in self.hints and (not self.of or canonical_sn(sn) in self.of)

    def shows(self, sn: str, site: str) -> bool:
        """Whether a punch is one of this page's wall."""
        is_its = not self.of or canonical_sn(sn) in self.of
        return self.has_wall and is_its and (not self.site or self.site == site)


def topics_of(query: Query) -> Topics:
    """What a request asks for."""
    wanted = frozenset(query["hints"])
    return Topics(query["rows"], bool(query["wall"]), wanted, query["of"], query["site"])
