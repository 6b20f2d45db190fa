"""``/accounts``: people who sign in by name and password. No password is ever shown."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from tfserver.model import rfc3339
from tfserver.store.accounts import Account, Listed, folded
from tfserver.store.principals import Kind, Role
from tfserver.web.answer import Answer
from tfserver.web.api.tokens import Site
from tfserver.web.body import ACCOUNT_NAME, LANGUAGE
from tfserver.web.call import Call
from tfserver.web.problem import Problem
from tfserver.web.shapes import AccountList, ShownAccount

MOST_PASSWORD: Final = 1000
"""Far more than a password may have, which is told in words of its own."""
Name = Annotated[str, Meta(pattern=ACCOUNT_NAME)]
Language = Annotated[str, Meta(max_length=35, pattern=LANGUAGE)]
Password = Annotated[str, Meta(min_length=1, max_length=MOST_PASSWORD)]
Sites = Annotated[list[Site], Meta(max_length=100)]


class NewAccount(msgspec.Struct, forbid_unknown_fields=True):
    """Somebody who is to sign in. Without sites the account reaches all of them; with templates it may have
    what stands in credentials, beside what its role allows."""

    name: Name
    role: Role
    password: Password
    sites: Sites = []
    templates: bool = False
    language: Language | None = None


class AccountChange(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be another way; what is left out stays."""

    role: Role | UnsetType = UNSET
    sites: Sites | UnsetType = UNSET
    templates: bool | UnsetType = UNSET
    language: Language | UnsetType | None = UNSET
    disabled: bool | UnsetType = UNSET
    password: Password | UnsetType = UNSET


_OF_OTHERS: Final = ("role", "sites", "disabled", "password")
"""What nobody changes of the own account here: that would lock one out, or go around the old password."""


async def create(call: Call) -> Answer:
    """Make an account."""
    wanted: NewAccount = call.body
    now_ms = round(call.desk.reactor.seconds() * 1000)
    account = Account(
        id="",
        role=wanted.role,
        created_ms=now_ms,
        name=wanted.name,
        sites=tuple(dict.fromkeys(wanted.sites)),
        created_by=call.actor,
        templates=wanted.templates,
        language=wanted.language or "",
    )
    made = await call.sources.accounts.create(account, wanted.password)
    told = {"account": made.name, "role": made.role.value, "sites": [*made.sites]}
    await call.note("done", {**told, "templates": made.templates})
    return Answer(shown(Listed(made, None)), HTTPStatus.CREATED)


async def listing(call: Call) -> AccountList:
    """All accounts."""
    return AccountList([shown(one) for one in await call.sources.accounts.all()])


async def one(call: Call) -> ShownAccount:
    """One account."""
    return shown(await call.sources.accounts.listed(call.path["account"]))


async def change(call: Call) -> ShownAccount:
    """Change it, from now on and everywhere."""
    given = _given(call.body)
    if _is_own(call) and any(name in given for name in _OF_OTHERS):
        told = "another administrator changes this of you; change your password with PATCH /session/account"
        raise Problem(HTTPStatus.CONFLICT, told)
    password = given.pop("password", "")
    name = call.path["account"]
    account = await call.sources.accounts.change(name, given, password)
    told_of = {**given, "password": "another"} if password else given
    await call.note("done", {"account": account.name, **told_of})
    return shown(await call.sources.accounts.listed(name))


async def delete(call: Call) -> Answer:
    """Let there be none."""
    if _is_own(call):
        raise Problem(HTTPStatus.CONFLICT, "your own account is deleted by another administrator")
    await call.sources.accounts.delete(call.path["account"])
    await call.note("done", {"account": folded(call.path["account"])})
    return Answer(status=HTTPStatus.NO_CONTENT)


async def sign_out(call: Call) -> Answer:
    """End all its sessions."""
    account = await call.sources.accounts.get(call.path["account"])
    await call.sources.sessions.end_all(account)
    await call.note("done", {"account": account.name})
    return Answer(status=HTTPStatus.NO_CONTENT)


def shown(found: Listed) -> ShownAccount:
    """An account as it is shown."""
    account = found.account
    signed_in = None if found.signed_in_ms is None else _instant(found.signed_in_ms)
    told = (account.name, account.role, [*account.sites], account.templates, account.language or None)
    return ShownAccount(*told, account.disabled, _instant(account.created_ms), account.created_by, signed_in)


def _given(body: AccountChange) -> dict[str, Any]:
    """The fields that are there, as the store keeps them."""
    found = {name: value for name, value in msgspec.structs.asdict(body).items() if value is not UNSET}
    if "language" in found:
        found["language"] = found["language"] or ""
    if "sites" in found:
        found["sites"] = tuple(dict.fromkeys(found["sites"]))
    return found


def _is_own(call: Call) -> bool:
    return call.who.kind is Kind.ACCOUNT and call.who.name == folded(call.path["account"])


def _instant(ms: int) -> str:
    return rfc3339(datetime.fromtimestamp(ms / 1000, UTC))
