"""What can be asked of tokens."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from tfserver.web import shapes
from tfserver.web.api import tokens
from tfserver.web.body import JsonBody
from tfserver.web.route import ADMIN, API, CREATED, NOTHING, Route, Scope, Shape, ok
from tfserver.web.tables.headers import KEY

TOKENS: Final = (
    Route(
        method="GET",
        path=f"{API}/tokens",
        name="list_tokens",
        summary="Tokens that are accepted, without themselves",
        role=ADMIN,
        scope=Scope.ALL_SITES,
        handler=tokens.listing,
        answers=ok(shapes.TokenList),
    ),
    Route(
        method="POST",
        path=f"{API}/tokens",
        name="create_token",
        summary="Make a token; it is shown this once",
        role=ADMIN,
        scope=Scope.ALL_SITES,
        handler=tokens.issue,
        headers=(KEY,),
        body=JsonBody(tokens.NewToken),
        answers={CREATED: Shape("the token", shapes.IssuedToken)},
        refusals=(HTTPStatus.CONFLICT,),
    ),
    Route(
        method="DELETE",
        path=f"{API}/tokens/{{id}}",
        name="revoke_token",
        summary="Accept a token no longer",
        role=ADMIN,
        scope=Scope.ALL_SITES,
        handler=tokens.revoke,
        answers=NOTHING,
        refusals=(HTTPStatus.CONFLICT,),
    ),
)
