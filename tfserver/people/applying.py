"""Carrying plans out: one errand for each terminal, and one for the plan that sees to them (docs/people.md).

The errand of a plan makes sure that each of its terminals has one, and ends the plan after the last. Whatever
dies in between, one of them is still due.
"""

from __future__ import annotations

from typing import Final

from tfserver.errors import TfserverError
from tfserver.people.carrying.terminal import DONE, OFFLINE_SECONDS, SHORTLY, Carrying, Offline
from tfserver.people.means import Means
from tfserver.people.turning import Turning
from tfserver.people.working import Worker
from tfserver.plan import Plan, PlanState
from tfserver.store.errands import Errands

KIND: Final = "apply"
AT_LATEST: Final = 5.0
SEEN_TO_SECONDS: Final = 60.0
WAITING: Final = "waits until another plan, or a restoration, is through with this terminal"


class UnknownPlan(TfserverError):
    """There is no such plan."""


class NotRunning(TfserverError):
    """Only a plan that is being carried out can be stopped."""


class Applying:
    """Begins plans, carries them out, stops them. A Part: ``start`` and ``stop`` are those of the process."""

    def __init__(self, means: Means, errands: Errands, turning: Turning) -> None:
        self._means = means
        self._errands = errands
        self._turning = turning
        self._worker = Worker(means.reactor, errands, self.do, means.settings.at_once)

    async def start(self) -> None:
        """Do errands from now on."""
        await self._worker.start()

    async def stop(self) -> None:
        """Leave what is under way to others."""
        await self._worker.stop()

    def heard(self, message: str) -> bool:
        """A wake-up from this or another process; whether it was for this."""
        return self._worker.heard(message)

    async def begin(self, plan_id: str, actor: str) -> Plan:
        """Let a plan be carried out. Raises UnknownPlan, or ``plans.NotReady``."""
        if await self._means.plans.get(plan_id) is None:
            raise UnknownPlan(f"there is no plan {plan_id}")
        # before it is begun: should this process die after that, somebody sees to it all the same
        await self._errands.add(plan_id, seconds=AT_LATEST)
        sns = await self._means.plans.begin(plan_id, actor)
        await self._errands.add(plan_id, *(_errand(plan_id, sn) for sn in sns))
        return await self._known(plan_id)

    async def give_up(self, plan_id: str) -> Plan:
        """Put nothing more of a plan; what terminals have of it stays. Raises UnknownPlan or NotRunning."""
        plan = await self._known(plan_id)
        is_running = plan.state is PlanState.APPLYING
        if not is_running or not await self._means.plans.end(plan_id, PlanState.CANCELLED):
            state = (await self._known(plan_id)).state
            raise NotRunning(f"the plan is {state}: only one that is being carried out can be stopped")
        # whoever waits for a terminal is to note that it need not
        await self._errands.add(*(_errand(plan_id, sn) for sn in plan.sns))
        return await self._known(plan_id)

    async def do(self, name: str) -> float | None:
        """One errand: that of a plan, or of one terminal of it."""
        plan_id, _, sn = name.partition(" ")
        plan = await self._means.plans.get(plan_id)
        if plan is None or plan.state not in (PlanState.APPLYING, PlanState.CANCELLED):
            return None
        return await (self._at(plan, sn) if sn else self._see_to(plan))

    async def _see_to(self, plan: Plan) -> float | None:
        """Let no terminal of a plan be forgotten, and end it after the last."""
        if plan.state is not PlanState.APPLYING:
            return None
        heads = await self._means.plans.terminals(plan.id, plan.sns)
        left = [head.sn for head in heads if head.items and head.stage != DONE]
        if not left:
            await self._means.plans.end(plan.id, PlanState.DONE)
            return None
        # only those that have none: an earlier time stays
        await self._errands.add(*(_errand(plan.id, sn) for sn in left), seconds=SEEN_TO_SECONDS)
        return SEEN_TO_SECONDS

    async def _at(self, plan: Plan, sn: str) -> float | None:
        head = await self._means.plans.terminal(plan.id, sn)
        if head is None or not head.items or head.stage == DONE:
            await self._over(plan, sn)
            return None
        # one that was stopped changes nothing any more
        if plan.state is PlanState.APPLYING and not await self._turning.has(sn, plan.id):
            await self._means.plans.set_stage(plan.id, sn, head.stage, WAITING)
            return SHORTLY
        try:
            seconds = await Carrying(self._means, plan, head).run()
        except Offline:
            name = _errand(plan.id, sn)
            return OFFLINE_SECONDS if await self._errands.await_terminal(sn, name) else SHORTLY
        if seconds is None:
            await self._over(plan, sn)
        return seconds

    async def _over(self, plan: Plan, sn: str) -> None:
        """Nothing is left to do at a terminal; whoever waits for it may go on."""
        await self._turning.leave(sn, plan.id)
        # not for each of many terminals at once
        await self._errands.add(plan.id, seconds=1.0)

    async def _known(self, plan_id: str) -> Plan:
        found = await self._means.plans.get(plan_id)
        if found is None:
            raise UnknownPlan(f"there is no plan {plan_id}")
        return found


def _errand(plan_id: str, sn: str) -> str:
    return f"{plan_id} {sn}"
