"""Exceptions of the rest of the house as statuses of the HTTP API, in one table."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from tfserver import commander
from tfserver.errors import Gone, StoreError
from tfserver.store import accounts, passwords
from tfserver.store.tokens import LastToken, NoSuchToken, NotIssued
from tfserver.store.webhooks import MadeBefore, NoSuchWebhook, TooManyWebhooks
from tfserver.web.problem import Problem

STATUSES: Final[dict[type[Exception], HTTPStatus]] = {
    commander.BadOrder: HTTPStatus.UNPROCESSABLE_ENTITY,
    commander.KeyReused: HTTPStatus.UNPROCESSABLE_ENTITY,
    commander.UnknownTerminal: HTTPStatus.NOT_FOUND,
    commander.UnknownOrder: HTTPStatus.NOT_FOUND,
    commander.NotAllowed: HTTPStatus.FORBIDDEN,
    commander.NotNow: HTTPStatus.CONFLICT,
    commander.QueueFull: HTTPStatus.TOO_MANY_REQUESTS,
    NoSuchToken: HTTPStatus.NOT_FOUND,
    LastToken: HTTPStatus.CONFLICT,
    NotIssued: HTTPStatus.CONFLICT,
    accounts.NoSuchAccount: HTTPStatus.NOT_FOUND,
    accounts.NameTaken: HTTPStatus.CONFLICT,
    accounts.TooManyAccounts: HTTPStatus.CONFLICT,
    accounts.ChangedMeanwhile: HTTPStatus.CONFLICT,
    accounts.BadName: HTTPStatus.UNPROCESSABLE_ENTITY,
    passwords.WeakPassword: HTTPStatus.UNPROCESSABLE_ENTITY,
    passwords.Busy: HTTPStatus.SERVICE_UNAVAILABLE,
    NoSuchWebhook: HTTPStatus.NOT_FOUND,
    TooManyWebhooks: HTTPStatus.CONFLICT,
    MadeBefore: HTTPStatus.CONFLICT,
    Gone: HTTPStatus.GONE,
    StoreError: HTTPStatus.SERVICE_UNAVAILABLE,
}


def problem_of(failed: Exception) -> Problem | None:
    """How an exception reads to who asked; None for a mistake of ours."""
    if isinstance(failed, Problem):
        return failed
    for kind, status in STATUSES.items():
        if isinstance(failed, kind):
            told = f"the store: {failed}" if kind is StoreError else str(failed)
            return Problem(status, told, getattr(failed, "problems", None))
    return None
