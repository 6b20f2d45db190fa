"""``/sync/plans``: what is to be done so that terminals have whom they are to have (docs/people.md)."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from tfserver.credentials import label_of
from tfserver.model import canonical_sn, rfc3339
from tfserver.people.differing import DifferentPerson
from tfserver.people.planner import BadScope, Planner
from tfserver.person import GroupName
from tfserver.plan import ItemState, ItemView, Op, Options, Plan, PlanState, Reason, Scope, TerminalHead
from tfserver.web.answer import Answer
from tfserver.web.call import Call
from tfserver.web.paging import page_at
from tfserver.web.problem import Problem, bad_input
from tfserver.web.query import CURSOR, LIMIT, integer

MOST_NAMED: Final = 2000
PAGE: Final = (LIMIT, CURSOR)
AFTER: Final = (LIMIT, integer("after", "only those with a greater number", 0, 2**53, 0))

Sn = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,32}$")]
Line = Annotated[str, Meta(min_length=1, max_length=200)]


class NewPlan(msgspec.Struct, forbid_unknown_fields=True):
    """Which terminals: all that one of the four names. ``foreign``: what becomes of people that this server
    did not put there; ``verify``: whether slots are believed to hold what the directory has until they are
    read; ``read``: whether lists are read before, only those that are too old, all, or none."""

    terminals: Annotated[list[Sn], Meta(max_length=MOST_NAMED)] = []
    sites: Annotated[list[Line], Meta(max_length=100)] = []
    tags: Annotated[list[Line], Meta(max_length=100)] = []
    groups: Annotated[list[GroupName], Meta(max_length=100)] = []
    foreign: Literal["keep", "remove"] = "keep"
    verify: Literal["list", "records"] = "records"
    read: Literal["fresh", "always", "never"] = "fresh"


class Totals(msgspec.Struct, frozen=True):
    """All terminals together. ``minutes`` are those of the slowest, as all are worked on at the same time;
    ``counts`` say how many steps are in which state, ``unplanned`` how many terminals have a problem."""

    terminals: int
    unplanned: int
    items: int
    refused: int
    commands: int
    minutes: float
    ops: dict[str, int]
    counts: dict[str, int]


class ShownPlan(Plan, frozen=True, kw_only=True):
    """A plan, and some of its terminals by their serial numbers; ``next`` is null at the end."""

    totals: Totals
    terminals: list[TerminalHead]
    next: str | None


class ListedPlan(msgspec.Struct, frozen=True):
    """A plan without its terminals."""

    id: str
    state: PlanState
    made: str
    actor: str
    scope: Scope
    options: Options
    terminals: int
    begun: str | None
    ended: str | None
    why: str


class PlanPage(msgspec.Struct, frozen=True):
    """Plans, newest first; ``next`` is null at the end."""

    plans: list[ListedPlan]
    next: str | None


class Step(msgspec.Struct, frozen=True):
    """One step, or with ``reason`` one that can't be done. Those with the same ``order`` go out in one
    command, ``command`` is its id; ``told`` is what came of it, in words."""

    n: int
    op: Op
    enrollid: int
    backupnum: int | None
    label: str | None
    why: str
    order: int
    reason: Reason | None
    state: ItemState
    told: str
    command: str | None
    at: str | None


class StepPage(msgspec.Struct, frozen=True):
    """A terminal of a plan, and some of its steps in their order; ``next`` is null at the end."""

    terminal: TerminalHead
    steps: list[Step]
    next: int | None


class DifferencePage(msgspec.Struct, frozen=True):
    """People by their numbers; ``read`` is when the list of the terminal was read last, null: never."""

    read: str | None
    people: list[DifferentPerson]
    next: int | None


async def plan(call: Call) -> Answer:
    """Make a plan; nothing is changed anywhere."""
    wanted: NewPlan = call.body
    scope = Scope(*(tuple(one) for one in (wanted.terminals, wanted.sites, wanted.tags, wanted.groups)))
    options = Options(wanted.foreign, wanted.verify, wanted.read)
    try:
        made = await _planner(call).plan(scope, options, call.actor)
    except BadScope as wrong:
        raise bad_input(wrong.field, str(wrong)) from wrong
    await call.note("done", {"plan": made.id, "terminals": len(made.sns)})
    is_made = made.state is not PlanState.READING
    headers = {"Location": f"/api/v1/sync/plans/{made.id}"}
    shown = await _shown(call, made, 100, "")
    return Answer(shown, HTTPStatus.CREATED if is_made else HTTPStatus.ACCEPTED, headers)


async def listing(call: Call) -> PlanPage:
    """Plans, newest first."""
    query = call.query
    asked = _planner(call).plans.listing(query["limit"], query["cursor"])
    found, following = await page_at(query["cursor"], asked)
    return PlanPage([_listed(one) for one in found], following)


async def one(call: Call) -> ShownPlan:
    """One plan; Problem 404."""
    found = await _found(call)
    return await _shown(call, found, call.query["limit"], canonical_sn(call.query["cursor"]))


async def steps(call: Call) -> StepPage:
    """What is to be done at one terminal, and what can't be."""
    found, sn = await _found(call), canonical_sn(call.path["sn"])
    plans, after, limit = _planner(call).plans, call.query["after"], call.query["limit"]
    head = await plans.terminal(found.id, sn)
    if head is None:
        raise Problem(HTTPStatus.NOT_FOUND, f"terminal '{sn}' is not in this plan, or not planned yet")
    views = await plans.items(found.id, sn, after, limit)
    last = views[-1].item.n if views else 0
    following = last if views and last < head.items + head.refused else None
    return StepPage(head, [_step(view) for view in views], following)


