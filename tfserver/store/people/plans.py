"""Plans, step by step, and what became of each step (docs/people.md)."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from tfserver.config import People
from tfserver.errors import TfserverError
from tfserver.model import canonical_sn, rfc3339
from tfserver.plan import (
    Item,
    ItemState,
    ItemView,
    Options,
    Plan,
    PlanState,
    Scope,
    TerminalHead,
    TerminalPlan,
)
from tfserver.store.client import Client

MOST_KEPT: Final = 10_000
"""Plans that are remembered; the oldest go for newer ones, but none that is being applied."""
STEPS_A_CALL: Final = 250
HEADS_A_CALL: Final = 100
HOUR_MS: Final = 3_600_000
Told = tuple[int, ItemState, str, str]
"""What became of a step: its number, state, words, and the order that did it."""


class NotReady(TfserverError):
    """The plan can't be begun: it is not made yet, was begun before, or is gone."""


class Overtaken(TfserverError):
    """Somebody else makes this plan by now, or nobody wants it any more."""


class Asked(msgspec.Struct, frozen=True):
    """What stays of a plan as it was asked for."""

    actor: str
    scope: Scope
    options: Options
    sns: tuple[str, ...]


class Plans:
    """All plans that are remembered."""

    def __init__(self, client: Client, settings: People) -> None:
        self._client = client
        self._settings = settings
        keys = client.keys
        self._names = [keys.plans, keys.events]
        self._prefixes = [keys.plan(""), keys.plan_items("", "").removesuffix(":")]

    async def add(self, actor: str, scope: Scope, options: Options, sns: Iterable[str]) -> Plan:
        """A plan that is still to be made, of these terminals."""
        plan_id = secrets.token_hex(10)
        asked = Asked(actor, scope, options, tuple(canonical_sn(sn) for sn in sns))
        life = self._settings.plan_hours * HOUR_MS
        await self._run("add", plan_id, msgspec.json.encode(asked), life, MOST_KEPT)
        found = await self.get(plan_id)
        assert found is not None
        return found

    async def make(self, plan_id: str) -> str | None:
        """Begin to make a plan; the token under which that is done. None when it is made, or gone."""
        token = secrets.token_hex(8)
        return token if await self._run("make", plan_id, token) else None

    async def put_terminal(self, plan_id: str, token: str, plan: TerminalPlan) -> None:
        """What is to be done at one terminal, in the place of what was there. Raises Overtaken."""
        sn, steps = canonical_sn(plan.sn), [*plan.items, *plan.refusals]
        for start in range(0, max(1, len(steps)), STEPS_A_CALL):
            told: list[Any] = []
            for item in steps[start : start + STEPS_A_CALL]:
                told += (item.n, _ITEM.encode(item))
            await self._mine("steps", plan_id, token, sn, "" if start else "1", *told)
        head = msgspec.json.encode(_head(sn, plan))
        await self._mine("head", plan_id, token, sn, head, len(plan.items))

    async def ready(self, plan_id: str, token: str) -> None:
        """It is made. Raises Overtaken."""
        await self._mine("ready", plan_id, token)

    async def fail(self, plan_id: str, token: str, why: str) -> None:
        """It can't be made. Raises Overtaken."""
        await self._mine("fail", plan_id, token, why)

    async def get(self, plan_id: str) -> Plan | None:
        """One plan as far as it is, or None."""
        found = await self._read("get", plan_id)
        return _plan(plan_id, found) if found[0] else None

    async def listing(self, limit: int, before: str) -> tuple[list[Plan], str | None]:
        """Plans, the newest first, older than the cursor ``before`` (empty: from the newest); and the cursor
        of those behind them, None when there are no more."""
        found: list[Plan] = []
        cursor = before
        while True:
            bounds = (f"({cursor}" if cursor else "+inf", "-inf", "WITHSCORES", "LIMIT", 0, limit)
            flat = await self._client.read("ZREVRANGEBYSCORE", self._client.keys.plans, *bounds)
            gone = []
            for plan_id, made in zip(flat[::2], flat[1::2], strict=True):
                if len(found) == limit:
                    return found, cursor
                one = await self.get(plan_id)
                cursor = made
                if one is None:
                    gone.append(plan_id)
                else:
                    found.append(one)
            if gone:
                await self._client.write("ZREM", self._client.keys.plans, *gone)
            if len(flat) < 2 * limit:
                return found, None

    async def terminals(self, plan_id: str, sns: Sequence[str]) -> list[TerminalHead]:
        """Terminals of a plan and how far each is; those that were not planned yet are left out."""
        found: list[TerminalHead] = []
        for start in range(0, len(sns), HEADS_A_CALL):
            part = [canonical_sn(sn) for sn in sns[start : start + HEADS_A_CALL]]
            for head, flat in await self._read("heads", plan_id, *part):
                found += [_counted(head, flat)] if head else []
        return found

    async def terminal(self, plan_id: str, sn: str) -> TerminalHead | None:
        """One of them, or None."""
        found = await self.terminals(plan_id, [sn])
        return found[0] if found else None

    async def items(self, plan_id: str, sn: str, after: int, limit: int) -> list[ItemView]:
        """Steps of a terminal behind this number. Behind the last that is to be done are those that can't
        be."""
        numbers = range(after + 1, after + 1 + limit)
        fields = [*numbers, *(f"s{n}" for n in numbers)]
        name = self._client.keys.plan_items(plan_id, sn)
        found = await self._client.read("HMGET", name, *fields) if limit else []
        return [_view(text, told) for text, told in zip(found[:limit], found[limit:], strict=True) if text]

    async def begin(self, plan_id: str, actor: str) -> list[str]:
        """Let it be applied, once: it stays from now on until it is over. The terminals where there is
        something to do. Raises NotReady."""
        word, *sns = await self._keep("begin", plan_id, actor)
        if word != "begun":
            raise NotReady(_WHY_NOT.get(word, f"the plan is {word}"))
        return sorted(sns)

    async def set_states(self, plan_id: str, sn: str, told: Sequence[Told]) -> dict[str, int]:
        """What became of steps; one that has ended stays as it ended. How many are in which state."""
        flat: list[Any] = []
        for start in range(0, max(1, len(told)), STEPS_A_CALL):
            part: list[Any] = []
            for n, state, words, order_id in told[start : start + STEPS_A_CALL]:
                part += (n, state.value, words, order_id)
            flat = await self._run("states", plan_id, canonical_sn(sn), *part)
        return _counts(flat)

    async def set_stage(self, plan_id: str, sn: str, stage: str, told: str = "") -> bool:
        """How far a terminal is, in a word and in words; False when nothing is to be done there."""
        return bool(await self._run("stage", plan_id, canonical_sn(sn), stage, told))

    async def end(self, plan_id: str, state: PlanState) -> bool:
        """It is done, or given up; False when it was over before. Its report stays for a while."""
        life = self._settings.report_days * 24 * HOUR_MS
        return bool(await self._keep("end", plan_id, state.value, life))

    async def forget(self, plan_id: str) -> bool:
        """Nobody wants it any more; False when it is being applied."""
        return bool(await self._run("forget", plan_id))

    async def _mine(self, verb: str, plan_id: str, token: str, *args: Any) -> None:
        if not await self._run(verb, plan_id, token, *args):
            raise Overtaken(f"the plan {plan_id} is made by another process, or gone")

    async def _run(self, verb: str, plan_id: str, *args: Any) -> Any:
        return await self._client.run("plans", self._names, [*self._prefixes, verb, plan_id, *args])

    async def _keep(self, verb: str, plan_id: str, *args: Any) -> Any:
        return await self._client.keep("plans", self._names, [*self._prefixes, verb, plan_id, *args])

    async def _read(self, verb: str, plan_id: str, *args: Any) -> Any:
        asked = [*self._prefixes, verb, plan_id, *args]
        return await self._client.read_script("plans", self._names, asked)


