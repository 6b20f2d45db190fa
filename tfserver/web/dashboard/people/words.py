"""Words of the API about people as people read them. Templates translate them."""

from __future__ import annotations

from typing import Final, NamedTuple

from tfserver.credentials import TABLE, label_of, slots_of
from tfserver.web.dashboard.languages import mark

KINDS: Final = {
    "fp": mark("fingerprint"),
    "pwd": mark("password"),
    "card": mark("card"),
    "face": mark("face"),
    "palm": mark("palm"),
    "unknown": mark("something else"),
}
"""Of credentials."""
SLOTS: Final = {
    "fingerprint": mark("fingerprint"),
    "password": mark("password"),
    "card": mark("card"),
    "face template": mark("face template"),
    "palm template": mark("palm template"),
    "palm vein": mark("palm vein"),
    "photo": mark("photo"),
    "face feature": mark("face feature"),
}
"""As the table of ``backupnum`` calls them (``tfserver.credentials.TABLE``)."""
UNKNOWN: Final = mark("slot")
NUMBERS: Final = {
    label_of(number): number for slots in TABLE for number in range(slots.first, slots.last + 1)
}
"""The slot that a label of the API stands for: those count from 0, people from 1."""
PROOFS: Final = {
    "known": mark("not sent yet"),
    "sent": mark("sent, no answer yet"),
    "listed": mark("listed there, not read"),
    "accepted": mark("the terminal took it"),
    "read": mark("read there"),
    "recognised": mark("somebody passed with it"),
}
"""How far it is proven that a terminal has a credential."""
PROVEN: Final = {
    "known": "",
    "sent": "warn",
    "listed": "warn",
    "accepted": "good",
    "read": "good",
    "recognised": "good",
}
"""The looks of the same."""
ADMINS: Final = (
    mark("user"),
    mark("administrator"),
    mark("may add users and copy records"),
)
"""What a person may do at the terminal itself, by ``admin`` (protocol §3.2)."""
SOURCES: Final = {"api": mark("entered here or over the API"), "import": mark("from a file")}
"""Where a person came from; others are terminals."""


class Slot(NamedTuple):
    """What a slot is called, and its number among several of its kind (None: it is the only one)."""

    name: str
    number: int | None


def slot(backupnum: int) -> Slot:
    """A slot for people; one that nobody has defined keeps its number."""
    found = slots_of(backupnum)
    if found is None:
        return Slot(UNKNOWN, backupnum)
    return Slot(SLOTS[found.label], None if found.first == found.last else backupnum - found.first + 1)
