"""Learning what a terminal has."""

from __future__ import annotations

from typing import Any

import msgspec
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.web.samples import SN, an_order
from tfserver.commander import QueueFull
from tfserver.order import Order, OrderError, OrderState
from tfserver.people.looking import Looker, NotLearned
from tfserver.person import Holding, Reading

NOW_MS = 1_775_000_000_000


class Orders:
    """Whoever asks terminals: what comes of each order, or why it is refused."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str]] = []
        self.answer: Order | Exception = an_order()
        self.ends(OrderState.DONE, reply={"complete": True})

    def ends(self, state: OrderState, **more: Any) -> None:
        """The next order comes to this."""
        self.answer = msgspec.structs.replace(an_order(), state=state, **more)

    async def ask(self, sn: str, cmd: str, fields: dict[str, Any], *, key: str, seconds: float) -> Order:
        """An order, and its end."""
        self.asked.append((sn, cmd, key))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Holdings:
    """What a terminal has: each answer once, the last one again and again."""

    def __init__(self, *readings: Reading | None) -> None:
        self._readings = list(readings)

    def now_ms(self) -> int:
        """The present."""
        return NOW_MS

    async def of(self, sn: str) -> Holding:
        """All that it has."""
        found = self._readings[0] if len(self._readings) == 1 else self._readings.pop(0)
        return Holding(sn, found)


class LookTests(SynchronousTestCase):
    """Fresh readings, and lists that are read now."""

    def setUp(self) -> None:
        self.asker = Orders()

    def look(self, *readings: Reading | None) -> Any:
        """What is learned within a minute's freshness."""
        asker: Any = self.asker
        holdings: Any = Holdings(*readings)
        return Deferred.fromCoroutine(Looker(asker, holdings).look(SN, 60, "plan 1"))

    def why_not(self, *readings: Reading | None) -> str:
        """Why nothing is learned."""
        return str(self.failureResultOf(self.look(*readings), NotLearned).value)

    def test_fresh(self) -> None:
        """What was read a short while ago is what it has; the terminal is not asked."""
        reading = Reading(NOW_MS - 59_000, 1, 1)
        self.assertEqual(self.successResultOf(self.look(reading)).reading, reading)
        self.assertEqual(self.asker.asked, [])

    def test_read_now(self) -> None:
        """Else its list is read."""
        new = Reading(NOW_MS, 2, 2)
        self.assertEqual(self.successResultOf(self.look(Reading(NOW_MS - 60_000, 1, 1), new)).reading, new)
        self.assertEqual(self.asker.asked, [(SN, "getuserlist", "plan 1")])

    def test_not_whole(self) -> None:
        """A list that was not read to its end teaches nothing, though the order is done."""
        self.asker.ends(OrderState.DONE, reply={"complete": False})
        self.assertIn("to its end", self.why_not(None))
        self.assertIn("to its end", self.why_not(Reading(5, 1, 1)))

    def test_not_learned(self) -> None:
        """What was said against it is told, and where it stands when the time is over."""
        for state, told in (
            (OrderState.REFUSED, "did not tell what it has: busy"),
            (OrderState.QUEUED, "has not told within 600 s"),
        ):
            error = OrderError("busy") if state is OrderState.REFUSED else None
            self.asker.ends(state, error=error)
            self.assertIn(told, self.why_not(None))
        self.asker.answer = QueueFull("too many orders wait")
        self.assertEqual(self.why_not(None), "too many orders wait")
