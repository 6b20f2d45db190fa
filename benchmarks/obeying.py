"""Terminals that obey: they take credentials, open doors, and give their logs page by page."""

from __future__ import annotations

import json
import time
from collections import Counter, deque
from typing import Any, Final

import msgspec

from benchmarks import messages
from benchmarks.crowd import Crowd, Terminal

A_PAGE: Final = 50
"""Logs in a page, as terminals have it (protocol §2.3)."""
LOG_DAYS: Final = 40
"""Over how many days logs spread: what is older than the set of known punches is another matter."""
PERSONS: Final = 500
_decode: Final = msgspec.json.Decoder(dict[str, Any]).decode


def credential(number: int) -> dict[str, Any]:
    """The fields of the ``setuserinfo`` of this number: password and card by turns, two for each person."""
    person = number // 2 + 1
    password, card = 10_000_000 + 7919 * person, 4_000_000 + 7907 * person
    slot, record = ((10, password), (11, card))[number % 2]
    return {"enrollid": person, "name": f"Person {person}", "backupnum": slot, "admin": 0, "record": record}


class Enrolling:
    """Terminals that take the credentials 0, 1, 2 … each once and in this order; all else is wrong."""

    def __init__(self, crowd: Crowd, each: int) -> None:
        self.taken: Counter[int] = Counter()
        """How many each terminal has, by its place."""
        self._crowd = crowd
        self._expected = [{"cmd": "setuserinfo", **credential(number)} for number in range(each)]
        self._rests = [
            '","enrollid":{enrollid},"backupnum":{backupnum},"result":true}}'.format(**fields).encode()
            for fields in self._expected
        ]
        crowd.asked = self.asked

    def asked(self, terminal: Terminal, payload: bytes) -> None:
        """Take a credential."""
        told = _decode(payload)
        number = self.taken[terminal.place]
        if number >= len(self._expected) or told != self._expected[number]:
            self._crowd.wrong["not the credential whose turn it was"] += 1
            return
        self.taken[terminal.place] += 1
        mask = terminal.voice.mask
        said = mask.masked(b'{"ret":"setuserinfo","sn":"') + terminal.sn + mask.masked(self._rests[number])
        self._crowd.say(terminal, mask.head(len(said)) + said)


class Opening:
    """Terminals that open their door and say so ``takes`` seconds later."""

    def __init__(self, crowd: Crowd, takes: float) -> None:
        self.opened = 0
        self._crowd = crowd
        self._takes = takes
        self._moving: deque[tuple[float, Terminal]] = deque()
        crowd.asked = self.asked

    def asked(self, terminal: Terminal, payload: bytes) -> None:
        """Begin to open a door."""
        if _decode(payload)["cmd"] != "opendoor":
            self._crowd.unasked(terminal, payload)
        elif self._takes:
            self._moving.append((time.perf_counter() + self._takes, terminal))
        else:
            self._open(terminal)

    def turn(self, now: float) -> None:
        """Say of those doors that are open by now."""
        while self._moving and self._moving[0][0] <= now:
            self._open(self._moving.popleft()[1])

    def _open(self, terminal: Terminal) -> None:
        self.opened += 1
        mask = terminal.voice.mask
        said = mask.masked(b'{"ret":"opendoor","sn":"') + terminal.sn + mask.masked(b'","result":true}')
        self._crowd.say(terminal, mask.head(len(said)) + said)


class Logbook:
    """One terminal that is full of logs: pages made beforehand, given one after another."""

    def __init__(self, crowd: Crowd, terminal: Terminal, logs: int, now: float) -> None:
        self.given = 0
        """Pages given since it was made."""
        self._crowd = crowd
        self._next = 0
        frame, begin = terminal.voice.mask.frame, round(now) - LOG_DAYS * 86_400
        records = [_log(number, begin + number * LOG_DAYS * 86_400 // logs) for number in range(logs)]
        starts = range(0, logs, A_PAGE)
        self._pages = [
            frame(_page(terminal.place, logs, start, records[start : start + A_PAGE])) for start in starts
        ]
        self._empty = frame(_page(terminal.place, logs, 0, []))
        crowd.asked = self.asked

    def asked(self, terminal: Terminal, payload: bytes) -> None:
        """Give the next page, or the first."""
        told = _decode(payload)
        if told["cmd"] != "getalllog":
            self._crowd.unasked(terminal, payload)
            return
        number = 0 if told["stn"] else self._next
        self._next = number + 1
        self.given += 1
        self._crowd.say(terminal, self._pages[number] if number < len(self._pages) else self._empty)


def _log(number: int, at: int) -> dict[str, Any]:
    """Each log has a moment or a person of its own."""
    time_shown = messages.local_time(at)
    return {"enrollid": number % PERSONS + 1, "time": time_shown, "mode": 8, "inout": number & 1, "event": 0}


def _page(place: int, logs: int, start: int, records: list[dict[str, Any]]) -> bytes:
    reply = {"ret": "getalllog", "sn": messages.serial_number(place), "result": True, "count": logs}
    reply |= {"from": start, "to": start + len(records), "record": records}
    return json.dumps(reply, separators=(",", ":")).encode()
