"""What a terminal takes: its sensors, and how much room it has at each moment of a plan."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from tfserver.capacity import Lack
from tfserver.config import ModelProfile
from tfserver.model import Capacity, Terminal, canonical_sn
from tfserver.plan import Fill

USER: Final = "user"


class Target(msgspec.Struct, frozen=True):
    """A terminal as far as a plan depends on it. ``capacity`` is what is free now; without ``zones`` nobody
    there is to have a lock, and those that were set at the terminal itself stay."""

    sn: str
    fpalgo: str = ""
    model: str = ""
    capacity: dict[str, Capacity] = {}
    most_photo_bytes: int = 150_000
    zones: bool = True


def target_of(terminal: Terminal, profiles: dict[str, ModelProfile]) -> Target:
    """What its last ``reg`` said, and its profile."""
    told = terminal.devinfo
    profile = profiles.get(terminal.model_profile or "", ModelProfile())
    return Target(
        sn=canonical_sn(terminal.sn),
        fpalgo=_text(told.get("fpalgo")),
        model=_text(told.get("modelname")),
        capacity={kind: room for kind, room in terminal.capacity.items() if kind != "log"},
        most_photo_bytes=profile.most_photo_bytes,
    )


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


class Filling:
    """How full a terminal is while a plan is carried out."""

    def __init__(self, capacity: dict[str, Capacity]) -> None:
        self._before = {kind: room.size - room.free for kind, room in capacity.items()}
        self._size = {kind: room.size for kind, room in capacity.items()}
        self._used = dict(self._before)
        self._most = dict(self._before)

    def free(self, kinds: Iterable[str]) -> None:
        """One of each of these goes; the terminal may have counted it or not."""
        for kind in kinds:
            if kind in self._used:
                self._used[kind] = max(0, self._used[kind] - 1)

    def lacks(self, needed: dict[str, int]) -> list[Lack]:
        """What has no room; of a kind of which the terminal does not say how much it takes all has."""
        found = []
        for kind, count in needed.items():
            if kind in self._size and self._used[kind] + count > self._size[kind]:
                used = self._used[kind]
                found.append(Lack(kind, self._size[kind], used, used, 0, count))
        return found

    def take(self, needed: dict[str, int]) -> None:
        """So many of each kind come."""
        for kind, count in needed.items():
            if kind in self._used:
                self._used[kind] += count
                self._most[kind] = max(self._most[kind], self._used[kind])

    def rooms(self) -> dict[str, Fill]:
        """By kind, what it was and what it will be."""
        return {
            kind: Fill(size, self._before[kind], self._most[kind], self._used[kind])
            for kind, size in self._size.items()
        }
