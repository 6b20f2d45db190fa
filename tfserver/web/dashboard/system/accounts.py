"""``/system/accounts`` and ``/account``: people who sign in by name and password, and one's own account."""

from __future__ import annotations

from typing import Final

from tfserver.store.accounts import folded
from tfserver.store.principals import Kind
from tfserver.web.answer import Answer
from tfserver.web.api import accounts as api
from tfserver.web.call import Call
from tfserver.web.dashboard.languages import CODES, language
from tfserver.web.dashboard.pages import show
from tfserver.web.dashboard.system.frame import HERE, show_inside
from tfserver.web.dashboard.system.tokens import ROLES

PLACE: Final = f"{HERE}/accounts"
LANGUAGES: Final = tuple((code, language(code).name) for code in CODES)


async def accounts(call: Call) -> Answer:
    """All of them."""
    found = (await api.listing(call)).accounts
    return show_inside(
        call, "accounts.html", PLACE, accounts=found, roles=ROLES, spoken=LANGUAGES, own=_own(call)
    )


async def account(call: Call) -> Answer:
    """One of them."""
    one = await api.one(call)
    is_own = folded(one.name) == _own(call)
    return show_inside(call, "account.html", PLACE, account=one, roles=ROLES, spoken=LANGUAGES, is_own=is_own)


async def own(call: Call) -> Answer:
    """Who looks: password, language, and signing out everywhere."""
    is_account = call.who.kind is Kind.ACCOUNT
    return show(call, "system/own.html", "", is_account=is_account, who=call.who, spoken=LANGUAGES)


def _own(call: Call) -> str:
    """The name of the account of who asks, empty for a token."""
    return call.who.name if call.who.kind is Kind.ACCOUNT else ""
