"""What can be asked of accounts of people."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from tfserver.web import shapes
from tfserver.web.api import accounts
from tfserver.web.body import JsonBody
from tfserver.web.route import ADMIN, API, CREATED, NOTHING, Route, Scope, Shape, ok

_ALL: Final = f"{API}/accounts"
_ONE: Final = f"{_ALL}/{{account}}"

ACCOUNTS: Final = (
    Route(
        method="GET",
        path=_ALL,
        name="list_accounts",
        summary="Accounts of people, without their passwords",
        role=ADMIN,
        scope=Scope.ALL_SITES,
        handler=accounts.listing,
        answers=ok(shapes.AccountList),
    ),
    Route(
        method="POST",
        path=_ALL,
        name="create_account",
        summary="Make an account for somebody",
        role=ADMIN,
        scope=Scope.ALL_SITES,
        handler=accounts.create,
        body=JsonBody(accounts.NewAccount),
        answers={CREATED: Shape("the account", shapes.ShownAccount)},
        refusals=(HTTPStatus.CONFLICT,),
    ),
    Route(
        method="GET",
        path=_ONE,
        name="get_account",
        summary="One account",
        role=ADMIN,
        scope=Scope.ALL_SITES,
        handler=accounts.one,
        answers=ok(shapes.ShownAccount),
    ),
    Route(
        method="PATCH",
        path=_ONE,
        name="change_account",
        summary="Change what an account may do, its password or language; disable it",
        role=ADMIN,
        scope=Scope.ALL_SITES,
        handler=accounts.change,
        body=JsonBody(accounts.AccountChange),
        answers=ok(shapes.ShownAccount, "changed"),
        refusals=(HTTPStatus.CONFLICT,),
    ),
    Route(
        method="DELETE",
        path=_ONE,
        name="delete_account",
        summary="Let there be no such account any more",
        role=ADMIN,
        scope=Scope.ALL_SITES,
        handler=accounts.delete,
        answers=NOTHING,
        refusals=(HTTPStatus.CONFLICT,),
    ),
    Route(
        method="DELETE",
        path=f"{_ONE}/sessions",
        name="end_account_sessions",
        summary="Sign somebody out everywhere",
        role=ADMIN,
        scope=Scope.ALL_SITES,
        handler=accounts.sign_out,
        answers=NOTHING,
    ),
)
