"""How many of each kind a terminal can keep, and how many it keeps (protocol §3.1, §4.1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

FINGERS = range(10)
PASSWORD = 10
CARD = 11
PHOTO = 50
USUAL_SIZE = 3000
SIZES: Mapping[str, int] = {"user": USUAL_SIZE, "fp": USUAL_SIZE, "card": USUAL_SIZE, "pwd": USUAL_SIZE}
"""What every generation says in ``devinfo``, each with ``size`` behind it. A kind that is not named has no
limit."""
KINDS = ("user", "fp", "card", "pwd", "face", "palm", "log")
"""What ``--capacity`` may name."""


def kind_of(backupnum: int) -> str:
    """The kind whose size and use a credential counts for; empty for one that nobody defined."""
    if backupnum in FINGERS:
        return "fp"
    if backupnum in range(20, 28) or backupnum in (PHOTO, 51):
        return "face"
    if backupnum in range(30, 38) or backupnum in (40, 41):
        return "palm"
    return {PASSWORD: "pwd", CARD: "card"}.get(backupnum, "")


class Room:
    """How much of each kind a terminal takes, and has; counted as it changes, for it is asked at each set."""

    __slots__ = ("sizes", "taken")

    def __init__(self, sizes: Mapping[str, int]) -> None:
        self.sizes = sizes
        self.taken: dict[str, int] = {}

    def full(self, kind: str) -> bool:
        """Whether not one more fits."""
        size = self.sizes.get(kind)
        return size is not None and self.taken.get(kind, 0) >= size

    def add(self, kind: str, count: int) -> None:
        """So many more, or fewer."""
        self.taken[kind] = self.taken.get(kind, 0) + count

    def recount(self, people: int, backupnums: Iterable[int]) -> None:
        """Begin anew with these."""
        self.taken = {"user": people}
        for backupnum in backupnums:
            self.add(kind_of(backupnum), 1)
