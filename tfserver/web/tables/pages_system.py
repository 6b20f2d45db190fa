"""The pages of the system, and everybody's own."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from tfserver.web.dashboard.system import (
    accounts,
    audit,
    backfills,
    configuration,
    handshakes,
    overview,
    tokens,
    webhooks,
)
from tfserver.web.route import ADMIN, OPERATOR, Scope
from tfserver.web.tables.page import page

SYSTEM: Final = (
    replace(page("/system", "system", overview.overview, (), OPERATOR, Scope.EVERYTHING), without_store=True),
    page("/system/webhooks", "webhooks", webhooks.webhooks, (), OPERATOR),
    page("/system/webhooks/{id}", "webhook", webhooks.webhook, webhooks.PARAMETERS, OPERATOR, Scope.WEBHOOK),
    page("/system/audit", "audit", audit.audit, audit.PARAMETERS, ADMIN),
    page(
        "/system/handshakes",
        "handshakes",
        handshakes.handshakes,
        handshakes.PARAMETERS,
        OPERATOR,
        Scope.ALL_SITES,
    ),
    page("/system/backfills", "backfills", backfills.backfills, backfills.PARAMETERS, OPERATOR),
    page("/system/tokens", "tokens", tokens.tokens, (), ADMIN, Scope.ALL_SITES),
    page(
        "/system/configuration",
        "configuration",
        configuration.configuration,
        configuration.PARAMETERS,
        ADMIN,
        Scope.ALL_SITES,
    ),
    page("/system/accounts", "accounts", accounts.accounts, (), ADMIN, Scope.ALL_SITES),
    page("/system/accounts/{account}", "account", accounts.account, (), ADMIN, Scope.ALL_SITES),
    page("/account", "own_account", accounts.own, (), scope=Scope.EVERYTHING),
)