async def differences(call: Call) -> DifferencePage:
    """How a terminal differs from what it is to have, as far as is known."""
    sn = call.path["sn"]
    found = await _planner(call).differences(sn, call.query["after"], call.query["limit"])
    if found is None:
        raise Problem(HTTPStatus.NOT_FOUND, f"no terminal '{sn}' has ever registered here")
    read = _instant(found.reading.at) if found.reading else None
    return DifferencePage(read, found.people, found.next)


def _planner(call: Call) -> Planner:
    return call.sources.people.planning


async def _found(call: Call) -> Plan:
    found = await _planner(call).plans.get(call.path["id"])
    if found is None:
        raise Problem(HTTPStatus.NOT_FOUND, f"there is no plan {call.path['id']} any more")
    return found


async def _shown(call: Call, found: Plan, limit: int, after: str) -> ShownPlan:
    heads = await _planner(call).plans.terminals(found.id, found.sns)
    page = sorted((head for head in heads if head.sn > after), key=lambda head: head.sn)
    following = page[limit - 1].sn if len(page) > limit else None
    told = {name: getattr(found, name) for name in Plan.__struct_fields__}
    return ShownPlan(**told, totals=_totals(heads), terminals=page[:limit], next=following)


def _totals(heads: list[TerminalHead]) -> Totals:
    return Totals(
        terminals=len(heads),
        unplanned=sum(bool(head.problem) for head in heads),
        items=sum(head.items for head in heads),
        refused=sum(head.refused for head in heads),
        commands=sum(head.commands for head in heads),
        minutes=max((head.minutes for head in heads), default=0.0),
        ops=_summed([head.ops for head in heads]),
        counts=_summed([head.counts for head in heads]),
    )


def _summed(each: list[dict[str, int]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in each:
        for name, count in one.items():
            found[name] = found.get(name, 0) + count
    return found


def _listed(found: Plan) -> ListedPlan:
    told = {name: getattr(found, name) for name in ListedPlan.__struct_fields__ if name != "terminals"}
    return ListedPlan(**told, terminals=len(found.sns))


def _step(view: ItemView) -> Step:
    item = view.item
    return Step(
        n=item.n,
        op=item.op,
        enrollid=item.enrollid,
        backupnum=item.backupnum,
        label=None if item.backupnum is None else label_of(item.backupnum),
        why=item.why,
        order=item.order,
        reason=item.refused,
        state=view.state,
        told=view.told,
        command=view.order_id or None,
        at=_instant(view.at) if view.at else None,
    )


def _instant(ms: int) -> str:
    return rfc3339(datetime.fromtimestamp(ms / 1000, UTC))