_WHY_NOT: Final = {
    "missing": "there is no such plan any more",
    "reading": "the plan is not made yet",
    "applying": "the plan was begun before",
    "done": "the plan was carried out before",
    "cancelled": "the plan was given up",
    "failed": "the plan could not be made",
}
_ITEM: Final = msgspec.json.Encoder()
_ITEMS: Final = msgspec.json.Decoder(Item)
_TOLD: Final = msgspec.json.Decoder(tuple[ItemState, str, str, int])
_HEAD: Final = msgspec.json.Decoder(TerminalHead)


def _head(sn: str, plan: TerminalPlan) -> TerminalHead:
    ops: dict[str, int] = {}
    for item in plan.items:
        ops[item.op.value] = ops.get(item.op.value, 0) + 1
    return TerminalHead(
        sn=sn,
        items=len(plan.items),
        refused=len(plan.refusals),
        ops=ops,
        people=plan.people,
        same=plan.same,
        kept=plan.kept,
        commands=plan.commands,
        minutes=plan.minutes,
        room=plan.room,
        warnings=plan.warnings,
        problem=plan.problem,
    )


def _counted(text: str, flat: list[str]) -> TerminalHead:
    head = _HEAD.decode(text)
    kept = dict(zip(flat[::2], flat[1::2], strict=True))
    stage, told = kept.get("@stage", ""), kept.get("@told", "")
    return msgspec.structs.replace(head, counts=_counts(flat), stage=stage, told=told)


def _counts(flat: list[str]) -> dict[str, int]:
    kept = zip(flat[::2], flat[1::2], strict=True)
    return {name[1:]: int(count) for name, count in kept if name.startswith("#")}


def _view(text: str, told: str | None) -> ItemView:
    item = _ITEMS.decode(text)
    if told:
        state, words, order_id, at = _TOLD.decode(told)
        return ItemView(item, state, words, order_id, at)
    state = ItemState.PLANNED if item.refused is None else ItemState.REFUSED
    return ItemView(item, state, item.why if item.refused else "")


def _plan(plan_id: str, found: list[str | None]) -> Plan:
    text, state, made, begun, begun_by, ended, why = found
    assert text is not None and state is not None
    asked = msgspec.json.decode(text, type=Asked)
    return Plan(
        id=plan_id,
        state=PlanState(state),
        made=_instant(made) or "",
        actor=asked.actor,
        scope=asked.scope,
        options=asked.options,
        sns=asked.sns,
        begun=_instant(begun),
        begun_by=begun_by or "",
        ended=_instant(ended),
        why=why or "",
    )


def _instant(ms: str | None) -> str | None:
    return rfc3339(datetime.fromtimestamp(int(ms) / 1000, UTC)) if ms else None
