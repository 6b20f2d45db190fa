"""Passwords that are hashed at once and for next to nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred

from tfserver.store.passwords import Cost

CHEAP = Cost(8, 1, 1)
RIGHT = "quiet otters juggle"
"""A password that anybody may have."""


def at_once(function: Callable[..., Any], *args: Any) -> Deferred[Any]:
    """Stands in for ``deferToThread``."""
    return maybeDeferred(function, *args)
