"""How much room terminals have, moment by moment, and places that are kept for what is on its way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, Final

import msgspec

from tfserver.capacity import Lack, Sample, refusal
from tfserver.credentials import TABLE
from tfserver.locks import UNLOCKED
from tfserver.model import canonical_sn
from tfserver.store.client import Client

ROOM_A_CALL: Final = 100
"""Questions about one terminal in a call: less than a millisecond of the store."""
SEVERAL_A_CALL: Final = 40
"""Questions about several: each of them is looked up."""
LOGS_A_QUESTION: Final = 100
"""Moments: forty times so many are in a call."""
SAMPLED_A_CALL: Final = 30
MOST_DAYS: Final = 400
"""Samples that are kept of a terminal (holdings/2_asked.lua)."""
Place = tuple[int, int]
"""A slot of a person on a terminal: ``(enrollid, backupnum)``."""
Question = tuple[Any, ...]
_SLOTS: Final = ",".join(f"{slots.first} {slots.last} {slots.kind.value}" for slots in TABLE)


class Asked:
    """Asks the script that keeps what terminals have."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def about(self, sn: str, questions: Sequence[Question]) -> list[Any]:
        """Questions about one terminal, some at a time; an answer each."""
        found: list[Any] = []
        for start in range(0, len(questions), ROOM_A_CALL):
            part = questions[start : start + ROOM_A_CALL]
            found += (await self._ask([("on", canonical_sn(sn)), *part]))[1:]
        return found

    async def of_several(self, questions: dict[str, list[Question]]) -> None:
        """Questions about several terminals, by their serial numbers."""
        asked: list[Question] = []
        for sn, found in questions.items():
            for start in range(0, len(found), SEVERAL_A_CALL):
                asked += [("on", canonical_sn(sn)), *found[start : start + SEVERAL_A_CALL]]
                if len(asked) >= SEVERAL_A_CALL:
                    await self._ask(asked)
                    asked = []
        if asked:
            await self._ask(asked)

    async def _ask(self, questions: list[Question]) -> list[Any]:
        keys = self._client.keys
        args: list[Any] = [keys.terminal(""), keys.holds(""), keys.holders(""), keys.reserved("")]
        args += (keys.capacities(""), _SLOTS, UNLOCKED)
        for question in questions:
            args += question
        answers: list[Any] = await self._client.run("holdings", [keys.news, keys.erased], args)
        for answer in answers:
            if isinstance(answer, list) and answer and answer[0] == "failed":
                raise self._client.meaning(answer[1])
        return answers


class Rooms:
    """The room of each terminal."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._asked = Asked(client)

    async def reserve(self, sn: str, places: Iterable[Place], seconds: float, token: str = "") -> str | None:
        """``Holdings.reserve``."""
        asked = ("reserve", _written(places), round(1000 * seconds), token)
        (found,) = await self._asked.about(sn, [asked])
        return None if isinstance(found, int) else refusal(sn, [Lack(*lack) for lack in found])

    async def release(self, sn: str, places: Iterable[Place], token: str = "") -> None:
        """``Holdings.release``."""
        await self._asked.about(sn, [("release", _written(places), token)])

    async def doubt(self, sn: str, places: Iterable[Place], token: str = "") -> None:
        """Nobody knows whether the order was carried out: its places stay until their time, the next reading
        or the next ``reg``."""
        await self._asked.about(sn, [("doubt", _written(places), token)])

    def members(self, sn: str, places: Iterable[Place], token: str) -> tuple[str, ...]:
        """The name of ``keys.reserved`` and how these places are written there. Whoever ends the order sets
        their scores to 0 (given up), or below it (in doubt)."""
        behind = f" {token}" if token else ""
        return (self._client.keys.reserved(sn), *(name + behind for name in _written(places).split()))

    async def logged(self, moments: dict[str, list[int]]) -> None:
        """Terminals made new records at these moments (UTC, ms)."""
        asked: dict[str, list[Question]] = {
            sn: [
                ("logs", " ".join(map(str, found[start : start + LOGS_A_QUESTION])))
                for start in range(0, len(found), LOGS_A_QUESTION)
            ]
            for sn, found in moments.items()
        }
        await self._asked.of_several(asked)

    async def emptied(self, sn: str) -> None:
        """All logs of a terminal were deleted there."""
        await self._asked.about(sn, [("emptied",)])

    async def sample(self, sns: Iterable[str], day: date) -> None:
        """Keep how much these terminals use at present, as that of a day, and warn of those nearly full."""
        await self._asked.of_several({sn: [("sample", day.isoformat())] for sn in sns})

    async def sample_all(self, day: date) -> None:
        """The same of all terminals."""
        after = "-"
        while True:
            page = await self._client.read(
                "ZRANGEBYLEX", self._client.keys.terminals, after, "+", "LIMIT", 0, SAMPLED_A_CALL
            )
            await self.sample(page, day)
            if len(page) < SAMPLED_A_CALL:
                return
            after = f"({page[-1]}"

    async def history(self, sn: str) -> dict[str, list[Sample]]:
        """How much of each kind was used, day by day, the oldest first."""
        flat = await self._client.read("HGETALL", self._client.keys.capacities(sn))
        found: dict[str, list[Sample]] = {}
        for day, text in sorted(zip(flat[::2], flat[1::2], strict=True)):
            for kind, (used, size) in _DAY.decode(text).items():
                found.setdefault(kind, []).append(Sample(date.fromisoformat(day), used, size))
        return found

    async def coming(self, sn: str) -> dict[str, int]:
        """How much of each kind is on its way to a terminal."""
        text = await self._client.read("HGET", self._client.keys.holds(sn), "coming")
        return {kind: count for kind, count in _COUNTS.decode(text or "{}").items() if count}


_DAY: Final = msgspec.json.Decoder(dict[str, tuple[int, int]])
_COUNTS: Final = msgspec.json.Decoder(dict[str, int])


def _written(places: Iterable[Place]) -> str:
    return " ".join(dict.fromkeys(f"{enrollid}/{backupnum}" for enrollid, backupnum in places))
