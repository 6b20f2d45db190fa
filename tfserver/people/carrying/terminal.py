"""Carrying a plan out at one terminal: in attempts, each followed by a look at what was kept.

Everything it has to know is kept with the plan, so that another process goes on where this one died. What it
returns is in how many seconds to come again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tfserver.model import Admission
from tfserver.people.carrying import steps
from tfserver.people.carrying.course import Course
from tfserver.people.carrying.doing import TICK, Doing, Interrupted
from tfserver.people.carrying.proving import Proving
from tfserver.people.carrying.steps import Step
from tfserver.people.carrying.window import Notes, Turnout, Window
from tfserver.people.means import Means
from tfserver.plan import ENDED, ItemState, ItemView, Plan, PlanState, TerminalHead

OFFLINE_SECONDS: Final = 60.0
SHORTLY: Final = 5.0
DONE: Final = "done"
"""The stage of a terminal at which nothing is left to do."""
_ATTEMPT: Final = "attempt "
_SILENT: Final = ", silent "
_TOLD_SECONDS: Final = 2.0


class Offline(Exception):
    """The terminal is not there: come again when it is."""


class Carrying:
    """One terminal of one plan."""

    def __init__(self, means: Means, plan: Plan, head: TerminalHead) -> None:
        self._means, self._plan, self._head = means, plan, head
        self._course = Course()
        self._window = Window(means.reactor, means.settings.orders_ahead)
        self._notes = Notes(means.reactor, means.plans, plan.id, head.sn, self._counted)
        shared = (self._notes, self._window, self._course)
        self._doing = Doing(means, plan, head.sn, *shared)
        self._proving = Proving(means, plan, head, self._doing, self._notes, self._course)
        self._counts: dict[str, int] = head.counts
        self._silent = 0
        """How many times in a row it was left because it answered nothing."""
        self._told: tuple[str, str] = head.stage, head.told
        self._looked_at = self._said_at = means.reactor.seconds()

    async def run(self) -> float | None:
        """Go as far as it goes now: in how many seconds to come again, None when it is over here. Raises
        Offline."""
        if self._head.stage == DONE:
            return None
        try:
            return await self._run()
        except Interrupted:
            return SHORTLY
        finally:
            self._window.cancel()
            self._notes.cancel()

    async def _run(self) -> float | None:
        attempt, self._silent = _read_stage(self._head.stage)
        if self._head.stage:
            await self._adopt_strays()
        while True:
            await self._look_around()
            if not self._course.is_leaving:
                await self._stage(_stage(attempt, self._silent), "")
                await self._attempt(attempt)
            if self._course.is_stopped:
                await self._wind_up()
                return None
            if self._course.is_leaving:
                return await self._leave(attempt)
            is_last = attempt >= self._means.settings.attempts
            if self._is_open() and not self._course.tried:
                return SHORTLY
            if not self._is_open() or is_last:
                await self._give_up()
                await self._over()
                return None
            attempt += 1

    async def _adopt_strays(self) -> None:
        """Somebody was here before."""
        left: list[ItemView] = []
        async for views in self._proving.pages():
            left += [view for view in views if view.state not in ENDED and not steps.is_accepted(view)]
        await self._doing.adopt_strays(left)
        await self._notes.written()

    async def _attempt(self, attempt: int) -> None:
        """Do once what is open, then look what of it was kept."""
        self._course.tried = False
        self._doing.attempt = attempt
        async for views in self._proving.pages():
            for step in steps.steps(views):
                await self._begin(step)
                if self._course.is_leaving:
                    break
        await self._drained()
        if not self._course.is_leaving:
            await self._proving.prove(self._window)
            await self._notes.written()

    async def _begin(self, step: Step) -> None:
        """Let a step be done as soon as there is room beside the others."""
        turnout = Turnout(step.people, step.is_alone)
        while not self._window.has_room(turnout) and not self._course.is_leaving:
            await self._window.changed(TICK)
            await self._look_now_and_then()
        await self._look_now_and_then()
        if not self._course.is_leaving:
            self._window.begin(turnout, self._doing.do(step))

    async def _drained(self) -> None:
        """Wait for what is under way; what the terminal was not told yet is taken back if nothing more is to
        be done."""
        while self._window.is_busy:
            if self._course.is_leaving:
                await self._doing.take_back()
            await self._window.changed(TICK)
            await self._look_now_and_then()
        self._window.check()
        await self._notes.written()

    async def _look_now_and_then(self) -> None:
        if self._means.reactor.seconds() - self._looked_at >= TICK:
            await self._look_around()

    async def _look_around(self) -> None:
        """Whether the plan is still to be carried out, and the terminal there and allowed."""
        self._looked_at = self._means.reactor.seconds()
        plan = await self._means.plans.get(self._plan.id)
        if plan is None or plan.state is not PlanState.APPLYING:
            self._course.stop("somebody stopped the plan")
            return
        grounds = await self._doing.checking.grounds_now()
        if grounds is None:
            self._course.stop("the terminal was deleted")
        elif grounds.terminal.admission is not Admission.APPROVED:
            self._course.stop(f"the terminal is {grounds.terminal.admission}: only approved ones take orders")
        elif not grounds.terminal.online:
            self._course.leave(OFFLINE_SECONDS, _OFFLINE)

    def _is_open(self) -> bool:
        return any(self._counts.get(state) for state in (ItemState.PLANNED, ItemState.ORDERED))

    async def _leave(self, attempt: int) -> float | None:
        """Come again later; unless the terminal is there and answers nothing, time after time."""
        await self._drained()
        self._silent = self._silent + 1 if self._course.is_silent else 0
        if self._silent >= self._means.settings.attempts:
            await self._give_up()
            await self._over()
            return None
        await self._stage(_stage(attempt, self._silent), self._course.words)
        if self._course.words == _OFFLINE:
            raise Offline
        return self._course.again

    async def _wind_up(self) -> None:
        """Nothing more is put: what is under way ends, and all the rest is left undone."""
        await self._drained()
        async for views in self._proving.pages():
            for step in steps.steps(views):
                if step.views[0].state is ItemState.ORDERED:
                    while not self._window.has_room(Turnout(step.people, step.is_alone)):
                        await self._doing.take_back()
                        await self._window.changed(TICK)
                    self._window.begin(Turnout(step.people, step.is_alone), self._doing.do(step))
        await self._drained()
        async for views in self._proving.pages():
            self._note_all(steps.steps(views), ItemState.SKIPPED, lambda view: self._course.words)
        await self._proving.settle()
        await self._over()

    async def _give_up(self) -> None:
        """No attempt is left for what is open."""
        async for views in self._proving.pages():
            left = [Step((view,)) for view in views if view.state not in ENDED]
            self._note_all(left, ItemState.FAILED, _why_failed)

    def _note_all(self, left: list[Step], state: ItemState, told: Callable[[ItemView], str]) -> None:
        for step in left:
            self._notes.add(*((view.item.n, state, told(view), view.order_id) for view in step.views))

    async def _over(self) -> None:
        await self._notes.written()
        await self._stage(DONE, "")
        await self._means.present.tell(self._plan.id, self._head.sn, self._counts)

    async def _stage(self, stage: str, told: str) -> None:
        if (stage, told) != self._told:
            self._told = stage, told
            await self._means.plans.set_stage(self._plan.id, self._head.sn, stage, told)

    async def _counted(self, counts: dict[str, int]) -> None:
        """So many steps are in which state now; who watches is told now and then."""
        self._counts = counts
        now = self._means.reactor.seconds()
        if now - self._said_at >= _TOLD_SECONDS:
            self._said_at = now
            await self._means.present.tell(self._plan.id, self._head.sn, counts)


_OFFLINE: Final = "it is offline: goes on when it is back"


def _stage(attempt: int, silent: int) -> str:
    return f"{_ATTEMPT}{attempt}{_SILENT}{silent}" if silent else f"{_ATTEMPT}{attempt}"


def _read_stage(stage: str) -> tuple[int, int]:
    attempt, _, silent = stage.removeprefix(_ATTEMPT).partition(_SILENT)
    return int(attempt) if attempt.isdecimal() else 1, int(silent) if silent.isdecimal() else 0


def _why_failed(view: ItemView) -> str:
    if steps.is_accepted(view):
        return "the terminal said true, and could not be asked whether it kept it"
    return view.told or steps.NO_ANSWER
