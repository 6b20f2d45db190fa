"""``/sync/apply``: carrying out a plan, and stopping one that is being carried out."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from tfserver.people.applying import Applying, NotRunning, UnknownPlan
from tfserver.plan import Op, Plan, PlanState
from tfserver.store.people.plans import NotReady
from tfserver.web.answer import Answer
from tfserver.web.call import Call
from tfserver.web.problem import Problem, bad_input

_REMOVES: Final = (Op.REMOVE, Op.REMOVE_CREDENTIAL)

PlanId = Annotated[str, Meta(pattern="^[a-z0-9]{2,64}$")]


class ApplyBody(msgspec.Struct, forbid_unknown_fields=True):
    """Which plan. ``confirm`` is its id again, where it removes people that this server did not put there."""

    plan: PlanId
    confirm: Annotated[str, Meta(max_length=64)] = ""


class RunningPlan(msgspec.Struct, frozen=True):
    """How far a plan is; where it is carried out, and what came of each step, the plan itself says."""

    id: str
    state: PlanState
    begun: str | None
    ended: str | None
    terminals: int


async def begin(call: Call) -> Answer:
    """Carry a plan out, in the background; Problem 404, 409, 422."""
    wanted: ApplyBody = call.body
    plans = call.sources.people.planning.plans
    plan = await plans.get(wanted.plan)
    if plan is None:
        raise Problem(HTTPStatus.NOT_FOUND, f"there is no plan {wanted.plan} any more")
    if plan.options.foreign == "remove" and wanted.confirm != plan.id:
        heads = await plans.terminals(plan.id, plan.sns)
        if any(head.ops.get(op) for head in heads for op in _REMOVES):
            told = "expected the plan's id: it removes people that this server did not put there"
            raise bad_input("confirm", told)
    try:
        begun = await _applying(call).begin(plan.id, call.actor)
    except UnknownPlan as gone:
        raise Problem(HTTPStatus.NOT_FOUND, str(gone)) from gone
    except NotReady as no:
        raise Problem(HTTPStatus.CONFLICT, str(no)) from no
    await call.note("done", {"plan": plan.id, "terminals": len(plan.sns)})
    headers = {"Location": f"/api/v1/sync/plans/{plan.id}"}
    return Answer(_running(begun), HTTPStatus.ACCEPTED, headers)


async def stop(call: Call) -> Answer:
    """Put nothing more of a plan; what is under way ends. Problem 404, 409."""
    try:
        stopped = await _applying(call).give_up(call.path["id"])
    except UnknownPlan as gone:
        raise Problem(HTTPStatus.NOT_FOUND, str(gone)) from gone
    except NotRunning as no:
        raise Problem(HTTPStatus.CONFLICT, str(no)) from no
    await call.note("done", {"plan": stopped.id})
    return Answer(_running(stopped), HTTPStatus.ACCEPTED)


def _applying(call: Call) -> Applying:
    return call.sources.people.applying


def _running(plan: Plan) -> RunningPlan:
    return RunningPlan(plan.id, plan.state, plan.begun, plan.ended, len(plan.sns))
