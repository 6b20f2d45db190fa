"""Whose turn it is to change people at a terminal: one plan's or one restoration's at a time.

Two at once would undo each other: a plan that removes whom this server did not put there removes whom a
restoration just brings.
"""

from __future__ import annotations

from tfserver.model import canonical_sn
from tfserver.people.carrying.terminal import DONE
from tfserver.plan import PlanState
from tfserver.store.people.plans import Plans
from tfserver.store.people.restorations import Restorations, RestorationState
from tfserver.store.people.turns import Turns


class Turning:
    """Gives turns, and takes those of whoever is over and left none."""

    def __init__(self, turns: Turns, plans: Plans, restorations: Restorations) -> None:
        self._turns = turns
        self._plans = plans
        self._restorations = restorations

    async def has(self, sn: str, who: str) -> bool:
        """Whether this plan or restoration may change the terminal now."""
        holder = await self._turns.take(sn, who)
        if holder != who and not await self._is_at(holder, sn):
            holder = await self._turns.take(sn, who, instead_of=holder)
        return holder == who

    async def leave(self, sn: str, who: str) -> None:
        """Let the next have it."""
        await self._turns.leave(sn, who)

    async def _is_at(self, who: str, sn: str) -> bool:
        """Whether somebody still has something to do, or to wind up, at a terminal."""
        restoration = await self._restorations.get(who)
        if restoration is not None:
            is_its = canonical_sn(restoration.sn) == canonical_sn(sn)
            return is_its and restoration.state is RestorationState.OPEN
        plan = await self._plans.get(who)
        if plan is None or plan.state not in (PlanState.APPLYING, PlanState.CANCELLED):
            return False
        head = await self._plans.terminal(who, sn)
        return head is not None and bool(head.items) and head.stage != DONE
