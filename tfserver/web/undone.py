"""Why the directory does not take something, as statuses of the HTTP API."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from http import HTTPStatus
from typing import Final

from tfserver.store.people.directory import (
    BeingErased,
    ExternalIdTaken,
    NoSuchGroup,
    NoSuchPerson,
    Outdated,
    Undone,
)
from tfserver.store.people.groups import GroupFills, TooManyGroups
from tfserver.web.problem import Problem

STATUSES: Final[dict[type[Undone], tuple[HTTPStatus, str]]] = {
    BeingErased: (HTTPStatus.CONFLICT, ""),
    ExternalIdTaken: (HTTPStatus.CONFLICT, "external_id"),
    GroupFills: (HTTPStatus.CONFLICT, ""),
    NoSuchGroup: (HTTPStatus.UNPROCESSABLE_ENTITY, "groups"),
    NoSuchPerson: (HTTPStatus.NOT_FOUND, ""),
    Outdated: (HTTPStatus.CONFLICT, "version"),
    TooManyGroups: (HTTPStatus.CONFLICT, ""),
}
"""Each with the field that it is about, if it is about one."""


@contextlib.contextmanager
def told_why() -> Iterator[None]:
    """What the directory refuses is a Problem."""
    try:
        yield
    except Undone as why:
        status, field = STATUSES[type(why)]
        raise Problem(status, str(why), [(field, str(why))] if field else None) from why
