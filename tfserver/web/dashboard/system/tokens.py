"""``/system/tokens``: which programs may ask, and what. A token itself is only ever in the answer that makes
it."""

from __future__ import annotations

from typing import Final

from tfserver.store.principals import Role
from tfserver.web.answer import Answer
from tfserver.web.api import tokens as api
from tfserver.web.call import Call
from tfserver.web.dashboard.system.frame import HERE, show_inside

PLACE: Final = f"{HERE}/tokens"
ROLES: Final = (Role.READER.value, Role.OPERATOR.value, Role.ADMIN.value)


async def tokens(call: Call) -> Answer:
    """All that are accepted."""
    found = (await api.listing(call)).tokens
    return show_inside(call, "tokens.html", PLACE, tokens=found, roles=ROLES, own=call.who.id)
