"""``/tokens``: who may use this API. A token itself is shown once, when it is made."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated

import msgspec
from msgspec import Meta

from tfserver.model import rfc3339
from tfserver.store.principals import Role
from tfserver.store.tokens import Token, new_token
from tfserver.web.answer import Answer
from tfserver.web.call import Call
from tfserver.web.shapes import IssuedToken, ShownToken, TokenList

# visible, because it stands in the audit and in logs
Name = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
Site = Annotated[str, Meta(min_length=1, max_length=200)]


class NewToken(msgspec.Struct, forbid_unknown_fields=True):
    """What somebody wants. Without sites it reaches all of them. With templates it may have what stands in
    credentials, beside what its role allows."""

    name: Name
    role: Role
    sites: Annotated[list[Site], Meta(max_length=100)] = []
    templates: bool = False


async def issue(call: Call) -> Answer:
    """Make a token."""
    wanted: NewToken = call.body
    secret = new_token()
    now_ms = round(call.desk.reactor.seconds() * 1000)
    sites = tuple(dict.fromkeys(wanted.sites))
    entry = Token("", wanted.role, now_ms, wanted.name, sites, call.actor, wanted.templates)
    entry = await call.sources.tokens.issue(secret, entry, call.key)
    told = {"token": entry.id, "name": entry.name, "role": entry.role.value, "sites": [*entry.sites]}
    await call.note("done", {**told, "templates": entry.templates})
    shown = msgspec.structs.asdict(_shown(entry))
    return Answer(IssuedToken(**shown, token=secret), HTTPStatus.CREATED)


async def listing(call: Call) -> TokenList:
    """All tokens that are accepted."""
    return TokenList([_shown(entry) for entry in await call.sources.tokens.all()])


async def revoke(call: Call) -> Answer:
    """Accept a token no longer."""
    await call.sources.tokens.revoke(call.path["id"])
    await call.note("done", {"token": call.path["id"]})
    return Answer(status=HTTPStatus.NO_CONTENT)


def _shown(entry: Token) -> ShownToken:
    created = rfc3339(datetime.fromtimestamp(entry.created_ms / 1000, UTC))
    told = (entry.id, entry.name, entry.role, [*entry.sites], entry.templates, created, entry.created_by)
    return ShownToken(*told)
