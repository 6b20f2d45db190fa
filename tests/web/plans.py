"""A plan, its terminals and steps, as the pages show them."""

from __future__ import annotations

from typing import Any

from tests.web.samples import AT, ORDER_ID, SN
from tfserver.people.differing import Difference, DifferentCredential, DifferentPerson
from tfserver.people.planner import Differences
from tfserver.person import Proof, Reading
from tfserver.plan import (
    Fill,
    Item,
    ItemState,
    ItemView,
    Op,
    Options,
    Plan,
    PlanState,
    Reason,
    Scope,
    TerminalHead,
)


def a_plan(*sns: str, state: PlanState = PlanState.READY) -> Plan:
    """A plan of these terminals."""
    scope = Scope(sites=("north",))
    return Plan(id=ORDER_ID, state=state, made=AT, actor="token o", scope=scope, options=Options(), sns=sns)


def a_head(sn: str = SN, **more: Any) -> TerminalHead:
    """A terminal with one step and one that can't be done."""
    told: dict[str, Any] = {
        "items": 1,
        "refused": 1,
        "ops": {"credential": 1},
        "counts": {"planned": 1},
        "minutes": 0.5,
    }
    room = {"user": Fill(10, 1, 2, 2)}
    return TerminalHead(sn=sn, people=2, commands=1, room=room, **{**told, **more})


def a_step(n: int = 1) -> ItemView:
    """A card that was put on a terminal."""
    item = Item(n, Op.CREDENTIAL, 7, 1, 11, "v1", why="missing")
    return ItemView(item, ItemState.DONE, "", "o1", 1_775_117_704_000)


def a_refusal(n: int = 2) -> ItemView:
    """A finger that can't be there."""
    item = Item(n, Op.CREDENTIAL, 7, 0, 3, why="made with thbio1.0", refused=Reason.ALGORITHM)
    return ItemView(item, ItemState.REFUSED, item.why)


def differences() -> Differences:
    """Of one person, behind whom there are more."""
    card = DifferentCredential(11, "card", Difference.MISSING, Proof.KNOWN)
    person = DifferentPerson(7, Difference.MISSING, True, (), (card,))
    return Differences(Reading(1_775_117_704_000, 3, 4), [person], 7)
