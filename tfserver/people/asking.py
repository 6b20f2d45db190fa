"""Ordering a terminal to do something for an errand, and awaiting the end."""

from __future__ import annotations

from typing import Any

from tfserver.commander import Commander, Wanted
from tfserver.order import ENDS, Order


class Asker:
    """Orders in somebody's name."""

    def __init__(self, commander: Commander, actor: str) -> None:
        self._commander = commander
        self.actor = actor

    def called(self, actor: str) -> Asker:
        """The same in another's name."""
        return Asker(self._commander, actor)

    async def put(
        self, sn: str, cmd: str, fields: dict[str, Any], *, key: str, ttl: int | None = None
    ) -> Order:
        """Let an order wait for its terminal. Under a ``key`` that was used before it is that order again, as
        it is now. Raises ``commander.Refused``."""
        wanted = Wanted(sn, cmd, fields, self.actor, is_admin=True, ttl=ttl, confirm=sn, key=key, waits=True)
        return await self._commander.order(wanted)

    async def ended(self, order: Order, seconds: float) -> Order:
        """An order when it has ended, or as it is when the seconds are over. Raises ``UnknownOrder`` for one
        that was forgotten."""
        return order if order.state in ENDS else await self._commander.ended(order.id, seconds)

    async def ask(
        self, sn: str, cmd: str, fields: dict[str, Any], *, key: str, seconds: float, ttl: int | None = None
    ) -> Order:
        """``put`` and ``ended`` in one."""
        return await self.ended(await self.put(sn, cmd, fields, key=key, ttl=ttl), seconds)

    async def cancel(self, order_id: str) -> Order:
        """Take an order back while it is queued. Raises ``commander.Refused``."""
        return await self._commander.cancel(order_id, self.actor)
