"""The pages of groups, plans, differences and room."""

from __future__ import annotations

from typing import Final

from tfserver.web.route import Route

PLACING: Final[tuple[Route, ...]] = ()
