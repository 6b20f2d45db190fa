"""Ordering one thing after another of a terminal for an errand that goes on after a kill."""

from __future__ import annotations

from typing import Any, Final

from tfserver.order import ENDS, Order, OrderState
from tfserver.people.asking import Asker
from tfserver.store.errands import Errands

WAIT_SECONDS: Final = 45.0
"""Within which most orders end that a connected terminal gets."""
NET_SECONDS: Final = 600.0
"""A terminal that is away wakes the errand when it comes; should that be missed, this does."""
SOON_SECONDS: Final = 1.0
ONCE_SECONDS: Final = 30
"""An answer takes 20 s at most, so a silence is waited for once or twice."""
ATTEMPTS: Final = 3
_AGAIN: Final = frozenset({OrderState.EXPIRED, OrderState.UNKNOWN, OrderState.FAILED, OrderState.CANCELLED})
"""Ends after which nobody knows, or nothing happened: worth another order."""


class Later(Exception):
    """The errand has to come again after so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"again in {seconds} s")
        self.seconds = seconds


class Steps:
    """Orders of one errand. Each has a key, so that after a kill it is the same order again."""

    def __init__(self, asker: Asker, errands: Errands, name: str) -> None:
        self._asker = asker
        self._errands = errands
        self._name = name

    async def ask(self, sn: str, cmd: str, fields: dict[str, Any], step: str) -> Order:
        """An order when it has ended, and was given several times if it had to be. Raises Later, and
        ``commander.Refused``."""
        for attempt in range(ATTEMPTS):
            key = f"{self._name} {step} {attempt}"
            order = await self._asker.ask(sn, cmd, fields, key=key, seconds=WAIT_SECONDS)
            if order.state not in ENDS:
                await self.wait(sn)
            if order.state not in _AGAIN:
                break
        return order

    async def try_once(self, sn: str, cmd: str, fields: dict[str, Any], step: str) -> Order:
        """The same of a command that the terminal may not know: old ones leave that unanswered, and then it
        is not said again. Raises Later, and ``commander.Refused``."""
        for attempt in range(ATTEMPTS):
            if await self._errands.await_terminal(sn, self._name):
                raise Later(NET_SECONDS)
            key = f"{self._name} {step} {attempt}"
            order = await self._asker.ask(sn, cmd, fields, key=key, seconds=WAIT_SECONDS, ttl=ONCE_SECONDS)
            if order.state not in ENDS:
                raise Later(SOON_SECONDS)
            if order.state is not OrderState.EXPIRED:
                break
        return order

    async def wait(self, sn: str) -> None:
        """Raises Later: when this terminal is there, or soon if it is."""
        waits = await self._errands.await_terminal(sn, self._name)
        raise Later(NET_SECONDS if waits else SOON_SECONDS)


def told(order: Order) -> str:
    """Why an order did not succeed, in words."""
    return order.error.message if order.error is not None else f"the order is {order.state.value}"
