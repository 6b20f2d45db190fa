"""What a terminal has, from the fields that the store keeps of it."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from twisted.internet import task

from tfserver.credentials import TABLE
from tfserver.person import Held, HeldPerson, Holding, Reading

A_STRETCH: Final = 1500
"""Fields that are read at a time: some milliseconds, then others have their turn."""
FIELDS: Final = tuple(n for slots in TABLE for n in range(slots.first, slots.last + 1))
"""The slots that are asked for where it is not known which there are."""
_PERSON: Final = msgspec.json.Decoder(HeldPerson)
_HELD: Final = msgspec.json.Decoder(Held)
_READING: Final = msgspec.json.Decoder(Reading)


async def holding_of(reactor: Any, sn: str, flat: list[str]) -> Holding:
    """From names and values, one after another."""
    people: dict[int, HeldPerson] = {}
    credentials: dict[tuple[int, int], Held] = {}
    reading = None
    for start in range(0, len(flat), 2 * A_STRETCH):
        if start:
            await task.deferLater(reactor, 0)
        part = flat[start : start + 2 * A_STRETCH]
        for name, text in zip(part[::2], part[1::2], strict=True):
            if name[0].isdigit():
                enrollid, _, backupnum = name.partition("/")
                if backupnum:
                    credentials[int(enrollid), int(backupnum)] = _HELD.decode(text)
                else:
                    people[int(enrollid)] = _PERSON.decode(text)
            elif name == "reading":
                reading = _READING.decode(text)
    return Holding(sn, reading, people, credentials)


def person_at(row: list[str | None]) -> tuple[HeldPerson | None, dict[int, Held]]:
    """From the text of a person, and names and texts of its slots."""
    slots = zip(row[1::2], row[2::2], strict=True)
    held = {int(name): _HELD.decode(text) for name, text in slots if name and text}
    return _PERSON.decode(row[0]) if row[0] else None, held
