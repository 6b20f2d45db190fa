"""``/terminals/{sn}/orders``: what a terminal was told to do, and a form for all that it can be told."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from http import HTTPStatus
from typing import Final

from tfserver.store.principals import Role
from tfserver.web import auth
from tfserver.web.answer import Answer
from tfserver.web.call import Call
from tfserver.web.dashboard.terminal import about, words
from tfserver.web.dashboard.terminal.fields import Form, form_of
from tfserver.web.paging import page_at
from tfserver.web.problem import Problem
from tfserver.web.query import CURSOR, text
from tfserver.wire.table import vocabulary

PAGE: Final = 50
PARAMETERS: Final = (text("cmd", "the form of this command"), CURSOR)
DOOR: Final = "opendoor"
Group = tuple[str, list[Form]]


async def orders(call: Call) -> Answer:
    """The queue and the history, and what may be ordered."""
    cursor = call.query["cursor"]
    listed = page_at(cursor, call.sources.commander.listing(call.path["sn"], PAGE, cursor))
    known, profile, (found, following) = await about.together(
        about.about(call), call.sources.commander.profile(call.path["sn"]), listed
    )
    allowed = [form for form in forms() if _may(call, form, profile.allow)]
    return about.shown(
        call,
        "orders",
        known,
        orders=found,
        following=following,
        cursor=cursor,
        groups=_grouped(allowed),
        form=_chosen(call.query["cmd"], allowed),
        door=next((form for form in allowed if form.word == DOOR), None),
        dangers={form.word: form.danger for form in forms()},
        hidden=sum(not form.is_core and form.word not in profile.allow for form in forms()),
    )


@functools.cache
def forms() -> tuple[Form, ...]:
    """A form for each command there is, by their words."""
    return tuple(map(form_of, vocabulary))


def _may(call: Call, form: Form, allowed: Iterable[str]) -> bool:
    """Whether an order would be taken from who asks, at a terminal that may do these beyond the usual."""
    kind = vocabulary.find(form.word)
    assert kind is not None
    role = Role.ADMIN if kind.admin_only else Role.OPERATOR
    return auth.has_role(call.who, role) and (form.is_core or form.word in allowed)


def _grouped(found: list[Form]) -> list[Group]:
    """By what they are about, in the order of the words."""
    known = {subject: [form for form in found if form.subject == subject] for subject in words.SUBJECTS}
    return [(subject, some) for subject, some in known.items() if some]


def _chosen(word: str, allowed: list[Form]) -> Form | None:
    if not word:
        return None
    for form in allowed:
        if form.word == word:
            return form
    raise Problem(HTTPStatus.NOT_FOUND, "there is no such command, or not for you at this terminal")
