"""What somebody who is bound to sites reaches, as the row of a route says."""

from __future__ import annotations

from http import HTTPStatus

from tfserver.store.webhooks import NoSuchWebhook
from tfserver.web.call import Call
from tfserver.web.problem import Problem
from tfserver.web.route import Scope


async def check_reach(call: Call) -> None:
    """Problem 404 for a terminal that is not at a site of who asks, as if there were none."""
    if not call.who.sites:
        return
    if call.route.scope is Scope.TERMINAL:
        await _check_terminal(call, call.path["sn"])
    elif call.route.scope is Scope.BODY:
        await _check_terminal(call, call.body.sn)
    elif call.route.scope is Scope.ORDER:
        await _check_order(call)
    elif call.route.scope is Scope.WEBHOOK:
        await _check_webhook(call)


async def _check_terminal(call: Call, sn: str) -> None:
    site = (await call.sources.terminals.decided(sn)).site
    if not call.sees(site):
        raise Problem(HTTPStatus.NOT_FOUND, f"no terminal '{sn}' has ever registered here")


async def _check_webhook(call: Call) -> None:
    webhook = await call.sources.webhooks.get(call.path["id"])
    if webhook is None or not call.sees_only(webhook.sites):
        raise NoSuchWebhook(f"no webhook has the id '{call.path['id']}'")


async def _check_order(call: Call) -> None:
    order = await call.sources.commander.get(call.path["id"])
    site = "" if order is None else (await call.sources.terminals.decided(order.sn)).site
    if not call.sees(site):
        raise Problem(HTTPStatus.NOT_FOUND, f"there is no order {call.path['id']}")
