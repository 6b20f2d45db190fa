"""What can be asked of webhooks."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from tfserver.store.webhooks import Webhook
from tfserver.web import shapes
from tfserver.web.api import webhooks
from tfserver.web.body import JsonBody
from tfserver.web.route import (
    ACCEPTED,
    ADMIN,
    API,
    CREATED,
    NOTHING,
    OPERATOR,
    Route,
    Scope,
    Shape,
    ok,
)
from tfserver.web.tables.headers import KEY

_ONE: Final = f"{API}/webhooks/{{id}}"

WEBHOOKS: Final = (
    Route(
        method="GET",
        path=f"{API}/webhooks",
        name="list_webhooks",
        summary="Webhooks and how they fare, oldest first",
        role=OPERATOR,
        scope=Scope.ROWS,
        handler=webhooks.listing,
        answers=ok(shapes.WebhookList),
    ),
    Route(
        method="POST",
        path=f"{API}/webhooks",
        name="create_webhook",
        summary="Make a webhook; a secret that the server makes is shown this once",
        role=ADMIN,
        scope=Scope.SITES,
        handler=webhooks.add,
        headers=(KEY,),
        body=JsonBody(webhooks.NewWebhook),
        answers={CREATED: Shape("the webhook", shapes.MadeWebhook)},
        refusals=(HTTPStatus.CONFLICT,),
    ),
    Route(
        method="GET",
        path=_ONE,
        name="get_webhook",
        summary="One webhook and how it fares",
        role=OPERATOR,
        scope=Scope.WEBHOOK,
        handler=webhooks.one,
        answers=ok(Webhook),
    ),
    Route(
        method="PATCH",
        path=_ONE,
        name="change_webhook",
        summary="Change, pause or resume a webhook, or give it another secret",
        role=ADMIN,
        scope=Scope.WEBHOOK,
        handler=webhooks.change,
        body=JsonBody(webhooks.WebhookChange),
        answers=ok(shapes.MadeWebhook, "the webhook as it is now"),
    ),
    Route(
        method="DELETE",
        path=_ONE,
        name="delete_webhook",
        summary="Forget a webhook, and its dead letters",
        role=ADMIN,
        scope=Scope.WEBHOOK,
        handler=webhooks.remove,
        answers=NOTHING,
    ),
    Route(
        method="GET",
        path=f"{_ONE}/dead-letters",
        name="list_dead_letters",
        summary="Messages that the receiver refused for good, oldest first",
        role=OPERATOR,
        scope=Scope.WEBHOOK,
        handler=webhooks.dead_letters,
        query=webhooks.DEAD_PARAMETERS,
        answers=ok(shapes.DeadLetterPage),
    ),
    Route(
        method="POST",
        path=f"{_ONE}/redeliver",
        name="redeliver",
        summary="Send dead letters again, all or some",
        role=ADMIN,
        scope=Scope.WEBHOOK,
        handler=webhooks.redeliver,
        body=JsonBody(webhooks.Redelivery),
        answers={ACCEPTED: Shape("they wait to be sent", shapes.Redelivered)},
    ),
)
