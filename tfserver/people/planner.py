"""Makes plans: reads terminals where that is wanted, compares, and keeps what is to be done."""

from __future__ import annotations

import bisect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec
from twisted.internet import task
from twisted.internet.defer import Deferred, FirstError, gatherResults

from tfserver.errors import TfserverError
from tfserver.model import Admission, Terminal, canonical_sn, rfc3339
from tfserver.people.desired import Chooser, choosing, wanted_of
from tfserver.people.differing import DifferentPerson, difference_of
from tfserver.people.fitting import target_of
from tfserver.people.gathering import A_STRETCH, Company, company
from tfserver.people.looking import NotLearned
from tfserver.people.means import Means
from tfserver.people.pacing import ORDERS, pace_of
from tfserver.people.planning import Planning
from tfserver.person import Held, Holding, Known, Reading
from tfserver.plan import Options, Plan, Scope, TerminalPlan
from tfserver.store.errands import Errands
from tfserver.store.people.plans import Overtaken, Plans
from tfserver.store.people.readings import Readings

KIND: Final = "plans"
"""Of the errands."""
MOST_TERMINALS: Final = 2000
A_PAGE: Final = 200
TOGETHER: Final = 2
"""Terminals that are planned side by side, so that one waits for the store while another is compared."""
RESCUE_SECONDS: Final = 60.0
"""After so long another process makes a plan whose maker died."""


class BadScope(TfserverError):
    """What was asked for chooses no terminals, or too many; ``field`` says where."""

    def __init__(self, field: str, words: str) -> None:
        super().__init__(words)
        self.field = field


class Differences(msgspec.Struct, frozen=True):
    """People of a terminal by their numbers, and when its list was read last."""

    reading: Reading | None
    people: list[DifferentPerson]
    next: int | None


class Planner:
    """Makes plans in this process; ``errands`` are those that are made, or finished, by any."""

    def __init__(self, means: Means, errands: Errands, readings: Readings) -> None:
        self._means = means
        self._errands = errands
        self._readings = readings

    @property
    def plans(self) -> Plans:
        """Those that are kept."""
        return self._means.plans

    async def plan(self, scope: Scope, options: Options, actor: str) -> Plan:
        """A plan for all terminals of a scope: made at once when what they have is known freshly enough, else
        as soon as they were read. Raises BadScope."""
        terminals = await self._chosen(scope)
        plan = await self._means.plans.add(actor, scope, options, [one.sn for one in terminals])
        readable = [canonical_sn(one.sn) for one in terminals if one.online and _is_approved(one)]
        if not await self._stale(readable, options):
            await self._errands.add(plan.id, seconds=RESCUE_SECONDS)
            await self._make(plan.id)
            await self._errands.remove(plan.id)
        else:
            await self._errands.add(plan.id)
        return await self._means.plans.get(plan.id) or plan

    async def fresh(self, sns: Iterable[str], options: Options, actor: str) -> Plan:
        """A plan for these terminals from what is known of them now."""
        asked = msgspec.structs.replace(options, read="never")
        return await self.plan(Scope(terminals=tuple(sns)), asked, actor)

    async def do(self, plan_id: str) -> float | None:
        """The errand: make a plan that is not made yet."""
        await self._make(plan_id)
        return None

    async def differences(self, sn: str, after: int, limit: int) -> Differences | None:
        """How people at a terminal differ from those who are to be there, behind this number; None: there is
        no such terminal."""
        means = self._means
        terminal = await means.terminals.get(sn)
        if terminal is None:
            return None
        holding = await means.holdings.of(sn)
        chosen, local = choosing(await means.groups.listing(), terminal), means.local_of(terminal)
        target, slots, rows = (
            target_of(terminal, means.profiles),
            _by_person(holding),
            list[DifferentPerson](),
        )
        async for one, known in self._about(sorted({*holding.people, *slots}), chosen, after):
            wanted = None if known is None else wanted_of(known, chosen, local)
            person, held = holding.people.get(one), slots.get(one, {})
            if wanted is None and person is None and not held:
                continue
            if len(rows) == limit:
                return Differences(holding.reading, rows, rows[-1].enrollid)
            rows.append(difference_of(target, one, wanted, person, held))
        return Differences(holding.reading, rows, None)

    async def _about(
        self, there: Sequence[int], chosen: Iterable[str], after: int
    ) -> AsyncIterator[tuple[int, Known | None]]:
        """Those of a terminal and of the groups that choose it, by their numbers, with what the directory has
        of them. No more are read than are looked at: a group may have everybody."""
        while True:
            begin = bisect.bisect_right(there, after)
            numbers = set(there[begin : begin + A_STRETCH])
            for name in chosen:
                numbers.update(await self._means.groups.page(name, after, A_STRETCH))
            part = sorted(numbers)[:A_STRETCH]
            if not part:
                return
            known = {one.person.enrollid: one for one in await self._means.directory.many(part)}
            for one in part:
                yield one, known.get(one)
            after = part[-1]

    async def _chosen(self, scope: Scope) -> list[Terminal]:
        means, choosers = self._means, list[Chooser]()
        for name in scope.groups:
            group = await means.groups.get(name)
            if group is None:
                raise BadScope("groups", f"no group is called '{name}'")
            choosers.append(Chooser(group))
        named = {canonical_sn(sn) for sn in scope.terminals}
        found: list[Terminal] = []
        async for terminal in _all(means):
            is_chosen = canonical_sn(terminal.sn) in named or terminal.site in scope.sites
            is_chosen = is_chosen or not set(scope.tags).isdisjoint(terminal.tags)
            if is_chosen or any(chooser.takes(terminal) for chooser in choosers):
                found.append(terminal)
        missing = named - {canonical_sn(one.sn) for one in found}
        if missing:
            raise BadScope("terminals", f"no terminal '{min(missing)}' has ever registered here")
        if not found:
            raise BadScope("body", "these sites, tags, serial numbers and groups choose no terminal")
        if len(found) > MOST_TERMINALS:
            raise BadScope("body", f"expected 1 to {MOST_TERMINALS} terminals; these are {len(found)}")
        return found

    async def _stale(self, sns: Sequence[str], options: Options) -> list[str]:
        """The terminals that are to be read before."""
        if options.read != "fresh":
            return [] if options.read == "never" else [*sns]
        least = self._means.holdings.now_ms() - 1000 * self._means.settings.fresh_seconds
        found = await self._readings.of(sns)
        return [sn for sn, reading in found.items() if reading is None or reading.at < least]

    async def _make(self, plan_id: str) -> None:
        """Make a plan, unless it is made, or gone. Whoever made it until now stops."""
        means = self._means
        token, plan = await means.plans.make(plan_id), await means.plans.get(plan_id)
        if token is None or plan is None:
            return
        try:
            await self._write(plan, token, await self._read(plan))
            await means.plans.ready(plan_id, token)
        except Overtaken:
            return

    async def _write(self, plan: Plan, token: str, notes: dict[str, str]) -> None:
        means, terminals = self._means, dict[str, Terminal]()

        async def find(sn: str) -> None:
            """One terminal, unless it is gone."""
            found = await means.terminals.get(sn)
            if found is not None:
                terminals[sn] = found

        await each(plan.sns, TOGETHER, find)
        there = [*terminals.values()]
        # after the terminals: what they told may have changed the directory
        people = await company(means, lambda group: any(map(Chooser(group).takes, there)))

        async def write(sn: str) -> None:
            """Plan one terminal."""
            made = await planned(means, people, plan.options, terminals.get(sn), sn, notes.get(sn, ""))
            await means.plans.put_terminal(plan.id, token, made)

        await each(plan.sns, TOGETHER, write)

    async def _read(self, plan: Plan) -> dict[str, str]:
        """Read the lists of the terminals; of which that could not be done, and why."""
        notes: dict[str, str] = {}
        settings = self._means.settings
        seconds = 0.0 if plan.options.read == "always" else settings.fresh_seconds

        async def look(sn: str) -> None:
            """One terminal."""
            terminal = await self._means.terminals.get(sn)
            if terminal is None or not _is_approved(terminal):
                return
            if not terminal.online:
                notes[sn] = "it is not online"
                return
            try:
                await self._means.looker.look(sn, seconds, f"plan {plan.id} {sn}")
            except NotLearned as failed:
                notes[sn] = str(failed)

        await each(await self._stale(plan.sns, plan.options), settings.at_once, look)
        return notes


