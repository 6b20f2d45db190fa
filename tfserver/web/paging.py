"""Lists whose cursors only the store understands."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from tfserver.errors import ScriptFailed
from tfserver.web.problem import bad_input

T = TypeVar("T")


async def page_at(cursor: str, page: Awaitable[T]) -> T:
    """A page of a list; Problem 422 for a cursor that the store can't read."""
    try:
        return await page
    except ScriptFailed as failed:
        if not cursor:
            raise
        raise bad_input("cursor", "expected a cursor as given in 'next'") from failed
