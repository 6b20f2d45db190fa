"""The pages of people: the directory."""

from __future__ import annotations

from typing import Final

from tfserver.web.route import Route

PEOPLE: Final[tuple[Route, ...]] = ()
