"""Learning what a terminal has: from what is known of it, or from its own list."""

from __future__ import annotations

from typing import Final

from tfserver.commander import Refused
from tfserver.errors import TfserverError
from tfserver.order import Order, OrderState
from tfserver.people.asking import Asker
from tfserver.person import Holding, Reading
from tfserver.store.people.holdings import Holdings

LOOK_SECONDS: Final = 600.0
"""For a list of ten thousand people, and for what the terminal has to do before it."""
_WORD: Final = "getuserlist"


class NotLearned(TfserverError):
    """What a terminal has is not known, and why, in words for people."""


class Looker:
    """Looks what terminals have."""

    def __init__(self, asker: Asker, holdings: Holdings) -> None:
        self._asker = asker
        self._holdings = holdings

    async def look(
        self, sn: str, fresh_seconds: float, key: str, *, seconds: float = LOOK_SECONDS
    ) -> Holding:
        """What a terminal has, by a list that was read at most ``fresh_seconds`` ago; else it is read now.
        Under a ``key`` that was used before it is that reading. Raises NotLearned."""
        before = await self._holdings.of(sn)
        if before.reading is not None and self._is_fresh(before.reading, fresh_seconds):
            return before
        try:
            order = await self._asker.ask(sn, _WORD, {}, key=key, seconds=seconds)
        except Refused as refused:
            raise NotLearned(str(refused)) from refused
        if order.state is not OrderState.DONE:
            raise NotLearned(_why(sn, order, seconds))
        found = await self._holdings.of(sn)
        is_same = before.reading is not None and found.reading == before.reading
        if found.reading is None or (is_same and not (order.reply or {}).get("complete")):
            raise NotLearned(f"the list of terminal {sn} could not be read to its end")
        return found

    def _is_fresh(self, reading: Reading, seconds: float) -> bool:
        return self._holdings.now_ms() - reading.at < 1000 * seconds


def _why(sn: str, order: Order, seconds: float) -> str:
    if order.state in (OrderState.QUEUED, OrderState.SENT):
        return f"terminal {sn} has not told within {seconds:g} s what it has"
    said = order.error.message if order.error is not None else order.state.value
    return f"terminal {sn} did not tell what it has: {said}"