async def planned(
    means: Means, people: Company, options: Options, terminal: Terminal | None, sn: str, note: str
) -> TerminalPlan:
    """What is to be done at one terminal; ``note`` says why it could not be read just now."""
    if terminal is None:
        return TerminalPlan(sn=sn, problem="it is not registered any more")
    if not _is_approved(terminal):
        return TerminalPlan(sn=sn, problem=f"it is {terminal.admission}")
    holding = await means.holdings.of(sn)
    if holding.reading is None:
        why = f"its list was never read: {note}" if note else "its list was never read"
        return TerminalPlan(sn=sn, problem=why)
    wanted = await people.wanted_at(terminal, means.local_of(terminal))
    others = await people.others(holding, wanted)
    planning = Planning(target_of(terminal, means.profiles), holding, wanted, options, others)
    for n, _ in enumerate(planning.steps(), 1):
        if n % A_STRETCH == 0:
            await task.deferLater(means.reactor, 0)
    orders, _ = await means.commander.listing(terminal.sn, ORDERS, "")
    made = planning.plan(pace_of(orders))
    if not note:
        return made
    when = rfc3339(datetime.fromtimestamp(holding.reading.at / 1000, UTC))
    told = f"its list is as read at {when}: {note}"
    return msgspec.structs.replace(made, warnings=(*made.warnings, told))


async def each(sns: Iterable[str], at_once: int, do: Callable[[str], Awaitable[None]]) -> None:
    """Do something for each, so many at a time; the first failure ends all of it."""
    waiting = iter(sns)

    async def work() -> None:
        """One after another."""
        for sn in waiting:
            await do(sn)

    workers = [Deferred.fromCoroutine(work()) for _ in range(at_once)]
    gathered = gatherResults(workers, consumeErrors=True)
    try:
        await gathered
    except FirstError as first:
        for worker in workers:
            worker.cancel()
        first.subFailure.raiseException()


def _is_approved(terminal: Terminal) -> bool:
    return terminal.admission is Admission.APPROVED


async def _all(means: Means) -> AsyncIterator[Terminal]:
    after = ""
    while True:
        page = await means.terminals.page(after, A_PAGE)
        for terminal in page:
            yield terminal
        if len(page) < A_PAGE:
            return
        after = canonical_sn(page[-1].sn)


def _by_person(holding: Holding) -> dict[int, dict[int, Held]]:
    found: dict[int, dict[int, Held]] = {}
    for (enrollid, backupnum), held in holding.credentials.items():
        found.setdefault(enrollid, {})[backupnum] = held
    return found
