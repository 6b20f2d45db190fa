"""What all pages of a terminal show of it: who it is, how it is, and why nothing arrives."""

from __future__ import annotations

from collections.abc import Coroutine
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final, NamedTuple

import msgspec
from twisted.internet.defer import Deferred, FirstError, gatherResults
from twisted.python.failure import Failure

from tfserver.model import Terminal, canonical_sn
from tfserver.store.proven import Proof
from tfserver.web.answer import Answer
from tfserver.web.call import Call
from tfserver.web.dashboard.languages import mark
from tfserver.web.dashboard.pages import show
from tfserver.web.dashboard.terminal import words
from tfserver.web.dashboard.terminal.why import Facts, Why, why
from tfserver.web.problem import Problem

HERE: Final = "/"
"""The fleet is where one came from."""


class Tab(NamedTuple):
    """One of the pages of a terminal: what is behind its path, its name, and the role that it takes."""

    path: str
    name: str
    role: str = "reader"


TABS: Final = (
    Tab("", mark("Overview")),
    Tab("/orders", mark("Orders")),
    Tab("/settings", mark("Settings")),
    Tab("/copies", mark("Snapshots")),
    Tab("/frames", mark("Flight recorder"), "operator"),
    Tab("/history", mark("History"), "admin"),
)


class About(NamedTuple):
    """A terminal and the answer to what is wrong with it."""

    terminal: Terminal
    proof: Proof
    why: Why


async def together(*coroutines: Coroutine[Any, Any, Any]) -> list[Any]:
    """The results of reads that run side by side; the first failure is raised as it is."""
    waiting = [Deferred.fromCoroutine(each) for each in coroutines]
    try:
        return await gatherResults(waiting, consumeErrors=True)
    except FirstError as failed:
        reason: Failure = failed.subFailure
        reason.raiseException()


async def about(call: Call) -> About:
    """The terminal of the path; Problem 404."""
    store, sn = call.sources.terminals, call.path["sn"]
    terminal, proof, claims = await together(store.get(sn), store.proof(sn), _claims(call))
    if terminal is None:
        raise Problem(HTTPStatus.NOT_FOUND, f"no terminal '{sn}' has ever registered here")
    now = datetime.fromtimestamp(call.desk.reactor.seconds(), UTC)
    return About(terminal, proof, why(Facts(terminal, proof, now, claims, call.sources.unready())))


async def _claims(call: Call) -> int:
    """How many devices want its number; they have no site."""
    if not call.sees(""):
        return 0
    wanted = canonical_sn(call.path["sn"])
    return sum(canonical_sn(each.sn) == wanted for each in await call.sources.terminals.claimants())


def shown(call: Call, tab: str, known: About, **context: Any) -> Answer:
    """One of the pages of a terminal."""
    template = f"terminal/{tab or 'overview'}.html"
    here = f"/{tab}" if tab else ""
    return show(
        call, template, HERE, t=known.terminal, about=known, tabs=TABS, tab=here, told=words, pretty=pretty,
        **context,
    )  # fmt: skip


def pretty(value: Any) -> str:
    """JSON as people read it."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
