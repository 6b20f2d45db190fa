"""Giving a terminal what a snapshot has: settings, then zones, then people, each step told in a report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tfserver.commander import BadOrder, Refused
from tfserver.config import ModelProfile
from tfserver.order import OrderState
from tfserver.people import copied
from tfserver.people.asking import Asker
from tfserver.people.bringing import Bringing
from tfserver.people.carrying.terminal import SHORTLY
from tfserver.people.copies import Copies
from tfserver.people.fitting import target_of
from tfserver.people.replacing import Replacing
from tfserver.people.stepping import Later, Steps, told
from tfserver.people.taking import HOLIDAYS, LIST, LOCKS, QUESTIONS, SETTINGS
from tfserver.people.turning import Turning
from tfserver.store.errands import Errands
from tfserver.store.people.restorations import Restoration, RestorationState, Step
from tfserver.store.people.snapshots import Snapshot, SnapshotState

KIND: Final = "restore"
"""Of the errands."""
WAITING: Final = "waits until a plan is through with this terminal"
_SHOWN: Final = 20
"""Names that a step tells."""


class Restoring:
    """Restores terminals, and lets them replace others: ``do`` is an errand by the id of a restoration."""

    def __init__(
        self,
        asker: Asker,
        errands: Errands,
        stores: Copies,
        profiles: dict[str, ModelProfile],
        turning: Turning,
    ) -> None:
        self._asker = asker
        self._errands = errands
        self._stores = stores
        self._profiles = profiles
        self._turning = turning
        self._replacing = Replacing(asker, errands, stores)

    async def do(self, restoration_id: str) -> float | None:
        """Go on with one; None when it is over, else when to come again."""
        restorations = self._stores.restorations
        wish = await restorations.get(restoration_id)
        if wish is None or wish.state is not RestorationState.OPEN:
            return None
        if not await self._turning.has(wish.sn, wish.id):
            await restorations.stage(wish.id, WAITING)
            return SHORTLY
        steps = Steps(self._asker.called(wish.actor), self._errands, restoration_id)
        try:
            await self._restore(wish, steps)
        except Later as later:
            await restorations.stage(restoration_id, "waits for the terminal")
            return later.seconds
        except Refused as refused:
            await restorations.finish(restoration_id, RestorationState.FAILED, str(refused))
        await self._turning.leave(wish.sn, wish.id)
        return None

    async def _restore(self, wish: Restoration, steps: Steps) -> None:
        restorations = self._stores.restorations
        snapshot = await self._snapshot(wish)
        if snapshot is None:
            await restorations.finish(wish.id, RestorationState.FAILED, "there is no such snapshot any more")
            return
        if wish.of is not None:
            await self._replacing.take_place(wish, snapshot)
        over = {step.name for step in wish.steps}
        writing = _Writing(wish, snapshot, steps, self._stores)
        for what, names in _STEPS.items():
            for name in names if what in wish.what else ():
                if name not in over:
                    await restorations.stage(wish.id, name)
                    await restorations.step(wish.id, await writing.write(name))
        if "people" in wish.what:
            await self._people(wish, snapshot, steps)
        if wish.of is not None:
            await self._replacing.leave(wish)
        await restorations.finish(wish.id, RestorationState.DONE)

    async def _snapshot(self, wish: Restoration) -> Snapshot | None:
        """The one that is meant; of a terminal that is to be replaced it is taken now."""
        if wish.snapshot is None and wish.of is not None:
            return await self._replacing.snapshot(wish)
        found = await self._stores.snapshots.get(wish.snapshot or "")
        return found if found is not None and found.state is SnapshotState.DONE else None

    async def _people(self, wish: Restoration, snapshot: Snapshot, steps: Steps) -> None:
        listed = await steps.ask(wish.sn, LIST, {}, LIST)
        if listed.state is not OrderState.DONE:
            why = f"its own people can't be listed: {told(listed)}"
            await self._stores.restorations.step(wish.id, Step("people", "refused", why))
            return
        terminal = await self._stores.terminals.get(wish.sn)
        assert terminal is not None, "an order was just carried out by it"
        bringing = Bringing(wish, snapshot, steps, self._stores, target_of(terminal, self._profiles))
        await bringing.bring()
        found = await self._stores.restorations.get(wish.id)
        assert found is not None
        state = "partly" if found.refused else "done"
        words = f"{found.done} brought, {found.same} were there already, {found.refused} could not be brought"
        await self._stores.restorations.step(wish.id, Step("people", state, words))  # type: ignore[arg-type]


_STEPS: Final = {"settings": ("settings", "questionnaire"), "zones": ("zones", "holidays")}
"""What is written, by what somebody may choose."""


class _Writing:
    """Writes what is not about people."""

    def __init__(self, wish: Restoration, snapshot: Snapshot, steps: Steps, stores: Copies) -> None:
        self._wish = wish
        self._snapshot = snapshot
        self._steps = steps
        self._stores = stores

    async def write(self, name: str) -> Step:
        """One step by its name."""
        word = {"settings": SETTINGS, "zones": LOCKS, "holidays": HOLIDAYS, "questionnaire": QUESTIONS}[name]
        theirs = await self._stores.snapshots.answer(self._snapshot.id, word)
        if theirs is None:
            why = self._snapshot.missing.get(word, "it was never asked")
            return Step(name, "skipped", f"not in the snapshot: {why}")
        asked = await self._steps.try_once(self._wish.sn, word, {}, f"read {word}")
        own = asked.reply or {}
        if asked.state is not OrderState.DONE:
            return Step(name, "refused", f"it does not say what it has: {told(asked)}")
        if name == "settings":
            return await self._several(name, "setdevinfo", *copied.settings_for(theirs, own))
        if name == "zones":
            return await self._several(name, "setdevlock", *copied.locks_for(theirs, own))
        if name == "holidays":
            return await self._holidays(theirs, own)
        return await self._questions(theirs, own)

    async def _holidays(self, theirs: Mapping[str, Any], own: Mapping[str, Any]) -> Step:
        wanted = copied.holidays_of(theirs)
        if wanted is None:
            return Step("holidays", "refused", "holidays that a terminal numbers are not copied")
        if wanted == copied.holidays_of(own):
            return Step("holidays", "skipped", "nothing differs")
        return await self._whole("holidays", "setholiday", {"holidays": wanted})

    async def _questions(self, theirs: Mapping[str, Any], own: Mapping[str, Any]) -> Step:
        wanted = copied.questions_of(theirs)
        if wanted is None or wanted == copied.questions_of(own):
            return Step("questionnaire", "skipped", "nothing differs")
        return await self._whole("questionnaire", "setquestionnaire", wanted)

    async def _whole(self, name: str, cmd: str, fields: dict[str, Any]) -> Step:
        why = await self._ordered(cmd, fields, name)
        return Step(name, "refused", why) if why else Step(name, "done", "written")

    async def _several(self, name: str, cmd: str, wanted: dict[str, Any], absent: list[str]) -> Step:
        """All at once; what the terminal refuses as a whole it gets one by one."""
        refused: dict[str, str] = {}
        if wanted and await self._ordered(cmd, wanted, cmd):
            for field, value in wanted.items():
                why = await self._ordered(cmd, {field: value}, f"{cmd} {field}")
                refused.update({field: why} if why else {})
        written = [field for field in wanted if field not in refused]
        words = [f"{len(written)} written"] if wanted else ["nothing differs"]
        words += [f"{field} refused: {why}" for field, why in list(refused.items())[:_SHOWN]]
        words += [f"it does not have {', '.join(absent[:_SHOWN])}"] if absent else []
        state = "done" if not refused else "partly" if written else "refused"
        return Step(name, state if wanted else "skipped", "; ".join(words))  # type: ignore[arg-type]

    async def _ordered(self, cmd: str, fields: dict[str, Any], step: str) -> str:
        """Why it was not carried out; empty when it was."""
        try:
            order = await self._steps.ask(self._wish.sn, cmd, fields, f"write {step}")
        except BadOrder as wrong:
            return str(wrong)
        return "" if order.state is OrderState.DONE else told(order)
