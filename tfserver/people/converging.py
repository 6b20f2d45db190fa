"""Terminals of continuous groups are kept as they are to be, without anybody applying a plan.

One errand looks over all of them now and then, with the people read once; each terminal where something is
to be done, or whose list is too old, gets an errand of its own, which makes a plan and lets it be carried out
like any other. What a terminal refused, or did not keep, is not tried again before its list is read again,
unless something else is wanted by then (docs/people.md).
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import datetime
from typing import Final

from twisted.internet import task
from twisted.internet.defer import DeferredLock

from tfserver.model import Admission, Terminal, canonical_sn
from tfserver.people.applying import Applying
from tfserver.people.carrying.terminal import OFFLINE_SECONDS, SHORTLY
from tfserver.people.desired import Chooser, chooses
from tfserver.people.fitting import target_of
from tfserver.people.gathering import A_STRETCH, Company, company
from tfserver.people.looking import NotLearned
from tfserver.people.means import Means
from tfserver.people.planner import Planner
from tfserver.people.planning import Planning
from tfserver.people.working import Worker
from tfserver.person import Group, Reading
from tfserver.plan import Item, ItemState, Options, Plan, PlanState
from tfserver.store.errands import Errands
from tfserver.store.people.turns import Turns

KIND: Final = "converge"
ALL: Final = "*"
ACTOR: Final = "continuous"
A_PAGE: Final = 200
STEPS_A_PAGE: Final = 500
AT_ONCE: Final = 8
LOOK_AGAIN_SECONDS: Final = 30.0
UNREAD_SECONDS: Final = 300.0
REST: Final = 4
"""So many times as long as a look over all terminals took they are left alone afterwards."""
_OPTIONS: Final = Options(read="never")
_TRIED: Final = (ItemState.REFUSED, ItemState.FAILED)
Sign = tuple[object, ...]
"""What a step is to bring about: the same for the same, in whichever plan it stands."""


class Converging:
    """Keeps terminals as they are to be. A Part."""

    def __init__(
        self, means: Means, planner: Planner, applying: Applying, errands: Errands, turns: Turns
    ) -> None:
        self._means = means
        self._planner = planner
        self._applying = applying
        self._errands = errands
        self._turns = turns
        self._comparing = DeferredLock()
        """One terminal is compared at a time: a group may have everybody, and each comparing reads them."""
        self._worker = Worker(means.reactor, errands, self.do, AT_ONCE)
        self._rests_until = 0.0

    async def start(self) -> None:
        """Look over all terminals from now on."""
        await self._errands.add(ALL, seconds=min(LOOK_AGAIN_SECONDS, self._means.settings.converge_seconds))
        await self._worker.start()

    async def stop(self) -> None:
        """Leave it to others."""
        await self._worker.stop()

    def heard(self, message: str) -> bool:
        """A wake-up from this or another process; whether it was for this."""
        return self._worker.heard(message)

    async def touch(self) -> None:
        """People, groups or terminals have changed: look soon, once for all changes of a few seconds."""
        await self._errands.add(ALL, seconds=SHORTLY)

    async def do(self, name: str) -> float | None:
        """One errand: to look over all, or to see to one terminal."""
        if name != ALL:
            return await self._see_to(name)
        began: float = self._means.reactor.seconds()
        if began < self._rests_until:
            return self._rests_until - began
        await self._look_over()
        ended: float = self._means.reactor.seconds()
        self._rests_until = ended + REST * (ended - began)
        return max(self._means.settings.converge_seconds, self._rests_until - ended)

    async def _look_over(self) -> None:
        """Find the terminals where something is to be done."""
        groups = [group for group in await self._means.groups.listing() if group.continuous]
        if not groups:
            return
        people: Company | None = None
        async for terminal in self._terminals(groups):
            if people is None:
                people = await self._company(lambda group: True)
            reading, items = await self._difference(terminal, people)
            is_old = terminal.online and not self._is_read(reading)
            if is_old or await self._untried(terminal.sn, items):
                await self._errands.add(canonical_sn(terminal.sn))

    async def _terminals(self, groups: Iterable[Group]) -> AsyncIterator[Terminal]:
        """Those that one of the groups chooses."""
        after, choosers = "", [Chooser(group) for group in groups]
        while True:
            page = await self._means.terminals.page(after, A_PAGE)
            for terminal in page:
                is_chosen = any(chooser.takes(terminal) for chooser in choosers)
                if terminal.admission is Admission.APPROVED and is_chosen:
                    yield terminal
            if len(page) < A_PAGE:
                return
            after = canonical_sn(page[-1].sn)

    async def _see_to(self, sn: str) -> float | None:
        """Bring one terminal to where it is to be; in how many seconds to look again."""
        last = await self._turns.of(_last(sn))
        plan = await self._means.plans.get(last) if last else None
        if plan is not None and plan.state in (PlanState.READY, PlanState.APPLYING):
            return await self._begun(plan)
        terminal = await self._means.terminals.get(sn)
        groups = [group for group in await self._means.groups.listing() if group.continuous]
        is_ours = terminal is not None and any(chooses(group, terminal) for group in groups)
        if terminal is None or not is_ours or terminal.admission is not Admission.APPROVED:
            return None
        if not terminal.online:
            return OFFLINE_SECONDS * 60 if await self._errands.await_terminal(sn, sn) else SHORTLY
        try:
            key = f"converge {sn} {secrets.token_hex(8)}"
            await self._means.looker.look(sn, self._old_seconds(), key)
        except NotLearned:
            return UNREAD_SECONDS
        await self._comparing.acquire()
        try:
            made = await self._planned(terminal, last)
        finally:
            self._comparing.release()
        return None if made is None else await self._begun(made)

    async def _planned(self, terminal: Terminal, last: str) -> Plan | None:
        """A plan for a terminal, if there is something to do."""
        sn = canonical_sn(terminal.sn)
        people = await self._company(lambda group: chooses(group, terminal))
        _, items = await self._difference(terminal, people)
        if not await self._untried(sn, items):
            return None
        made = await self._planner.fresh([sn], _OPTIONS, ACTOR)
        # known before it is begun: whoever comes after a kill finds it, and makes no other
        await self._turns.take(_last(sn), made.id, instead_of=last)
        if last:
            # one a terminal is kept: thousands of terminals would push people's plans out
            await self._means.plans.forget(last)
        return made

    async def _begun(self, plan: Plan) -> float:
        """Let its plan be carried out; afterwards it is looked whether that was enough."""
        if plan.state is PlanState.READY:
            await self._applying.begin(plan.id, ACTOR)
        return LOOK_AGAIN_SECONDS

    async def _company(self, counts: Callable[[Group], bool]) -> Company:
        return await company(self._means, counts)

    async def _difference(self, terminal: Terminal, people: Company) -> tuple[Reading | None, list[Item]]:
        """When its list was read, and what is to be done at it; nothing while that is not known."""
        means = self._means
        holding = await means.holdings.of(terminal.sn)
        if holding.reading is None:
            return None, []
        wanted = await people.wanted_at(terminal, means.local_of(terminal))
        others = await people.others(holding, wanted)
        planning = Planning(target_of(terminal, means.profiles), holding, wanted, _OPTIONS, others)
        for n, _ in enumerate(planning.steps(), 1):
            if n % A_STRETCH == 0:
                await task.deferLater(means.reactor, 0)
        return holding.reading, list(planning.plan(1.0).items)

    async def _untried(self, sn: str, items: list[Item]) -> bool:
        """Whether there is something to do that its last plan has not tried in vain."""
        if not items:
            return False
        last = await self._turns.of(_last(sn))
        plan = await self._means.plans.get(last) if last else None
        if plan is None or plan.ended is None or self._age(plan.ended) >= self._old_seconds():
            return True
        return not {_sign(item) for item in items} <= await self._in_vain(plan.id, sn)

    async def _in_vain(self, plan_id: str, sn: str) -> set[Sign]:
        found: set[Sign] = set()
        after = 0
        while True:
            page = await self._means.plans.items(plan_id, sn, after, STEPS_A_PAGE)
            found |= {_sign(view.item) for view in page if view.state in _TRIED}
            if not page:
                return found
            after = page[-1].item.n

    def _old_seconds(self) -> float:
        return 3600.0 * self._means.settings.reread_hours

    def _is_read(self, reading: Reading | None) -> bool:
        age = self._means.holdings.now_ms() - (reading.at if reading else 0)
        return reading is not None and age < 1000 * self._old_seconds()

    def _age(self, instant: str) -> float:
        then = datetime.fromisoformat(instant).timestamp()
        return float(self._means.reactor.seconds() - then)


def _last(sn: str) -> str:
    """Under this name stands which plan was made for a terminal last; no terminal is called so."""
    return f"last for {sn}"


def _sign(item: Item) -> Sign:
    return (item.op, item.enrollid, item.backupnum, item.version, item.lock)
